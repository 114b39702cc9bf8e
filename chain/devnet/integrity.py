"""Is the head on disk what its header promises? Asked once, when a chain is opened.

A block is written in one transaction, so nothing but damage to the file can break this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eth_hash.auto import keccak
from eth_typing import Address

from chain.devnet.codec import Header
from chain.devnet.errors import StoreUnreadable
from chain.devnet.ordered_trie import compute_ordered_root
from chain.devnet.records import BlockRecord, LogRecord, TransactionRecord
from chain.devnet.store import Store
from chain.devnet.transactions import decode_stored


def check_head(
    store: Store, record: BlockRecord, header: Header, nodes: Mapping[bytes, bytes]
) -> None:
    """Compare the newest block with its hash, its parent, its state, transactions and receipts.

    Raises `StoreUnreadable` with the first thing that is not as it should be.
    """
    number = record.number
    _check("head's header", record.hash, keccak(record.header))
    _check("head's number", number, header.block_number)
    _check("blocks up to the head", number + 1, store.count_blocks())
    if number > 0:
        parent = store.get_block(number - 1)
        _check("head's parent", header.parent_hash, parent.hash if parent else b"")
    if header.state_root not in nodes:
        _check("head's state root", header.state_root, b"")
    transactions = store.get_transactions(number)
    payloads = [each.payload for each in transactions]
    _check("head's transactions", header.transaction_root, compute_ordered_root(payloads))
    receipts = [
        _encode_receipt(each, store.get_transaction_logs(number, each.position))
        for each in transactions
    ]
    _check("head's receipts", header.receipt_root, compute_ordered_root(receipts))


def _encode_receipt(record: TransactionRecord, logs: Sequence[LogRecord]) -> bytes:
    entries = tuple(
        (
            Address(log.address),
            tuple(int.from_bytes(topic, "big") for topic in log.topics),
            log.data,
        )
        for log in logs
    )
    status = b"\x01" if record.status else b""
    receipt = decode_stored(record.payload).make_receipt(
        status, record.cumulative_gas_used, entries
    )
    encoded: bytes = receipt.encode()
    return encoded


def _check(what: str, expected: object, got: object) -> None:
    if expected != got:
        raise StoreUnreadable(f"devnet {what}", expected=_show(expected), got=_show(got))


def _show(value: object) -> object:
    return (value.hex() or "none") if isinstance(value, bytes) else value
