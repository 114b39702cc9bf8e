"""What is remembered of those who were asked in vain: whom not to ask, and whom to ask last."""

from dataclasses import dataclass
from enum import Enum

from chain.types import Seat
from node.blobs.limits import FetchingLimits
from node.blobs.store import Blob
from node.blobs.tally import Tally

REMEMBERED = 1024


class Kind(Enum):
    """How a source failed."""

    ABSENT = "absent"  # it has no such blob, or not yet, or not for us: said politely
    FAILED = "failed"  # it does not answer, or not in time
    BAD = "bad"  # what it sent is wrong, or no answer at all


@dataclass(frozen=True)
class _Mark:
    count: int
    until: float


class Standings:
    """In one thread. Times are seconds of any clock that never goes back."""

    def __init__(self, limits: FetchingLimits, tally: Tally | None = None) -> None:
        self._limits = limits
        self._tally = tally or Tally()
        self._marks: dict[Seat | tuple[Seat, Blob], _Mark] = {}

    def note(self, seat: Seat, blob: Blob, kind: Kind, now: float) -> None:
        """Remember a failure, each time for twice as long."""
        self._tally.failures[kind.value] += 1
        if kind is Kind.BAD:
            self._mark((seat, blob), self._limits.bad_seconds, now)
            self._mark(seat, self._limits.bad_seconds, now)
        elif kind is Kind.FAILED:
            self._mark(seat, self._limits.failed_seconds, now)

    def forgive(self, seat: Seat) -> None:
        """A sound blob came from this seat; what it sent of others is not forgotten."""
        self._marks.pop(seat, None)

    def is_barred(self, seat: Seat, blob: Blob, now: float) -> bool:
        """Whether a seat is not to be asked for this blob."""
        return self._is_marked((seat, blob), now)

    def is_last(self, seat: Seat, now: float) -> bool:
        """Whether a seat is to be asked after all others, for any blob."""
        return self._is_marked(seat, now)

    def _is_marked(self, name: Seat | tuple[Seat, Blob], now: float) -> bool:
        mark = self._marks.get(name)
        return mark is not None and now < mark.until

    def _mark(self, name: Seat | tuple[Seat, Blob], seconds: float, now: float) -> None:
        before = self._marks.pop(name, None)
        count = 0 if before is None else before.count + 1
        most = self._limits.longest_seconds
        self._marks[name] = _Mark(count, now + min(most, seconds * 2 ** min(count, 32)))
        if len(self._marks) > REMEMBERED:
            del self._marks[next(iter(self._marks))]
