"""Transactions of simulated accounts: signed in name only, since nobody here forges."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_abi.abi import decode
from eth_hash.auto import keccak

from chain.federation import INPUTS, SELECTORS

FUNCTIONS = {selector: name for name, selector in SELECTORS.items()}


@lru_cache(4096)
def read_call(data: bytes) -> tuple[str, tuple[Any, ...]]:
    """Return a call's function and arguments."""
    function = FUNCTIONS[data[:4]]
    return function, decode(INPUTS[function], data[4:])


@dataclass(frozen=True)
class Transaction:
    """What a chain reads off the bytes that were sent."""

    raw: bytes
    sender: str
    nonce: int
    data: bytes
    value: int
    gas: int
    max_fee: int
    tip: int

    @property
    def hash(self) -> bytes:
        return keccak(self.raw)

    @property
    def call(self) -> tuple[str, tuple[Any, ...]]:
        return read_call(self.data)


@lru_cache(4096)
def read_transaction(raw: bytes) -> Transaction:
    """Return what `SimulatedSigner` signed."""
    sender, nonce, data, value, gas, max_fee, tip = json.loads(raw)
    return Transaction(raw, sender, nonce, bytes.fromhex(data), value, gas, max_fee, tip)


@dataclass(frozen=True)
class Signature:
    raw_transaction: bytes


class SimulatedSigner:
    """A `Signer` whose signature is its name."""

    def __init__(self, address: str) -> None:
        self.address = address

    def sign_transaction(self, transaction_dict: dict[str, Any]) -> Signature:
        t = transaction_dict
        fees = t["maxFeePerGas"], t["maxPriorityFeePerGas"]
        parts = [self.address, t["nonce"], t["data"].hex(), t["value"], t["gas"], *fees]
        return Signature(json.dumps(parts).encode())
