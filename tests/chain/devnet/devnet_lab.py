"""A chain with web3 on top, a clock that stands still, and a contract to try things on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract

from chain.devnet.devnet import Devnet

START = 1_700_000_000

PROBE = """
interface Probe:
    def dig(depth: uint256): nonpayable

event Noted:
    key: indexed(uint256)
    who: indexed(address)
    word: bytes32

values: public(HashMap[uint256, bytes32])
stamp: public(uint256)
parent: public(bytes32)

@external
def note(key: uint256, word: bytes32):
    self.values[key] = word
    self.stamp = block.timestamp
    self.parent = blockhash(block.number - 1)
    log Noted(key=key, who=msg.sender, word=word)

@external
def refuse(key: uint256):
    assert key == 0, "probe: refused"
    self.values[key] = empty(bytes32)

@external
def refuse_silently():
    assert block.number == 0

@external
def clear(key: uint256):
    self.values[key] = empty(bytes32)

@external
def dig(depth: uint256):
    if depth > 0:
        extcall Probe(self).dig(depth - 1)
    else:
        self.stamp = block.timestamp

@external
@view
def gas_limit() -> uint256:
    return block.gaslimit

@external
@view
def now() -> uint256:
    return block.timestamp

@external
@view
def height() -> uint256:
    return block.number

@external
def emit_log(count: uint256, a: bytes32, b: bytes32):
    if count == 0:
        raw_log([], b"none")
    elif count == 1:
        raw_log([a], b"one")
    elif count == 2:
        raw_log([a, b], b"two")
    elif count == 3:
        raw_log([a, b, a], b"three")
    else:
        raw_log([a, b, a, b], b"four")
"""


class Clock:
    """Unix seconds that move only when set."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


@dataclass(frozen=True)
class Lab:
    """A chain with web3 on top, and the probe's code."""

    devnet: Devnet
    w3: Web3
    abi: list[dict[str, Any]]
    bytecode: str

    def rpc(self, method: str, *params: object) -> Any:
        """Return the result of a request, which must not fail."""
        answer = self.ask(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    def ask(self, method: str, *params: object) -> dict[str, Any]:
        """Return the whole response."""
        return self.devnet.handle({"id": 7, "method": method, "params": list(params)})

    def sign(self, account: LocalAccount, **fields: object) -> str:
        """Return a signed transaction, by default one of a wei to the account itself."""
        pending = self.rpc("eth_getTransactionCount", account.address, "pending")
        transaction = {
            "to": account.address,
            "value": 1,
            "gas": 21_000,
            "nonce": int(pending, 16),
            "chainId": 31337,
            "maxFeePerGas": 3 * 10**9,
            "maxPriorityFeePerGas": 10**9,
        } | fields
        present = {name: value for name, value in transaction.items() if value is not None}
        return account.sign_transaction(present).raw_transaction.to_0x_hex()

    def send(self, account: LocalAccount, **fields: object) -> str:
        """Sign and send; return the hash."""
        return str(self.rpc("eth_sendRawTransaction", self.sign(account, **fields)))

    def deploy(self) -> Contract:
        """Deploy a probe from the first account."""
        account = self.devnet.accounts[0]
        sent = self.send(account, to=None, data=self.bytecode, value=0, gas=2_000_000)
        address = self.w3.eth.get_transaction_receipt(sent)["contractAddress"]
        return self.w3.eth.contract(address=address, abi=self.abi)

    def call_method(
        self, contract: Contract, account: LocalAccount, name: str, *args: object
    ) -> str:
        """Send a transaction to a contract's function; return its hash."""
        data = contract.encode_abi(name, list(args))
        return self.send(account, to=contract.address, data=data, value=0, gas=300_000)
