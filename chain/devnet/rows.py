"""Records to rows and back; every row ends with a checksum over the rest of it.

SQLite checks the shape of its pages, not what they hold. A byte that changed on the disk is found
here, when its row is read, instead of being served.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

from chain.devnet.errors import StoreUnreadable
from chain.devnet.records import MAX_TOPICS, BlockRecord, LogRecord, TransactionRecord

Row = tuple[object, ...]


def block_to_row(record: BlockRecord) -> Row:
    """Return the row of `blocks`."""
    return _seal((record.number, record.hash, record.header, record.size_bytes))


def block_from_row(row: Row) -> BlockRecord:
    """Return the block; raises `StoreUnreadable` for a row that changed."""
    build: Callable[..., BlockRecord] = BlockRecord
    return build(*_open("block", row))


def transaction_to_row(record: TransactionRecord) -> Row:
    """Return the row of `transactions`."""
    return _seal(
        (
            record.hash,
            record.block,
            record.position,
            record.payload,
            record.sender,
            record.status,
            record.gas_used,
            record.cumulative_gas_used,
            record.gas_price_wei.to_bytes(32, "big"),  # SQLite's integers end at 2^63
            record.contract,
        )
    )


def transaction_from_row(row: Row) -> TransactionRecord:
    """Return the transaction; raises `StoreUnreadable` for a row that changed."""
    *head, price, contract = _open("transaction", row)
    build: Callable[..., TransactionRecord] = TransactionRecord
    return build(*head, int.from_bytes(price, "big"), contract)  # type: ignore[arg-type]


def log_to_row(record: LogRecord) -> Row:
    """Return the row of `logs`, absent topics as null."""
    topics = record.topics + (None,) * (MAX_TOPICS - len(record.topics))
    return _seal(
        (
            record.block,
            record.position,
            record.transaction,
            record.address,
            *topics,
            record.data,
        )
    )


def log_from_row(row: Row) -> LogRecord:
    """Return the log; raises `StoreUnreadable` for a row that changed."""
    block, position, transaction, address, *topics, data = _open("log", row)
    build: Callable[..., LogRecord] = LogRecord
    present = tuple(topic for topic in topics if topic is not None)
    return build(block, position, transaction, address, present, data)


def waiting_to_row(transaction_hash: bytes, payload: bytes) -> Row:
    """Return the row of `waiting`, without the arrival, which SQLite counts."""
    return _seal((transaction_hash, payload))


def waiting_from_row(row: Row) -> bytes:
    """Return the transaction's bytes; raises `StoreUnreadable` for a row that changed."""
    _, payload = _open("waiting transaction", row[1:])
    assert isinstance(payload, bytes), "the checksum holds, so it is what was written"
    return payload


def _seal(fields: Row) -> Row:
    return (*fields, _compute_checksum(fields))


def _open(subject: str, row: Row) -> Sequence[object]:
    *fields, checksum = row
    found = _compute_checksum(tuple(fields))
    if checksum != found:
        raise StoreUnreadable(f"devnet {subject} on disk", expected=checksum, got=found)
    return fields


def _compute_checksum(fields: Row) -> int:
    # Fields are integers, bytes and None: their repr is one to one and the same in every Python.
    return crc32(repr(fields).encode())
