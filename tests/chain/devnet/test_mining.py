"""Blocks: what is mined, in which order, at what time, under which limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from eth.chains.base import Chain
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.blocks import PragueBlock
from web3.exceptions import ContractLogicError

from chain.devnet.codec import decode_header
from chain.devnet.evm import GAS_LIMIT
from chain.devnet.transactions import decode_stored


def test_send__automine__is_mined_at_once_with_the_fee_it_owes(lab) -> None:
    sender, receiver = lab.devnet.accounts[:2]
    sent = lab.send(sender, to=receiver.address, value=5)
    receipt = lab.w3.eth.get_transaction_receipt(sent)
    assert (receipt["blockNumber"], receipt["status"], receipt["gasUsed"]) == (1, 1, 21_000)
    fee = receipt["gasUsed"] * receipt["effectiveGasPrice"]
    assert lab.w3.eth.get_balance(sender.address) == 10_000 * 10**18 - 5 - fee
    assert lab.w3.eth.get_balance(receiver.address) == 10_000 * 10**18 + 5


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 2 * 10**9}, 0),
        ({}, 2),
    ],
)
def test_send__legacy_and_dynamic_fee__keep_their_fields(lab, fields, kind) -> None:
    sender = lab.devnet.accounts[0]
    raw = lab.sign(sender, **fields)
    sent = lab.rpc("eth_sendRawTransaction", raw)
    transaction = lab.w3.eth.get_transaction(sent)
    assert transaction["type"] == kind
    assert transaction["from"] == sender.address
    assert transaction["hash"] == lab.w3.keccak(hexstr=raw)


def test_send__contract_that_reverts__is_mined_with_status_0_and_call_tells_why(lab) -> None:
    contract = lab.deploy()
    account = lab.devnet.accounts[1]
    sent = lab.call_method(contract, account, "refuse", 1)
    assert lab.w3.eth.get_transaction_receipt(sent)["status"] == 0
    with pytest.raises(ContractLogicError, match=r"^.*execution reverted: probe: refused") as error:
        contract.functions.refuse(1).call({"from": account.address})
    assert error.value.message == "execution reverted: probe: refused"


def test_call__revert_without_words__is_a_logic_error_still(lab) -> None:
    contract = lab.deploy()
    with pytest.raises(ContractLogicError, match="execution reverted"):
        contract.functions.refuse_silently().call()
    answer = lab.ask(
        "eth_call", {"to": contract.address, "data": contract.encode_abi("refuse_silently")}
    )
    assert answer["error"] == {"code": 3, "message": "execution reverted", "data": "0x"}


def test_evm_mine__fifty_waiting__are_one_block_in_order_of_arrival(lab) -> None:
    lab.rpc("evm_setAutomine", False)
    accounts = lab.devnet.accounts
    sent = [lab.send(accounts[index % len(accounts)]) for index in range(50)]
    assert lab.w3.eth.block_number == 0
    assert lab.w3.eth.get_transaction(sent[0])["blockNumber"] is None
    lab.rpc("evm_mine")
    block = lab.w3.eth.get_block(1)
    assert [item.to_0x_hex() for item in block["transactions"]] == sent
    receipts = [lab.w3.eth.get_transaction_receipt(item) for item in sent]
    assert [receipt["transactionIndex"] for receipt in receipts] == list(range(50))
    assert receipts[-1]["cumulativeGasUsed"] == block["gasUsed"] == 50 * 21_000


def test_evm_mine__nothing_waiting__is_an_empty_block(lab) -> None:
    lab.rpc("evm_mine")
    assert lab.w3.eth.get_block("latest")["transactions"] == []
    assert lab.w3.eth.block_number == 1


def test_evm_mine__more_gas_than_a_block_holds__leaves_the_rest_for_the_next(lab) -> None:
    lab.rpc("evm_setAutomine", False)
    first, second = lab.devnet.accounts[:2]
    sent = [lab.send(account, gas=GAS_LIMIT) for account in (first, first, second)]
    small = lab.send(second)
    lab.rpc("evm_mine")
    lab.rpc("evm_mine")
    lab.rpc("evm_mine")
    mined = [lab.w3.eth.get_transaction(item)["blockNumber"] for item in (*sent, small)]
    # The second sender's small one must not overtake its own big one.
    assert mined == [1, 2, 3, 3]


def test_block__timestamp__is_the_clock_or_just_after_the_parent(lab, clock) -> None:
    start = clock.at
    lab.rpc("evm_mine")
    clock.at = start - 1000
    lab.rpc("evm_mine")
    clock.at = start + 1000
    lab.rpc("evm_mine")
    times = [lab.w3.eth.get_block(number)["timestamp"] for number in range(4)]
    assert times == [start, start + 1, start + 2, start + 1000]


@pytest.mark.parametrize("forced", [None, 500])
def test_block__timestamp_inside_the_evm__is_the_headers(lab, clock, forced) -> None:
    contract = lab.deploy()
    clock.at += 77
    if forced is not None:
        lab.rpc("evm_setNextBlockTimestamp", clock.at + forced)
    promised = contract.functions.now().call()
    lab.call_method(contract, lab.devnet.accounts[0], "note", 1, bytes(32))
    block = lab.w3.eth.get_block("latest")
    assert contract.functions.stamp().call() == block["timestamp"] == clock.at + (forced or 0)
    assert promised == block["timestamp"]


def test_evm_set_next_block_timestamp__one_block_only__then_the_clock_again(lab, clock) -> None:
    lab.rpc("evm_setNextBlockTimestamp", clock.at + 50)
    lab.rpc("evm_mine")
    clock.at += 60
    lab.rpc("evm_mine")
    assert lab.w3.eth.get_block(1)["timestamp"] == clock.at - 10
    assert lab.w3.eth.get_block(2)["timestamp"] == clock.at


def test_evm_set_next_block_timestamp__not_after_the_head__is_refused(lab, clock) -> None:
    assert lab.ask("evm_setNextBlockTimestamp", clock.at)["error"]["code"] == -32602
    assert lab.rpc("evm_setNextBlockTimestamp", clock.at + 1) == hex(clock.at + 1)


def test_evm_increase_time__twice__adds_up_and_lasts(lab, clock) -> None:
    assert lab.rpc("evm_increaseTime", 10) == "0xa"
    assert lab.rpc("evm_increaseTime", 5) == "0xf"
    lab.rpc("evm_mine")
    clock.at += 100
    lab.rpc("evm_mine")
    times = [lab.w3.eth.get_block(number)["timestamp"] for number in (1, 2)]
    assert times == [clock.at - 100 + 15, clock.at + 15]


def test_block__gas_limit__is_the_same_in_every_block_and_in_the_evm(lab) -> None:
    contract = lab.deploy()
    for _ in range(5):
        lab.rpc("evm_mine")
    limits = {lab.w3.eth.get_block(number)["gasLimit"] for number in range(7)}
    assert limits == {GAS_LIMIT, contract.functions.gas_limit().call()}


def test_block__base_fee__follows_eip_1559(lab) -> None:
    lab.deploy()
    lab.rpc("evm_setAutomine", False)
    for account in lab.devnet.accounts[:2]:
        # An invalid instruction burns all its gas: 58 of 60 million, above the target of 30.
        lab.send(account, to=None, data="0xfe", value=0, gas=29_000_000)
    lab.rpc("evm_mine")
    lab.rpc("evm_mine")
    blocks = [lab.w3.eth.get_block(number) for number in range(4)]
    for parent, child in pairwise(blocks):
        target = parent["gasLimit"] // 2
        change = parent["baseFeePerGas"] * (parent["gasUsed"] - target)
        quotient = abs(change) // target // 8
        step = max(quotient, 1) if change > 0 else -quotient
        assert child["baseFeePerGas"] == parent["baseFeePerGas"] + step
    assert blocks[3]["baseFeePerGas"] > blocks[2]["baseFeePerGas"]


def test_block__blockhash_inside_the_evm__is_the_parents(lab) -> None:
    contract = lab.deploy()
    lab.call_method(contract, lab.devnet.accounts[0], "note", 1, bytes(32))
    head = lab.w3.eth.get_block("latest")
    assert contract.functions.parent().call() == head["parentHash"]
    assert lab.w3.eth.get_block(head["number"] - 1)["hash"] == head["parentHash"]


def test_mine__any_blocks__pass_py_evms_own_full_validation(lab) -> None:
    contract = lab.deploy()
    lab.rpc("evm_setAutomine", False)
    for number in range(4):
        for account in lab.devnet.accounts[: number + 1]:
            lab.call_method(contract, account, "note", number, bytes(32))
            lab.call_method(contract, account, "refuse", number)
            lab.send(account)
        lab.rpc("evm_mine")
    blocks = [lab.devnet._store.get_block(number) for number in range(lab.w3.eth.block_number + 1)]
    genesis, *others = (decode_header(block.header) for block in blocks)
    chain = make_reference_chain(lab.devnet.accounts, genesis)
    for header in others:
        records = lab.devnet._store.get_transactions(header.block_number)
        transactions = [decode_stored(record.payload) for record in records]
        chain.import_block(PragueBlock(header, transactions, uncles=(), withdrawals=()))
    assert chain.get_canonical_head().hash == blocks[-1].hash


def make_reference_chain(accounts, genesis) -> Any:
    """py-evm's chain as its documentation builds one, from the same genesis."""
    kind = Chain.configure("Reference", vm_configuration=((0, PragueVM),), chain_id=31337)
    account = {"balance": 10_000 * 10**18, "nonce": 0, "code": b"", "storage": {}}
    state = {bytes.fromhex(each.address[2:]): account for each in accounts}
    params = {
        "difficulty": 0,
        "gas_limit": genesis.gas_limit,
        "timestamp": genesis.timestamp,
        "base_fee_per_gas": genesis.base_fee_per_gas,
    }
    chain = kind.from_genesis(AtomicDB(), params, state)
    assert chain.get_canonical_head().hash == genesis.hash
    return chain


def test_send__from_many_threads__all_are_mined(lab) -> None:
    accounts = lab.devnet.accounts
    with ThreadPoolExecutor(len(accounts)) as pool:
        sent = list(pool.map(lambda account: [lab.send(account) for _ in range(5)], accounts))
    receipts = [lab.w3.eth.get_transaction_receipt(item) for row in sent for item in row]
    assert {receipt["status"] for receipt in receipts} == {1}
    assert lab.w3.eth.block_number == len(receipts) == 20


def test_hardhat_get_automine__switched__tells(lab) -> None:
    for is_on in (False, True):
        lab.rpc("evm_setAutomine", is_on)
        assert lab.rpc("hardhat_getAutomine") is is_on
