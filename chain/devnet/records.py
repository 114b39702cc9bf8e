"""What the chain remembers of a block, as plain frozen values; bytes are raw, never hex."""

from __future__ import annotations

from dataclasses import dataclass

MAX_TOPICS = 4
"""LOG4 is the widest log instruction of the EVM."""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """`header` is the header's RLP; `size_bytes` the length of the whole block's RLP."""

    number: int
    hash: bytes
    header: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """A mined transaction with its receipt, logs apart; `payload` is its EIP-2718 encoding."""

    hash: bytes
    block: int
    position: int
    payload: bytes
    sender: bytes
    status: int
    gas_used: int
    cumulative_gas_used: int
    gas_price_wei: int
    contract: bytes | None


@dataclass(frozen=True, slots=True)
class LogRecord:
    """`position` counts within the block, `transaction` is the position of its transaction."""

    block: int
    position: int
    transaction: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs to return: those of blocks `first` to `last`, both included.

    An empty `addresses` admits every address. `topics[i]` holds the admitted values of topic i;
    empty, it admits any value, yet the log must have a topic there (as in geth).
    """

    first: int
    last: int
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class MinedBlock:
    """One block and all that goes to disk with it, in one transaction or not at all."""

    block: BlockRecord
    transactions: tuple[TransactionRecord, ...]
    logs: tuple[LogRecord, ...]
    nodes: dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class PoolChange:
    """What changed among the waiting transactions since they were last written.

    `added` holds (hash, EIP-2718 bytes) by arrival, `removed` hashes.
    """

    added: tuple[tuple[bytes, bytes], ...] = ()
    removed: tuple[bytes, ...] = ()


NO_CHANGE = PoolChange()
