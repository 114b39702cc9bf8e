"""Making blocks: transactions applied to a state, and the records that come of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from eth.abc import ComputationAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.constants import POST_MERGE_DIFFICULTY
from eth.vm.forks.prague import PragueVM
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from chain.devnet.codec import Header, decode_rlp, encode_rlp
from chain.devnet.ordered_trie import compute_ordered_root
from chain.devnet.records import BlockRecord, LogRecord, MinedBlock, TransactionRecord
from chain.devnet.transactions import LEGACY, get_type

GENESIS_BASE_FEE_WEI: Final = 10**9
GENESIS_BALANCE_WEI: Final = 10_000 * 10**18
"""Of each development account, as in anvil and hardhat."""
_SUCCESS: Final = b"\x01"
_FAILURE: Final = b""


def build_genesis(
    state: StateAPI,
    funded: Sequence[Address],
    *,
    timestamp: int,
    gas_limit: int,
    nodes: dict[bytes, bytes],
) -> MinedBlock:
    """Return block 0, in which every address of `funded` owns `GENESIS_BALANCE_WEI`.

    `state` is empty and writes to `nodes`.
    """
    for address in funded:
        state.set_balance(address, GENESIS_BALANCE_WEI)
    state.persist()
    header = PragueVM.create_genesis_header(
        difficulty=POST_MERGE_DIFFICULTY,
        gas_limit=gas_limit,
        timestamp=timestamp,
        base_fee_per_gas=GENESIS_BASE_FEE_WEI,
        state_root=state.state_root,
    )
    return MinedBlock(_record_block(header, ()), (), (), dict(nodes))


def build_block(
    state: StateAPI,
    header: Header,
    candidates: Iterable[SignedTransactionAPI],
    nodes: dict[bytes, bytes],
) -> tuple[tuple[SignedTransactionAPI, ...], MinedBlock]:
    """Return the candidates that are done with, mined or impossible, and the block of the former.

    `state` is the parent's, in the context of `header`, and writes to `nodes`. A candidate that
    asks for more gas than is left waits, and so do its sender's later ones.
    """
    block = _Assembly(state, header)
    done: list[SignedTransactionAPI] = []
    waiting: set[bytes] = set()
    for transaction in candidates:
        if transaction.sender in waiting:
            continue
        if not block.has_room(transaction) or not _can_pay_base_fee(transaction, header):
            waiting.add(transaction.sender)
            continue
        done.append(transaction)
        try:
            block.apply(transaction)
        except ValidationError:
            # Checked on entering the pool, yet overtaken by what was mined since: never possible
            # again. py-evm validates before it changes anything, so the state is untouched.
            continue
    return tuple(done), block.finish(nodes)


class _Assembly:
    """A block in the making; lives for one `build_block`."""

    def __init__(self, state: StateAPI, header: Header) -> None:
        self._state = state
        self._header = header
        self._gas_used = 0
        self._bloom = 0
        self._transactions: list[SignedTransactionAPI] = []
        self._receipts: list[ReceiptAPI] = []
        self._records: list[TransactionRecord] = []
        self._logs: list[LogRecord] = []

    def has_room(self, transaction: SignedTransactionAPI) -> bool:
        return bool(self._gas_used + transaction.gas <= self._header.gas_limit)

    def apply(self, transaction: SignedTransactionAPI) -> None:
        self._state.lock_changes()
        computation = self._state.apply_transaction(transaction)
        gas_used = PragueVM.finalize_gas_used(transaction, computation)
        self._gas_used += gas_used
        status = _SUCCESS if computation.is_success else _FAILURE
        receipt = transaction.make_receipt(status, self._gas_used, computation.get_log_entries())
        self._bloom |= receipt.bloom
        self._record_logs(receipt)
        self._record(transaction, computation, gas_used)
        self._transactions.append(transaction)
        self._receipts.append(receipt)

    def finish(self, nodes: dict[bytes, bytes]) -> MinedBlock:
        self._state.persist()
        header = self._header.copy(
            state_root=self._state.state_root,
            transaction_root=compute_ordered_root([item.encode() for item in self._transactions]),
            receipt_root=compute_ordered_root([item.encode() for item in self._receipts]),
            bloom=self._bloom,
            gas_used=self._gas_used,
        )
        return MinedBlock(
            _record_block(header, self._transactions),
            tuple(self._records),
            tuple(self._logs),
            dict(nodes),
        )

    def _record(
        self, transaction: SignedTransactionAPI, computation: ComputationAPI, gas_used: int
    ) -> None:
        message = computation.msg
        self._records.append(
            TransactionRecord(
                hash=transaction.hash,
                block=self._header.block_number,
                position=len(self._records),
                payload=transaction.encode(),
                sender=transaction.sender,
                status=int(computation.is_success),
                gas_used=gas_used,
                cumulative_gas_used=self._gas_used,
                gas_price_wei=self._state.get_gas_price(transaction),
                contract=message.storage_address if message.is_create else None,
            )
        )

    def _record_logs(self, receipt: ReceiptAPI) -> None:
        for log in receipt.logs:
            topics = tuple(topic.to_bytes(32, "big") for topic in log.topics)
            position = len(self._logs)
            transaction = len(self._records)
            number = self._header.block_number
            self._logs.append(
                LogRecord(number, position, transaction, log.address, topics, log.data)
            )


def _can_pay_base_fee(transaction: SignedTransactionAPI, header: Header) -> bool:
    return bool(transaction.max_fee_per_gas >= header.base_fee_per_gas)


def _record_block(header: Header, transactions: Sequence[SignedTransactionAPI]) -> BlockRecord:
    encoded = encode_rlp(header)
    # In a block's body a legacy transaction is a list, a typed one a string (EIP-2718).
    body = [
        decode_rlp(payload) if get_type(transaction) == LEGACY else payload
        for transaction in transactions
        for payload in (transaction.encode(),)
    ]
    size = len(encode_rlp([decode_rlp(encoded), body, [], []]))
    return BlockRecord(header.block_number, header.hash, encoded, size)
