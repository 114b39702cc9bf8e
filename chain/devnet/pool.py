"""Transactions that wait for a block: by arrival, and by nonce within a sender."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from eth.abc import SignedTransactionAPI
from eth_typing import Address

from chain.devnet.errors import Refused
from chain.devnet.records import PoolChange

CAPACITY: Final = 8192
"""What a pool may hold, so that a runaway sender cannot fill the memory."""
CAPACITY_BYTES: Final = 64 * 2**20
"""The same, of calldata."""


class Pool:
    """Waiting transactions; holds no state of the chain, which is passed in where it matters.

    A transaction whose nonce is ahead of its account waits until the gap is filled. One with the
    nonce of another that waits takes its place (and its place in the queue) for a higher fee.

    What came and went since `mark_saved` is told by `compute_change`, for the disk.
    """

    def __init__(self) -> None:
        self._by_hash: dict[bytes, SignedTransactionAPI] = {}
        self._by_sender: dict[bytes, dict[int, SignedTransactionAPI]] = {}
        # (sender, nonce) by arrival; a dict, because removal comes from the middle.
        self._queue: dict[tuple[Address, int], None] = {}
        self._unsaved: dict[bytes, None] = {}
        self._gone: set[bytes] = set()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def get(self, transaction_hash: bytes) -> SignedTransactionAPI | None:
        """Return the waiting transaction with this hash."""
        return self._by_hash.get(transaction_hash)

    def list_all(self) -> tuple[SignedTransactionAPI, ...]:
        """Return all that wait, by arrival."""
        return tuple(self._by_sender[sender][nonce] for sender, nonce in self._queue)

    def restore(self, transactions: Iterable[SignedTransactionAPI]) -> None:
        """Let exactly `transactions` wait, which were checked when they first came."""
        self.remove(self.list_all())
        for transaction in transactions:
            self._put(transaction, None)

    def compute_change(self, done: Iterable[SignedTransactionAPI] = ()) -> PoolChange:
        """Return what the disk has to learn once `done` are taken out, in order of arrival."""
        leaving = {transaction.hash for transaction in done}
        added = tuple(
            (each, self._by_hash[each].encode()) for each in self._unsaved if each not in leaving
        )
        saved = (each for each in leaving if each not in self._unsaved)
        return PoolChange(added, (*self._gone, *saved))

    def mark_saved(self) -> None:
        """Note that the disk knows all that waits now."""
        self._unsaved.clear()
        self._gone.clear()

    def add(self, transaction: SignedTransactionAPI, *, nonce: int, balance_wei: int) -> None:
        """Let `transaction` wait, given its sender's `nonce` and balance at the head.

        Raises `Refused`: already known, nonce too low, insufficient funds (for all that this
        sender has waiting, together), replacement transaction underpriced, txpool is full.
        """
        if transaction.hash in self._by_hash:
            raise Refused("already known", expected="a new transaction", got=transaction.hash.hex())
        if transaction.nonce < nonce:
            raise Refused(
                f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}",
                expected=f"at least {nonce}",
                got=transaction.nonce,
            )
        waiting = self._by_sender.get(transaction.sender, {})
        replaced = waiting.get(transaction.nonce)
        if replaced is not None:
            _check_replacement(replaced, transaction)
        others = (other for other in waiting.values() if other is not replaced)
        _check_funds(transaction, others, balance_wei)
        if replaced is None and len(self) >= CAPACITY:
            raise Refused("txpool is full", expected=f"fewer than {CAPACITY}", got=len(self))
        size = self._size_bytes + len(transaction.data)
        if size > CAPACITY_BYTES:
            raise Refused("txpool is full", expected=f"at most {CAPACITY_BYTES} bytes", got=size)
        self._put(transaction, replaced)

    def iterate_ready(self, nonce_of: Callable[[Address], int]) -> Iterator[SignedTransactionAPI]:
        """Yield what can be mined, by arrival, no sender's nonces out of turn.

        A transaction that waited for a gap follows the one that filled it. `nonce_of` gives a
        sender's nonce at the head. Do not change the pool while iterating.
        """
        expected: dict[Address, int] = {}
        early: set[tuple[Address, int]] = set()
        for sender, nonce in self._queue:
            if sender not in expected:
                expected[sender] = nonce_of(sender)
            if nonce != expected[sender]:
                early.add((sender, nonce))
                continue
            following = nonce
            while following == nonce or (sender, following) in early:
                yield self._by_sender[sender][following]
                following += 1
            expected[sender] = following

    def count_next_nonce(self, sender: bytes, nonce: int) -> int:
        """Return the first nonce from `nonce` on that nothing of `sender` waits with."""
        waiting = self._by_sender.get(sender, {})
        while nonce in waiting:
            nonce += 1
        return nonce

    def remove(self, transactions: Iterable[SignedTransactionAPI]) -> None:
        """Take out those that were mined or can never be; unknown ones are passed over."""
        for transaction in transactions:
            if self._by_hash.pop(transaction.hash, None) is None:
                continue
            self._forget(transaction)
            sender = transaction.sender
            del self._queue[sender, transaction.nonce]
            del self._by_sender[sender][transaction.nonce]
            if not self._by_sender[sender]:
                del self._by_sender[sender]

    def _put(
        self, transaction: SignedTransactionAPI, replaced: SignedTransactionAPI | None
    ) -> None:
        if replaced is not None:
            del self._by_hash[replaced.hash]
            self._forget(replaced)
        self._size_bytes += len(transaction.data)
        self._by_hash[transaction.hash] = transaction
        if transaction.hash in self._gone:
            self._gone.remove(transaction.hash)  # the disk has it still
        else:
            self._unsaved[transaction.hash] = None
        self._by_sender.setdefault(transaction.sender, {})[transaction.nonce] = transaction
        self._queue.setdefault((transaction.sender, transaction.nonce))

    def _forget(self, transaction: SignedTransactionAPI) -> None:
        self._size_bytes -= len(transaction.data)
        if transaction.hash in self._unsaved:
            del self._unsaved[transaction.hash]
        else:
            self._gone.add(transaction.hash)


def _check_replacement(old: SignedTransactionAPI, new: SignedTransactionAPI) -> None:
    if (
        new.max_fee_per_gas <= old.max_fee_per_gas
        or new.max_priority_fee_per_gas <= old.max_priority_fee_per_gas
    ):
        raise Refused(
            "replacement transaction underpriced",
            expected=f"fees above {old.max_fee_per_gas} and {old.max_priority_fee_per_gas}",
            got=f"{new.max_fee_per_gas} and {new.max_priority_fee_per_gas}",
        )


def _check_funds(
    transaction: SignedTransactionAPI, others: Iterable[SignedTransactionAPI], balance_wei: int
) -> None:
    needed = sum(map(_compute_cost_wei, (transaction, *others)))
    if needed > balance_wei:
        raise Refused(
            f"insufficient funds for gas * price + value: balance {balance_wei}, tx cost {needed}",
            expected=f"at least {needed} wei",
            got=balance_wei,
        )


def _compute_cost_wei(transaction: SignedTransactionAPI) -> int:
    return transaction.gas * transaction.max_fee_per_gas + transaction.value
