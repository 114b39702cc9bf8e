"""eth_getLogs against a filter written from the specification, over every log there is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from devnet_lab import Clock, Lab
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import Web3

from chain.devnet.devnet import Devnet

TOPICS = [f"0x{number:064x}" for number in (1, 2, 3)]
BLOCKS = 14


@pytest.fixture(scope="module")
def logged(probe: dict[str, Any]) -> Iterator[tuple[Lab, list[str], list[dict[str, Any]]]]:
    """A chain with random logs of three contracts; their addresses; all logs, from the receipts."""
    chance = random.Random(11)
    with Devnet(clock=Clock(), accounts=4) as devnet:
        lab = Lab(devnet, Web3(devnet.provider), probe["abi"], probe["bytecode"])
        contracts = [lab.deploy() for _ in range(3)]
        lab.rpc("evm_setAutomine", False)
        while lab.w3.eth.block_number < BLOCKS:
            for _ in range(chance.randrange(5)):
                words = [Web3.to_bytes(hexstr=chance.choice(TOPICS)) for _ in range(2)]
                account = chance.choice(devnet.accounts)
                count = chance.randrange(5)
                lab.call_method(chance.choice(contracts), account, "emit_log", count, *words)
            lab.rpc("evm_mine")
        every = [
            log
            for number in range(BLOCKS + 1)
            for sent in lab.rpc("eth_getBlockByNumber", hex(number))["transactions"]
            for log in lab.rpc("eth_getTransactionReceipt", sent)["logs"]
        ]
        assert len(every) > 20
        yield lab, [contract.address.lower() for contract in contracts], every


def is_admitted(log: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """The filter's meaning, one clause after the other."""
    number = int(log["blockNumber"], 16)
    if not int(wanted["fromBlock"], 16) <= number <= int(wanted["toBlock"], 16):
        return False
    addresses = wanted.get("address")
    if isinstance(addresses, str):
        addresses = [addresses]
    if addresses and log["address"] not in addresses:
        return False
    topics = wanted.get("topics", [])
    if len(topics) > len(log["topics"]):
        return False
    for position, condition in enumerate(topics):
        if isinstance(condition, str):
            condition = [condition]
        if condition and log["topics"][position] not in condition:
            return False
    return True


topic = st.sampled_from(TOPICS)
conditions = st.none() | topic | st.lists(topic, max_size=2)


@settings(max_examples=150)
@given(data=st.data())
def test_get_logs__any_filter__is_what_the_specification_says(logged, data) -> None:
    lab, addresses, every = logged
    known = st.sampled_from(addresses)
    wanted = {
        "fromBlock": hex(data.draw(st.integers(0, BLOCKS))),
        "toBlock": hex(data.draw(st.integers(0, BLOCKS + 3))),
    }
    address = data.draw(st.none() | known | st.lists(known, max_size=2))
    if address is not None:
        wanted["address"] = address
    wanted["topics"] = data.draw(st.lists(conditions, max_size=4))
    assert lab.rpc("eth_getLogs", wanted) == [log for log in every if is_admitted(log, wanted)]


def test_get_logs__by_block_hash__are_that_blocks(logged) -> None:
    lab, _, every = logged
    for number in range(BLOCKS + 1):
        block = lab.rpc("eth_getBlockByNumber", hex(number))
        found = lab.rpc("eth_getLogs", {"blockHash": block["hash"]})
        assert found == [log for log in every if log["blockHash"] == block["hash"]]
        assert all(log["blockNumber"] == block["number"] for log in found)


def test_get_logs__no_range__is_the_head_alone(logged) -> None:
    lab, _, every = logged
    found = lab.rpc("eth_getLogs", {})
    assert found == [log for log in every if int(log["blockNumber"], 16) == BLOCKS]


@pytest.mark.parametrize(
    "wanted",
    [
        {"topics": [None] * 5},
        {"topics": ["0x01"]},
        {"topics": "0x01"},
        {"address": "0x01"},
        {"address": ["0x" + "11" * 20] * 1001},
        {"fromBlock": "one"},
        {"blockHash": "0x" + "11" * 32, "fromBlock": "0x0"},
    ],
)
def test_get_logs__malformed_filter__is_bad_params(logged, wanted) -> None:
    assert logged[0].ask("eth_getLogs", wanted)["error"]["code"] == -32602


def test_contract_events__through_web3__are_decoded(lab) -> None:
    contract = lab.deploy()
    account = lab.devnet.accounts[1]
    for key in range(3):
        lab.call_method(contract, account, "note", key, bytes([key]) * 32)
    logs = contract.events.Noted().get_logs(from_block=0, argument_filters={"key": 2})
    (event,) = logs
    assert dict(event["args"]) == {"key": 2, "who": account.address, "word": b"\x02" * 32}
    receipt = lab.w3.eth.get_transaction_receipt(event["transactionHash"])
    assert contract.events.Noted().process_receipt(receipt) == (event,)
