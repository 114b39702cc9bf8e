"""eth_call, eth_estimateGas and reads of state, at the head and in the past."""

from __future__ import annotations

import pytest

WORDS = [bytes([number]) * 32 for number in range(1, 6)]


@pytest.fixture
def noted(lab):
    """A chain whose blocks 2 to 6 each note another word under key 1."""
    contract = lab.deploy()
    for word in WORDS:
        lab.call_method(contract, lab.devnet.accounts[0], "note", 1, word)
    return lab, contract


@pytest.mark.parametrize("index", range(len(WORDS)))
def test_call__at_a_past_block__sees_that_blocks_state_time_and_number(noted, index) -> None:
    lab, contract = noted
    block = lab.w3.eth.get_block(2 + index)
    for identifier in (block["number"], block["hash"]):
        functions = contract.functions
        assert functions.values(1).call(block_identifier=identifier) == WORDS[index]
        assert functions.now().call(block_identifier=identifier) == block["timestamp"]
        assert functions.height().call(block_identifier=identifier) == block["number"]


@pytest.mark.parametrize("tag", ["latest", "pending"])
def test_call__at_the_head__sees_the_block_that_would_come(noted, clock, tag) -> None:
    lab, contract = noted
    head = lab.w3.eth.get_block("latest")
    functions = contract.functions
    assert functions.height().call(block_identifier=tag) == head["number"] + 1
    assert functions.now().call(block_identifier=tag) == head["timestamp"] + 1
    clock.at += 500
    assert functions.now().call(block_identifier=tag) == clock.at


def test_reads__every_way_to_name_a_block__agree(noted) -> None:
    lab, contract = noted
    account = lab.devnet.accounts[0].address
    block = lab.rpc("eth_getBlockByNumber", "0x3")
    names = ("0x3", block["hash"], {"blockHash": block["hash"]}, {"blockNumber": "0x3"})
    read = {
        "eth_getBalance": (account,),
        "eth_getTransactionCount": (account,),
        "eth_getCode": (contract.address,),
        "eth_getStorageAt": (contract.address, "0x1"),
    }
    for method, params in read.items():
        assert len({lab.rpc(method, *params, name) for name in names}) == 1
    assert lab.rpc("eth_getTransactionCount", account, "0x3") == "0x3"
    assert lab.rpc("eth_getCode", contract.address, "earliest") == "0x"
    assert lab.rpc("eth_getBalance", account, "earliest") == hex(10_000 * 10**18)


def test_reads__a_block_that_is_not__is_refused(lab) -> None:
    error = lab.ask("eth_getBalance", lab.devnet.accounts[0].address, "0x1")["error"]
    assert (error["code"], error["message"]) == (-32000, "block not found")
    assert lab.rpc("eth_getBlockByNumber", "0x1") is None
    assert lab.rpc("eth_getBlockByHash", "0x" + "11" * 32) is None
    assert lab.rpc("eth_getTransactionReceipt", "0x" + "11" * 32) is None
    assert lab.rpc("eth_getTransactionByHash", "0x" + "11" * 32) is None


def test_call__that_writes__leaves_no_trace(noted) -> None:
    lab, contract = noted
    account = lab.devnet.accounts[0].address
    request = {
        "from": account,
        "to": contract.address,
        "data": contract.encode_abi("note", [1, b"\x99" * 32]),
    }
    before = lab.rpc("eth_estimateGas", request)
    for _ in range(3):
        lab.rpc("eth_call", request)
        lab.rpc("eth_call", {"from": account, "data": lab.bytecode})
    assert contract.functions.values(1).call() == WORDS[-1]
    assert lab.rpc("eth_getTransactionCount", account) == "0x6"
    assert lab.rpc("eth_estimateGas", request) == before


def test_call__too_much_value__is_refused(lab) -> None:
    account = lab.devnet.accounts[0].address
    request = {"from": account, "to": account, "value": hex(10**23)}
    assert lab.ask("eth_call", request)["error"]["message"] == "insufficient funds for transfer"


def test_call__out_of_gas__says_so(noted) -> None:
    lab, contract = noted
    request = {"to": contract.address, "data": contract.encode_abi("now"), "gas": hex(21_070)}
    assert lab.ask("eth_call", request)["error"] == {"code": -32000, "message": "out of gas"}


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("note", (7, b"\x01" * 32)),
        ("note", (1, b"\x01" * 32)),
        ("clear", (1,)),  # gets a refund, yet needs the gas first
        ("dig", (0,)),
        ("dig", (1,)),
        ("dig", (12,)),  # 63/64 at every level
        ("emit_log", (4, bytes(32), bytes(32))),
    ],
)
def test_estimate__any_function__is_enough_and_hardly_more(noted, name, args) -> None:
    lab, contract = noted
    account = lab.devnet.accounts[1]
    data = contract.encode_abi(name, list(args))
    request = {"from": account.address, "to": contract.address, "data": data}
    estimated = int(lab.rpc("eth_estimateGas", request), 16)
    if name != "dig":
        answer = lab.ask("eth_call", request | {"gas": hex(estimated - 1)})
        assert answer["error"]["message"] == "out of gas"
    sent = lab.send(account, to=contract.address, data=data, value=0, gas=estimated)
    receipt = lab.w3.eth.get_transaction_receipt(sent)
    assert receipt["status"] == 1
    # Without a refund the price of being wrong is small even twelve calls deep.
    assert name == "clear" or estimated <= 2 * receipt["gasUsed"]


def test_estimate__deployment__is_enough(lab) -> None:
    account = lab.devnet.accounts[0]
    request = {"from": account.address, "data": lab.bytecode}
    gas = int(lab.rpc("eth_estimateGas", request), 16)
    sent = lab.send(account, to=None, data=lab.bytecode, value=0, gas=gas)
    receipt = lab.w3.eth.get_transaction_receipt(sent)
    assert (receipt["status"], receipt["gasUsed"]) == (1, gas)


@pytest.mark.parametrize("data", ["0x", "0x00ff", "0x" + "ff" * 400])
def test_estimate__plain_transfer__is_what_it_costs(lab, data) -> None:
    sender, receiver = lab.devnet.accounts[:2]
    request = {"from": sender.address, "to": receiver.address, "data": data, "value": "0x1"}
    gas = int(lab.rpc("eth_estimateGas", request), 16)
    sent = lab.send(sender, to=receiver.address, data=data, gas=gas)
    assert lab.w3.eth.get_transaction_receipt(sent)["gasUsed"] == gas


def test_estimate__revert__gives_the_reason(noted) -> None:
    lab, contract = noted
    request = {"to": contract.address, "data": contract.encode_abi("refuse", [1])}
    error = lab.ask("eth_estimateGas", request)["error"]
    assert (error["code"], error["message"]) == (3, "execution reverted: probe: refused")
    assert error["data"].startswith("0x08c379a0")
