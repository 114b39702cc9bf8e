"""What the log says of each agreed round: one line when it is agreed, and one once the peer's own
learner has judged the new head.

    … round=7 act=agreed height=7 head=0x… included=4 credited=3 votes=3 own_vote=yes own_update=…
    … act=judged height=7 loss=0.2137 accuracy=0.9386 samples=114 weakest='1' …
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chain.ledger import Ledger
from chain.types import Agreed, Logged, Proposed, Root, RoundId, Seat, seats_of
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.store import Blobs
from node.contract import Contract
from node.learning.process import Pending

LOG = logging.getLogger("holdfast.rounds")


class Judge(Protocol):
    """Where heads are judged, in the time that training leaves."""

    def judge(self, seat: Seat, payload: bytes, model_bits: int) -> Pending:
        """Ask for (loss, samples, metrics) of a model."""
        ...

    def poll(self) -> None:
        """Take the answers that are there."""
        ...


@dataclass(frozen=True)
class _Agreement:
    round: RoundId
    height: int
    model_root: Root


class Rounds:
    """Tells of agreed rounds, as one seat sees them. `look` never waits."""

    def __init__(self, seat: Seat, contract: Contract, blobs: Blobs, judge: Judge) -> None:
        self._seat = seat
        self._contract = contract
        self._blobs = blobs
        self._judge = judge
        self._next: _Agreement | None = None
        self._asked: tuple[_Agreement, Pending] | None = None

    def look(self, news: tuple[Logged, ...]) -> None:
        """Tell of the rounds that are agreed by the news, and of the judgement that has come."""
        ledger = self._contract.observer.ledger
        agreed = [logged.event for logged in news if isinstance(logged.event, Agreed)]
        for event in agreed:
            self._tell(ledger, event)
        if agreed:
            if self._next is not None:
                self._skip(self._next, "there is a newer head")
            root = ledger.result(agreed[-1].key).model_root
            self._next = _Agreement(agreed[-1].round, agreed[-1].height, root)
        self._judge.poll()
        self._take()
        self._ask()

    def has_judged(self, last: RoundId, is_patient: bool) -> bool:
        """Whether nothing is left to be told of the rounds up to this one. A model that is not here
        is waited for by who is patient."""
        if self._next is not None and not is_patient:
            self._skip(self._next, "its model did not come")
            self._next = None
        asked = None if self._asked is None else self._asked[0]
        return not any(each and each.round <= last for each in (self._next, asked))

    def _tell(self, ledger: Ledger, agreed: Agreed) -> None:
        result, votes = ledger.result(agreed.key), ledger.votes[agreed.key]
        LOG.info(
            "seat=%d round=%d act=agreed height=%d head=0x%s included=%d credited=%d votes=%d "
            "own_vote=%s own_update=%s",
            self._seat,
            agreed.round,
            agreed.height,
            result.model_root.hex(),
            len(result.seats),
            len(seats_of(result.credited)),
            len(votes),
            "yes" if self._seat in votes else "no",
            describe_update(ledger, result, self._seat),
        )

    def _ask(self) -> None:
        """Have the newest head judged, once it is here and the one before it has been."""
        if self._next is None or self._asked is not None:
            return
        try:
            payload = self._blobs.get(self._contract.naming.model_blob(self._next.model_root))
        except BlobMissing:
            # It is on its way.
            return
        except BlobCorrupt as error:
            self._skip(self._next, str(error))
        else:
            bits = self._contract.parameters.model_bits
            self._asked = self._next, self._judge.judge(self._seat, payload, bits)
        self._next = None

    def _take(self) -> None:
        if self._asked is None:
            return
        agreement, pending = self._asked
        if not pending.is_done:
            return
        self._asked = None
        if pending.error is not None:
            self._skip(agreement, str(pending.error))
            return
        loss, samples, metrics = pending.result()
        accuracy = f" accuracy={metrics['accuracy']:.4f}" if "accuracy" in metrics else ""
        LOG.info(
            "seat=%d act=judged height=%d loss=%.4f%s samples=%d%s",
            self._seat,
            agreement.height,
            loss,
            accuracy,
            samples,
            _tell_weakest(metrics.get("accuracy_by_class")),
        )

    def _skip(self, agreement: _Agreement, reason: str) -> None:
        LOG.info("seat=%d act=judged height=%d skipped=%r", self._seat, agreement.height, reason)


def _tell_weakest(accuracies: Mapping[str, float] | None) -> str:
    """Return the class that the head tells worst; nothing where its learner does not say."""
    if not accuracies:
        return ""
    name = min(accuracies, key=lambda each: (accuracies[each], each))
    return f" weakest={name!r} weakest_accuracy={accuracies[name]:.4f}"


def describe_update(ledger: Ledger, result: Proposed, seat: Seat) -> str:
    """Return what became of a seat's update in an agreed round: `credited`; `included`, and the
    rule gave it nothing; `left_out`; `none`, where it did not commit."""
    if result.credited >> seat & 1:
        return "credited"
    if seat in result.seats:
        return "included"
    row = ledger.commitments(result.parent, result.round)
    return "left_out" if any(commitment.seat == seat for commitment in row) else "none"
