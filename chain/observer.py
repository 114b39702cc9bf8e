"""Watcher and ledger together: the federation as of one block, whatever re-orgs came before."""

from collections.abc import Iterable

from chain.errors import HistoryFailed, Refused
from chain.federation import Federation
from chain.history import History
from chain.keys import compute_genesis_key
from chain.ledger import Ledger
from chain.types import Block, Key, Logged
from chain.watcher import Batch, Watcher

_MISFITS = (KeyError, AssertionError)
"""What a ledger raises for an event that cannot come next."""


class Observer:
    """Follows one federation; peers of one process may share it, since it only reads.

    `kept`: what an earlier life has read, which is added to. Raises HistoryFailed.
    """

    def __init__(
        self,
        federation: Federation,
        *,
        created_at: int,
        confirmations: int = 0,
        kept: History | None = None,
    ) -> None:
        parameters = federation.get_parameters()
        self._genesis: Key = compute_genesis_key(
            federation.chain_id, federation.address, parameters.genesis
        )
        seen = kept.blocks() if kept else []
        self._kept = kept
        self._watcher = Watcher(
            federation, created_at=created_at, confirmations=confirmations, seen=seen
        )
        self._history: list[Logged] = kept.events() if kept else []
        self._news: list[Logged] = []
        self.ledger = Ledger(self._genesis)
        try:
            self._fold(self._history)
        except _MISFITS as error:
            assert kept is not None, "there is no other history yet"
            raise HistoryFailed(kept.path, "events that do not follow from each other") from error
        self.block: Block | None = seen[-1] if seen else None
        self.rolled_back_to: int | None = None
        """The block after which the last poll took events back; None: it took back none."""

    def poll(self) -> tuple[Logged, ...]:
        """Catch up with the chain and return what is new, in the chain's order.

        Where a question fails, what was read before it is told by the next poll. Raises Refused for
        events that cannot follow from those before: a node has left something out.
        """
        if not self._news:
            self.rolled_back_to = None
        while (batch := self._watcher.poll()) is not None:
            self._take(batch)
        news, self._news = self._news, []
        return tuple(news)

    def _take(self, batch: Batch) -> None:
        if self._history and self._history[-1].at.block > batch.keep:
            self._roll_back(batch.keep)
            self._news = [logged for logged in self._news if logged.at.block <= batch.keep]
        try:
            self._fold(batch.events)
        except _MISFITS as error:
            # Not kept, not believed: the same blocks are read again.
            self._watcher.forget_after(batch.keep)
            self.ledger = Ledger(self._genesis)
            self._fold(self._history)
            what = f"events of blocks {batch.keep + 1} to {batch.blocks[-1].number} that do not fit"
            raise Refused("eth_getLogs", what) from error
        self._history.extend(batch.events)
        self._news.extend(batch.events)
        self.block = batch.blocks[-1]
        if self._kept is not None:
            self._kept.record(batch.keep, batch.events, batch.blocks)

    def _fold(self, events: Iterable[Logged]) -> None:
        for logged in events:
            self.ledger.apply(logged)

    @property
    def history(self) -> tuple[Logged, ...]:
        """Every event so far, in the chain's order."""
        return tuple(self._history)

    def _roll_back(self, keep: int) -> None:
        """Forget all after block `keep`; a fold cannot be unfolded, so fold again."""
        past = self.rolled_back_to
        self.rolled_back_to = keep if past is None else min(past, keep)
        self._history = [logged for logged in self._history if logged.at.block <= keep]
        self.ledger = Ledger(self._genesis)
        self._fold(self._history)
