"""The methods that read or run state, at the head or after any block of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth.abc import StateAPI
from eth_typing import Address

from chain.devnet import params
from chain.devnet.calls import CREATE, NOBODY, Call, estimate, execute
from chain.devnet.errors import BadParams
from chain.devnet.evm import GAS_LIMIT, Chain
from chain.devnet.formats import format_data
from chain.devnet.lookup import get_block
from chain.devnet.params import BlockRef
from chain.devnet.pool import Pool
from chain.devnet.rpc import Method

CLIENT_VERSION: Final = "holdfast-devnet/py-evm/prague"
PRIORITY_FEE_WEI: Final = 10**9
"""Suggested tip. Blocks here are never short of room and a zero tip is mined as well; this is what
anvil and hardhat suggest, so that fees come out as a user knows them."""


class States:
    """Answers from the state; `latest` and `pending` are the head, seen by calls as the next block.

    A call at `latest` runs with the number, time and base fee that a block mined now would have,
    so that what it says of a deadline holds for a transaction sent now. At a given number or hash
    it runs in that block. Waiting transactions show in nonces alone.
    """

    def __init__(self, chain: Chain, pool: Pool, accounts: Sequence[str]) -> None:
        self._chain = chain
        self._pool = pool
        self._accounts = list(accounts)

    def list_methods(self) -> dict[str, Method]:
        """Return the methods by their JSON-RPC names."""
        return {
            "web3_clientVersion": lambda: CLIENT_VERSION,
            "net_version": lambda: str(self._chain.chain_id),
            "eth_chainId": lambda: hex(self._chain.chain_id),
            "eth_syncing": lambda: False,
            "eth_accounts": lambda: self._accounts,
            "eth_getTransactionCount": self.get_transaction_count,
            "eth_getBalance": self.get_balance,
            "eth_getCode": self.get_code,
            "eth_getStorageAt": self.get_storage,
            "eth_call": self.call,
            "eth_estimateGas": self.estimate_gas,
            "eth_gasPrice": self.get_gas_price,
            "eth_maxPriorityFeePerGas": lambda: hex(PRIORITY_FEE_WEI),
        }

    def get_transaction_count(self, address: object, which: object = "latest") -> str:
        """eth_getTransactionCount; `pending` counts what waits in an unbroken row."""
        owner = params.parse_address("address", address)
        reference = params.parse_block("block", which)
        nonce = self._open(reference).get_nonce(owner)
        if reference.tag == "pending":
            nonce = self._pool.count_next_nonce(owner, nonce)
        return hex(nonce)

    def get_balance(self, address: object, which: object = "latest") -> str:
        """eth_getBalance, in wei."""
        owner = params.parse_address("address", address)
        return hex(self._open(params.parse_block("block", which)).get_balance(owner))

    def get_code(self, address: object, which: object = "latest") -> str:
        """eth_getCode."""
        owner = params.parse_address("address", address)
        return format_data(self._open(params.parse_block("block", which)).get_code(owner))

    def get_storage(self, address: object, slot: object, which: object = "latest") -> str:
        """eth_getStorageAt: always 32 bytes."""
        owner = params.parse_address("address", address)
        key = params.parse_quantity("slot", slot)
        state = self._open(params.parse_block("block", which))
        return f"0x{state.get_storage(owner, key):064x}"

    def call(self, message: object, which: object = "latest") -> str:
        """eth_call: what the contract returns, or its words as an error."""
        call = parse_call(message)
        return format_data(execute(self._open(params.parse_block("block", which)), call))

    def estimate_gas(self, message: object, which: object = "latest") -> str:
        """eth_estimateGas: a limit that is enough in the block it is asked for."""
        call = parse_call(message)
        return hex(estimate(self._open(params.parse_block("block", which)), call))

    def get_gas_price(self) -> str:
        """eth_gasPrice: the next block's base fee and the suggested tip."""
        return hex(self._chain.compute_next_base_fee_wei() + PRIORITY_FEE_WEI)

    def _open(self, reference: BlockRef) -> StateAPI:
        is_next = reference.tag in ("latest", "pending")
        return self._chain.get_state(get_block(self._chain, reference), is_next=is_next)


def parse_call(message: object) -> Call:
    """Return the message that an `eth_call`'s object describes; raises `BadParams`."""
    request = params.parse_mapping("transaction", message)

    def optional(name: str) -> object:
        return request.get(name)

    to, sender, gas, value = map(optional, ("to", "from", "gas", "value"))
    data = next((request[name] for name in ("input", "data") if request.get(name)), None)
    return Call(
        sender=NOBODY if sender is None else params.parse_address("from", sender),
        to=CREATE if to is None or to in ("", "0x") else params.parse_address("to", to),
        gas=GAS_LIMIT if gas is None else min(params.parse_quantity("gas", gas), GAS_LIMIT),
        value=0 if value is None else params.parse_quantity("value", value),
        data=b"" if data is None else params.parse_data("data", data),
        access_list=_parse_access_list(request.get("accessList")),
    )


def _parse_access_list(value: object) -> tuple[tuple[Address, tuple[int, ...]], ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise BadParams("accessList", expected="a list", got=repr(value))
    entries = []
    for item in value:
        entry = params.parse_mapping("accessList", item)
        keys = entry.get("storageKeys")
        if not isinstance(keys, Sequence) or isinstance(keys, str | bytes):
            raise BadParams("storageKeys", expected="a list", got=repr(keys))
        slots = tuple(int.from_bytes(params.parse_hash("storageKeys", key), "big") for key in keys)
        entries.append((params.parse_address("accessList", entry.get("address")), slots))
    return tuple(entries)
