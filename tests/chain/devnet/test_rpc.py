"""JSON-RPC: the envelope, error codes, and every method that web3 asks for by itself."""

from __future__ import annotations

import pytest
import rlp
from web3 import Web3

from chain.devnet.rpc import JsonRpc

# The header's fields in order: yellow paper, EIP-1559, EIP-4895, EIP-4844, EIP-4788, EIP-7685.
HEADER = (
    *("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot"),
    *("logsBloom", "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData"),
    *("mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas"),
    *("parentBeaconBlockRoot", "requestsHash"),
)
QUANTITIES = frozenset(
    {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed"}
    | {"excessBlobGas"}
)


def encode_field(name: str, value: str) -> bytes:
    if name not in QUANTITIES:
        return Web3.to_bytes(hexstr=value)
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def test_handle__unknown_method__is_32601(lab) -> None:
    answer = lab.ask("eth_mineBitcoin")
    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] == 7
    assert answer["error"]["code"] == -32601
    assert "eth_mineBitcoin" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBalance", []),
        ("eth_getBalance", ["0x12", "latest"]),
        ("eth_getBalance", ["0x" + "11" * 20, "newest"]),
        ("eth_getBalance", ["0x" + "11" * 20, "0x"]),
        ("eth_getBalance", ["0x" + "11" * 20, {"blockHash": "0x11"}]),
        ("eth_getBalance", ["0x" + "11" * 20, True]),
        ("eth_getBalance", ["0x" + "11" * 20, "latest", 1]),
        ("eth_blockNumber", [1]),
        ("eth_getBlockByNumber", ["0x0", "yes"]),
        ("eth_getStorageAt", ["0x" + "11" * 20, "-0x1"]),
        ("eth_call", ["0x"]),
        ("eth_call", [{"to": 5}]),
        ("eth_call", [{"data": "0x0"}]),
        ("eth_call", [{"accessList": [{"address": "0x" + "11" * 20}]}]),
        ("eth_sendRawTransaction", ["02"]),
        ("eth_feeHistory", ["0x1", "latest", [101]]),
        ("evm_setAutomine", [1]),
        ("evm_increaseTime", [-1]),
        ("evm_increaseTime", [2**70]),
    ],
)
def test_handle__bad_parameters__is_32602(lab, method, params) -> None:
    error = lab.ask(method, *params)["error"]
    assert error["code"] == -32602
    assert error["message"].startswith("invalid params: ")


@pytest.mark.parametrize("params", [{"a": 1}, "0x", 5])
def test_handle__parameters_that_are_no_list__is_32602(lab, params) -> None:
    answer = lab.devnet.handle({"id": 1, "method": "eth_chainId", "params": params})
    assert answer["error"]["code"] == -32602


@pytest.mark.parametrize("name", [None, 5, ["eth_chainId"]])
def test_handle__method_that_is_no_name__is_32600(lab, name) -> None:
    assert lab.devnet.handle({"id": 1, "method": name})["error"]["code"] == -32600


def test_handle__parameters_with_defaults__may_be_left_out() -> None:
    rpc = JsonRpc({"add": lambda a, b=2: a + b})
    assert rpc.handle({"id": None, "method": "add", "params": [1]})["result"] == 3
    assert rpc.handle({"id": None, "method": "add", "params": [1, 5]})["result"] == 6


def test_web3__what_it_asks_by_itself__is_answered(lab) -> None:
    w3 = lab.w3
    assert w3.is_connected()
    assert (w3.eth.chain_id, w3.net.version, w3.eth.syncing) == (31337, "31337", False)
    assert "py-evm" in w3.client_version
    assert w3.eth.accounts == [account.address for account in lab.devnet.accounts]
    assert w3.eth.gas_price > w3.eth.max_priority_fee == 10**9
    with w3.batch_requests() as batch:
        batch.add(w3.eth.get_block(0))
        batch.add(w3.eth.get_balance(lab.devnet.accounts[0].address))
        block, balance = batch.execute()
    assert (block["number"], balance) == (0, 10_000 * 10**18)


def test_web3__build_sign_send__needs_no_hint(lab) -> None:
    account = lab.devnet.accounts[0]
    factory = lab.w3.eth.contract(abi=lab.abi, bytecode=lab.bytecode)
    nonce = lab.w3.eth.get_transaction_count(account.address)
    built = factory.constructor().build_transaction({"from": account.address, "nonce": nonce})
    sent = lab.w3.eth.send_raw_transaction(account.sign_transaction(built).raw_transaction)
    receipt = lab.w3.eth.wait_for_transaction_receipt(sent)
    contract = lab.w3.eth.contract(address=receipt["contractAddress"], abi=lab.abi)
    assert contract.functions.values(0).call() == bytes(32)


def test_get_block__hash_and_size__are_those_of_its_rlp(lab) -> None:
    fees = {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 2 * 10**9}
    typed, legacy = (
        lab.sign(lab.devnet.accounts[index], **fields) for index, fields in enumerate(({}, fees))
    )
    lab.rpc("evm_setAutomine", False)
    sent = [lab.rpc("eth_sendRawTransaction", raw) for raw in (typed, legacy)]
    lab.rpc("evm_mine")
    block = lab.rpc("eth_getBlockByNumber", "0x1", True)
    assert [item["hash"] for item in block["transactions"]] == sent
    header = [encode_field(name, block[name]) for name in HEADER]
    assert Web3.to_hex(Web3.keccak(rlp.encode(header))) == block["hash"]
    body = [Web3.to_bytes(hexstr=typed), rlp.decode(Web3.to_bytes(hexstr=legacy))]
    assert int(block["size"], 16) == len(rlp.encode([header, body, [], []]))


def test_fee_history__over_the_chain__gives_fees_fullness_and_tips(lab) -> None:
    for _ in range(3):
        lab.send(lab.devnet.accounts[0])
    history = lab.w3.eth.fee_history(2, "latest", [0, 50, 100])
    blocks = [lab.w3.eth.get_block(number) for number in (2, 3)]
    assert history["oldestBlock"] == 2
    assert history["baseFeePerGas"][:2] == [block["baseFeePerGas"] for block in blocks]
    lab.rpc("evm_mine")
    assert history["baseFeePerGas"][2] == lab.w3.eth.get_block(4)["baseFeePerGas"]
    assert history["gasUsedRatio"] == [21_000 / 60_000_000] * 2
    assert history["reward"] == [[10**9] * 3] * 2
    assert lab.w3.eth.fee_history(1, "latest", [50])["reward"] == [[0]]


def test_provider__wraps_the_same_handler__for_any_web3(lab) -> None:
    lab.send(lab.devnet.accounts[0])
    assert Web3(lab.devnet.provider).eth.block_number == 1
