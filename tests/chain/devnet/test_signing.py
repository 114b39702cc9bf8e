"""The development accounts are unlocked."""

from __future__ import annotations

import pytest


def test_send_transaction__nothing_but_the_call__fills_in_the_rest(lab) -> None:
    contract = lab.deploy()
    sender = lab.w3.eth.accounts[1]
    contract.functions.note(1, b"\x05" * 32).transact({"from": sender})
    sent = contract.functions.note(2, b"\x06" * 32).transact({"from": sender})
    receipt = lab.w3.eth.wait_for_transaction_receipt(sent)
    assert (receipt["status"], receipt["from"], receipt["type"]) == (1, sender, 2)
    assert contract.functions.values(2).call() == b"\x06" * 32
    assert lab.w3.eth.get_transaction(sent)["nonce"] == 1


def test_send_transaction__deployment__works(lab) -> None:
    factory = lab.w3.eth.contract(abi=lab.abi, bytecode=lab.bytecode)
    sent = factory.constructor().transact({"from": lab.w3.eth.accounts[0]})
    assert lab.w3.eth.wait_for_transaction_receipt(sent)["contractAddress"] is not None


@pytest.mark.parametrize(
    ("given", "kind", "fees"),
    [
        ({"gasPrice": hex(5 * 10**9)}, "0x0", {"gasPrice": hex(5 * 10**9)}),
        ({"maxFeePerGas": hex(4 * 10**9)}, "0x2", {"maxFeePerGas": hex(4 * 10**9)}),
        ({"maxPriorityFeePerGas": "0x7"}, "0x2", {"maxPriorityFeePerGas": "0x7"}),
        ({"accessList": [{"address": "0x" + "11" * 20, "storageKeys": []}]}, "0x2", {}),
    ],
)
def test_send_transaction__what_is_given__is_kept(lab, given, kind, fees) -> None:
    sender, receiver = lab.rpc("eth_accounts")[:2]
    request = {"from": sender, "to": receiver, "value": "0x9", "gas": hex(40_000), "nonce": "0x0"}
    sent = lab.rpc("eth_sendTransaction", request | given)
    found = lab.rpc("eth_getTransactionByHash", sent)
    assert (found["type"], found["gas"], found["value"]) == (kind, hex(40_000), "0x9")
    assert {name: found[name] for name in fees} == fees
    assert lab.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1"


def test_send_transaction__several_waiting__take_nonces_in_turn(lab) -> None:
    lab.rpc("evm_setAutomine", False)
    sender = lab.rpc("eth_accounts")[0]
    sent = [lab.rpc("eth_sendTransaction", {"from": sender, "to": sender}) for _ in range(3)]
    lab.rpc("evm_mine")
    assert lab.rpc("eth_getBlockByNumber", "latest")["transactions"] == sent


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"from": "0x" + "11" * 20}, -32000, "unknown account"),
        ({"from": None}, -32602, "from"),
        ({"gasPrice": "0x1", "maxFeePerGas": "0x1"}, -32602, "fees"),
        ({"value": hex(10**30)}, -32000, "insufficient funds"),
        ({"value": hex(10**30), "gas": "0xffff"}, -32000, "insufficient funds"),
        ({"nonce": hex(2**64)}, -32000, "nonce has max value"),
        ({"chainId": "0x1"}, -32000, "invalid chain id"),
        ({"gas": hex(2**255)}, -32000, "exceeds block gas limit"),
        ({"maxFeePerGas": hex(2**255)}, -32000, "insufficient funds"),
    ],
)
def test_send_transaction__bad__is_refused_and_nothing_is_sent(lab, change, code, message) -> None:
    sender = lab.rpc("eth_accounts")[0]
    error = lab.ask("eth_sendTransaction", {"from": sender, "to": sender} | change)["error"]
    assert error["code"] == code
    assert message in error["message"]
    assert lab.w3.eth.block_number == 0


def test_send_transaction__call_that_reverts__gives_the_reason(lab) -> None:
    contract = lab.deploy()
    request = {"from": lab.rpc("eth_accounts")[0], "to": contract.address}
    error = lab.ask("eth_sendTransaction", request | {"data": contract.encode_abi("refuse", [1])})
    assert error["error"]["message"] == "execution reverted: probe: refused"
