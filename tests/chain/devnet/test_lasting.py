"""The chain on disk: reopened, followed by readers, out of room, damaged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from devnet_lab import Lab

from chain.devnet.errors import ChainMismatch, DiskFull, StoreBusy, StoreUnreadable
from chain.devnet.store import FILE_NAME

READ = """
import sys
from pathlib import Path
from chain.devnet.devnet import Devnet

def number(devnet):
    return devnet.handle({"id": 1, "method": "eth_blockNumber", "params": []})["result"]
path = Path(sys.argv[1])
with Devnet(directory=path, clock=lambda: 1_700_000_000, accounts=4, read_only=True) as devnet:
    for line in sys.stdin:
        print(number(devnet), flush=True)
    print(devnet.handle({"id": 1, "method": "evm_mine", "params": []})["error"]["message"])
"""


def run(script: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def take_picture(lab: Lab, contract: Any) -> dict[str, Any]:
    """All that a chain says of itself."""
    head = int(lab.rpc("eth_blockNumber"), 16)
    blocks = [lab.rpc("eth_getBlockByNumber", hex(number), True) for number in range(head + 1)]
    sent = [item["hash"] for block in blocks for item in block["transactions"]]
    accounts = [account.address for account in lab.devnet.accounts]
    return {
        "blocks": blocks,
        "receipts": [lab.rpc("eth_getTransactionReceipt", item) for item in sent],
        "logs": lab.rpc("eth_getLogs", {"fromBlock": "0x0"}),
        "balances": [
            [lab.rpc("eth_getBalance", account, hex(number)) for account in accounts]
            for number in range(head + 1)
        ],
        "values": [contract.functions.values(key).call().hex() for key in range(3)],
    }


def check_whole(lab: Lab) -> None:
    """Every block follows from the one before, and all that it tells of is there."""
    head = lab.w3.eth.block_number
    blocks = [lab.w3.eth.get_block(number) for number in range(head + 1)]
    assert all(child["parentHash"] == parent["hash"] for parent, child in pairwise(blocks))
    account = lab.devnet.accounts[0].address
    mined = 0
    for block in blocks:
        mined += len(block["transactions"])
        assert lab.w3.eth.get_transaction_count(account, block["number"]) == mined
        receipts = [lab.w3.eth.get_transaction_receipt(item) for item in block["transactions"]]
        assert sum(receipt["gasUsed"] for receipt in receipts) == block["gasUsed"]


def test_open__again__goes_on_with_all_that_was(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    contract = lab.deploy()
    for key in range(3):
        lab.call_method(contract, lab.devnet.accounts[key], "note", key, bytes([key + 1]) * 32)
    before = take_picture(lab, contract)
    lab.devnet.close()
    lab = open_lab(tmp_path)
    contract = lab.w3.eth.contract(address=contract.address, abi=lab.abi)
    assert take_picture(lab, contract) == before
    sent = lab.call_method(contract, lab.devnet.accounts[0], "note", 0, b"\x09" * 32)
    assert lab.w3.eth.get_transaction_receipt(sent)["blockNumber"] == 5
    check_chain = lab.w3.eth.get_block(5)["parentHash"].to_0x_hex()
    assert check_chain == before["blocks"][-1]["hash"]


def test_chain__on_disk_and_in_memory__are_the_same(open_lab, tmp_path) -> None:
    pictures = []
    for lab in (open_lab(), open_lab(tmp_path)):
        contract = lab.deploy()
        lab.call_method(contract, lab.devnet.accounts[1], "note", 1, b"\x01" * 32)
        pictures.append(take_picture(lab, contract))
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(("option", "value"), [("chain_id", 5), ("accounts", 5)])
def test_open__as_another_chain__is_a_mismatch(open_lab, tmp_path, option, value) -> None:
    open_lab(tmp_path).devnet.close()
    with pytest.raises(ChainMismatch) as caught:
        open_lab(tmp_path, **{option: value})
    assert caught.value.expected == value
    assert caught.value.got == {"chain_id": 31337, "accounts": 4}[option]
    open_lab(tmp_path)


def test_open__without_saying_which_chain__is_the_one_that_is_there(open_lab, tmp_path) -> None:
    open_lab(tmp_path, chain_id=5, accounts=3).devnet.close()
    for read_only in (True, False):
        devnet = open_lab(tmp_path, chain_id=None, accounts=None, read_only=read_only).devnet
        assert (devnet.chain_id, len(devnet.accounts)) == (5, 3)
        devnet.close()
    fresh = open_lab(accounts=None).devnet
    assert (fresh.chain_id, len(fresh.accounts)) == (31337, 16)


def test_open__second_writer__is_refused_until_the_first_closes(open_lab, tmp_path) -> None:
    first = open_lab(tmp_path)
    with pytest.raises(StoreBusy, match="expected no other writer"):
        open_lab(tmp_path)
    first.devnet.close()
    open_lab(tmp_path)


def test_open__read_only_without_a_chain__says_what_is_missing(open_lab, tmp_path) -> None:
    with pytest.raises(StoreUnreadable, match=FILE_NAME) as caught:
        open_lab(tmp_path, read_only=True)
    assert caught.value.got == "none"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\x07" * 99]
)
@pytest.mark.parametrize("read_only", [False, True])
def test_open__file_of_something_else__is_unreadable(
    open_lab, tmp_path, content, read_only
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(StoreUnreadable, match="expected a chain's file, got "):
        open_lab(tmp_path, read_only=read_only)


def test_open__other_format__is_unreadable(open_lab, tmp_path) -> None:
    open_lab(tmp_path).devnet.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnreadable, match="expected a chain in format 2, got format 99"):
        open_lab(tmp_path)


def test_open__directory_is_a_file__is_unreadable(open_lab, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnreadable, match="expected a directory"):
        open_lab(tmp_path / "file")


def test_open__nodes_with_a_flipped_bit__is_refused(open_lab, tmp_path) -> None:
    open_lab(tmp_path).devnet.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    for key, value in connection.execute("SELECT key, value FROM nodes").fetchall():
        flipped = value[:-1] + bytes([value[-1] ^ 1])
        connection.execute("UPDATE nodes SET value = ? WHERE key = ?", (flipped, key))
    connection.close()
    with pytest.raises(StoreUnreadable, match="devnet state node: expected"):
        open_lab(tmp_path)


def test_read__node_that_is_gone__is_named(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    account = lab.devnet.accounts[0].address
    head = bytes.fromhex(lab.rpc("eth_getBlockByNumber", "latest")["stateRoot"][2:])
    lab.devnet.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    connection.execute("DELETE FROM nodes WHERE key != ?", (head,))
    connection.close()
    with pytest.raises(StoreUnreadable, match="devnet state: expected every node"):
        open_lab(tmp_path).ask("eth_getBalance", account)


def test_read_only__in_this_process__follows_and_refuses(open_lab, tmp_path) -> None:
    writer = open_lab(tmp_path)
    reader = open_lab(tmp_path, read_only=True)
    contract = writer.deploy()
    writer.call_method(contract, writer.devnet.accounts[0], "note", 1, b"\x05" * 32)
    seen = reader.w3.eth.contract(address=contract.address, abi=reader.abi)
    assert seen.functions.values(1).call() == b"\x05" * 32
    assert take_picture(reader, seen) == take_picture(writer, contract)
    raw = writer.sign(writer.devnet.accounts[0])
    for method, params in (
        ("eth_sendRawTransaction", (raw,)),
        ("evm_mine", ()),
        ("evm_setAutomine", (True,)),
        ("evm_increaseTime", (1,)),
        ("evm_setNextBlockTimestamp", (2**40,)),
    ):
        error = reader.ask(method, *params)["error"]
        assert (error["code"], error["message"]) == (-32000, "chain is opened read-only")
    writer.devnet.close()
    assert reader.w3.eth.block_number == 2


def test_read_only__second_process__sees_blocks_as_they_come(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    with run(READ, tmp_path, stdin=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for number in range(4):
            reader.stdin.write("?\n")
            reader.stdin.flush()
            assert reader.stdout.readline().strip() == hex(number)
            lab.rpc("evm_mine")
        reader.stdin.close()
        assert reader.stdout.read().strip() == "chain is opened read-only"
    assert reader.returncode == 0


def test_full_disk__while_mining__keeps_the_head_and_goes_on_with_room(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    lab.send(lab.devnet.accounts[0])
    connection = lab.devnet._store._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    # Twenty kilobytes of calldata need pages that are not there.
    raw = lab.sign(lab.devnet.accounts[0], data="0x" + "ff" * 20_000, gas=2_000_000)
    with pytest.raises(DiskFull, match="database or disk is full"):
        lab.ask("eth_sendRawTransaction", raw)
    assert lab.w3.eth.block_number == 1
    assert lab.w3.eth.get_transaction_count(lab.devnet.accounts[0].address, "pending") == 1
    connection.execute("PRAGMA max_page_count = 1000000")
    lab.rpc("eth_sendRawTransaction", raw)
    assert lab.w3.eth.block_number == 2
    check_whole(lab)
    lab.devnet.close()
    check_whole(open_lab(tmp_path))
