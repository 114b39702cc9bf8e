"""What of a peer's blobs others may read, and when."""

from collections.abc import Callable, Mapping

from chain.types import Committed, Logged, Root, Seat
from node.blobs.store import Blob
from node.contract import Contract
from node.merkle import MODEL_TAG


class Shelves:
    """What others may read: models always, updates once the commitments of their round are over.

    The server's thread asks; each `update` puts a whole new answer in place.
    """

    def __init__(self) -> None:
        self._waiting: list[Committed] = []
        self._served: frozenset[Root] = frozenset()
        self.owners: Mapping[Seat, str] = {}
        self.notify: Callable[[], None] = lambda: None
        """Called when more may be served."""

    def update(self, contract: Contract, news: tuple[Logged, ...], now: int) -> None:
        """Take in what is new on the chain."""
        ledger = contract.observer.ledger
        self.owners = {seat: record.owner for seat, record in ledger.seats.items()}
        self._waiting += [n.event for n in news if isinstance(n.event, Committed)]
        number, ends_at = ledger.round.number, ledger.round.commit_ends_at
        is_over = {c for c in self._waiting if c.round < number}
        if now >= ends_at:
            is_over |= {c for c in self._waiting if c.round == number}
        if is_over:
            self._waiting = [c for c in self._waiting if c not in is_over]
            self._served |= {c.root for c in is_over}
            self.notify()

    def may_serve(self, blob: Blob, reader: Seat | None) -> bool:
        """Whether anybody may have a blob now."""
        return blob.tag == MODEL_TAG or blob.root in self._served
