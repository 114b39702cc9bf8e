"""Going back: the chain is then what it was, in memory and on disk."""

from __future__ import annotations

import pytest
from test_lasting import check_whole, take_picture


@pytest.fixture(params=["memory", "disk"])
def kept(request, open_lab, tmp_path):
    """A chain, and a function that opens it again where that can be done."""
    directory = None if request.param == "memory" else tmp_path
    lab = open_lab(directory)

    def reopen():
        if directory is None:
            return lab
        lab.devnet.close()
        return open_lab(directory)

    return lab, reopen


def test_revert__after_blocks__is_as_if_they_had_never_been(kept) -> None:
    lab, reopen = kept
    contract = lab.deploy()
    account = lab.devnet.accounts[0]
    lab.call_method(contract, account, "note", 1, b"\x01" * 32)
    before = take_picture(lab, contract)
    snapshot = lab.rpc("evm_snapshot")
    gone = [lab.call_method(contract, account, "note", key, b"\x02" * 32) for key in (0, 1, 2)]
    assert take_picture(lab, contract) != before
    assert lab.rpc("evm_revert", snapshot) is True
    assert take_picture(lab, contract) == before
    assert [lab.rpc("eth_getTransactionReceipt", each) for each in gone] == [None] * 3
    lab = reopen()
    contract = lab.w3.eth.contract(address=contract.address, abi=lab.abi)
    assert take_picture(lab, contract) == before
    lab.call_method(contract, account, "note", 1, b"\x03" * 32)
    assert contract.functions.values(1).call() == b"\x03" * 32
    check_whole(lab)


def test_revert__other_blocks_of_the_same_number__are_served_by_their_own_content(kept) -> None:
    lab, _ = kept
    account, other = lab.devnet.accounts[:2]
    snapshot = lab.rpc("evm_snapshot")
    first = lab.rpc("eth_getBlockByNumber", "0x0")
    lab.send(account, to=other.address, value=5)
    old = lab.rpc("eth_getBlockByNumber", "0x1")
    lab.rpc("evm_revert", snapshot)
    lab.send(account, to=other.address, value=7)
    new = lab.rpc("eth_getBlockByNumber", "0x1")
    assert new["hash"] != old["hash"]
    assert new["parentHash"] == first["hash"]
    assert lab.rpc("eth_getBlockByHash", old["hash"]) is None
    assert lab.w3.eth.get_balance(other.address) == 10_000 * 10**18 + 7


def test_revert__snapshots__are_used_up_with_all_later_ones(lab) -> None:
    first, second, third = (lab.rpc("evm_snapshot") for _ in range(3))
    assert lab.rpc("evm_revert", second) is True
    assert [lab.rpc("evm_revert", each) for each in (third, second, "0xffff")] == [False] * 3
    assert lab.rpc("evm_revert", first) is True
    assert lab.rpc("evm_snapshot") not in (first, second, third)


def test_revert__waiting_transactions_and_clock__are_those_of_the_snapshot(kept, clock) -> None:
    lab, reopen = kept
    first, second = lab.devnet.accounts[:2]
    lab.rpc("evm_setAutomine", False)
    early = lab.send(first)
    lab.rpc("evm_increaseTime", 10)
    snapshot = lab.rpc("evm_snapshot")
    lab.send(second)
    lab.rpc("evm_mine")
    late = lab.send(second)
    lab.rpc("evm_increaseTime", 1000)
    lab.rpc("evm_revert", snapshot)
    assert lab.rpc("eth_getTransactionByHash", late) is None
    assert lab.rpc("eth_getTransactionByHash", early)["blockNumber"] is None
    assert lab.rpc("evm_increaseTime", 0) == hex(10)
    lab = reopen()
    lab.rpc("evm_mine")
    assert lab.rpc("eth_getBlockByNumber", "latest")["transactions"] == [early]


def test_read_only__while_the_writer_reverts__follows(open_lab, tmp_path) -> None:
    writer = open_lab(tmp_path)
    reader = open_lab(tmp_path, read_only=True)
    account, other = writer.devnet.accounts[:2]
    for value in (1, 2, 3):
        snapshot = writer.rpc("evm_snapshot")
        writer.send(account, to=other.address, value=value)
        for which in ("latest", "0x1"):
            told = [each.rpc("eth_getBlockByNumber", which) for each in (reader, writer)]
            assert told[0] == told[1]
        writer.rpc("evm_revert", snapshot)
        assert reader.w3.eth.block_number == 0
        assert reader.rpc("eth_getBlockByNumber", "0x1") is None
    for method, params in (("evm_snapshot", ()), ("evm_revert", ("0x1",))):
        assert reader.ask(method, *params)["error"]["message"] == "chain is opened read-only"


def test_evm_mine__several__are_that_many(lab, clock) -> None:
    lab.rpc("evm_mine", {"blocks": 3, "timestamp": clock.at + 50})
    times = [lab.w3.eth.get_block(number)["timestamp"] for number in (1, 2, 3)]
    assert times == [clock.at + 50, clock.at + 51, clock.at + 52]
    assert lab.ask("evm_mine", {"blocks": 1001})["error"]["code"] == -32602
    assert lab.w3.eth.block_number == 3
