"""evm_snapshot and evm_revert: a moment to come back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth.abc import SignedTransactionAPI

from chain.devnet import params
from chain.devnet.errors import Refused
from chain.devnet.evm import Chain
from chain.devnet.pool import Pool
from chain.devnet.rpc import Method

CAPACITY: Final = 4096


@dataclass(frozen=True, slots=True)
class _Moment:
    block: int
    waiting: tuple[SignedTransactionAPI, ...]
    offset_seconds: int


class Snapshots:
    """Head, waiting transactions and clock of a moment, by number; they live in this process only.

    On disk a revert takes blocks, transactions, receipts and logs away in one transaction.
    """

    def __init__(self, chain: Chain, pool: Pool) -> None:
        self._chain = chain
        self._pool = pool
        self._moments: dict[int, _Moment] = {}
        self._last = 0

    def list_methods(self) -> dict[str, Method]:
        """Return the methods by their JSON-RPC names."""
        return {"evm_snapshot": self.take, "evm_revert": self.revert}

    def take(self) -> str:
        """evm_snapshot: return the number of the snapshot."""
        self._chain.check_writable()
        if len(self._moments) >= CAPACITY:
            raise Refused("too many snapshots", expected=f"fewer than {CAPACITY}", got=CAPACITY)
        self._last += 1
        self._moments[self._last] = _Moment(
            self._chain.head.record.number, self._pool.list_all(), self._chain.offset_seconds
        )
        return hex(self._last)

    def revert(self, which: object) -> bool:
        """evm_revert: go back, and forget this snapshot and all later ones; false if unknown."""
        self._chain.check_writable()
        number = params.parse_quantity("snapshot", which)
        moment = self._moments.get(number)
        if moment is None:
            return False
        before = self._pool.list_all()
        self._pool.restore(moment.waiting)
        try:
            self._chain.revert(moment.block, self._pool, offset_seconds=moment.offset_seconds)
        except BaseException:
            self._pool.restore(before)
            raise
        self._moments = {key: kept for key, kept in self._moments.items() if key < number}
        return True
