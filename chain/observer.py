"""Watcher and ledger together: the federation as of one block, whatever re-orgs came before."""

from chain.federation import Federation
from chain.history import History
from chain.keys import compute_genesis_key
from chain.ledger import Ledger
from chain.types import Block, Key, Logged
from chain.watcher import Watcher


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
        self.ledger = Ledger(self._genesis)
        for logged in self._history:
            self.ledger.apply(logged)
        self.block: Block | None = seen[-1] if seen else None
        self.rolled_back_to: int | None = None
        """The block after which the last poll took events back; None: it took back none."""

    def poll(self) -> tuple[Logged, ...]:
        """Catch up with the chain and return what is new, in the chain's order."""
        news: list[Logged] = []
        self.rolled_back_to = None
        while (batch := self._watcher.poll()) is not None:
            if self._kept is not None:
                self._kept.record(batch.keep, batch.events, batch.blocks)
            if self._history and self._history[-1].at.block > batch.keep:
                self._roll_back(batch.keep)
                news = [logged for logged in news if logged.at.block <= batch.keep]
            for logged in batch.events:
                self.ledger.apply(logged)
            self._history.extend(batch.events)
            news.extend(batch.events)
            self.block = batch.blocks[-1]
        return tuple(news)

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
        for logged in self._history:
            self.ledger.apply(logged)
