"""What the seeds have met: asked for by name at the end, so that no part of it is idle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from chain.types import Activated, Agreed, Attested, Event, Joined, Opened, Proposed, Retired
from node.round import Phase

from .chain import SimulatedBlock
from .faults import BOUNDARIES, Boundary, Fault

SCENES = (
    *(f"phase {phase.value}" for phase in Phase),
    "a round agreed",
    "a lapse for want of commitments",
    "a lapse for want of votes",
    "competing proposals",
    "a late join that takes part",
    "a seat retired for silence",
    "a seat retired as a withholder",
    "a retired seat that returned and votes",
    "a seat that left with its stake",
    "a top-up that counts",
    "a peer that followed a re-org",
    "a re-org that took back an agreement",
    "a peer that stopped at a foreign vote",
    "a transaction offered anew for more",
    "a peer that called retire",
    "a peer that called activate",
    "a peer that called answer",
    "a peer that called collect",
    "a peer that called challenge",
    "a false refutation that was refused",
)


class Counters(Counter[str]):
    """Counts by name: faults, crashes and scenes."""

    def note_crash(self, boundary: Boundary) -> None:
        self[f"crash {boundary}"] += 1
        self[Fault.CRASH.name] += 1

    def missing(self) -> list[str]:
        """Return what has not been met."""
        wanted = [fault.name for fault in Fault]
        wanted += [f"crash {boundary}" for boundary in BOUNDARIES]
        return self.lacking((*wanted, *SCENES))

    def lacking(self, names: Iterable[str]) -> list[str]:
        """Return which of some have not been met."""
        return [name for name in names if not self[name]]

    def note_history(self, head: SimulatedBlock, min_updates: int) -> None:
        """Count what the chain tells in the end."""
        blocks = list(head.branch())[::-1]
        told = [logged.event for block in blocks for logged in block.events]
        self._note_rounds(told, min_updates)
        self._note_seats(told)

    def _note_rounds(self, told: list[Event], min_updates: int) -> None:
        agreed = {event.round for event in told if isinstance(event, Agreed)}
        opened = [event for event in told if isinstance(event, Opened)]
        proposed = Counter(event.round for event in told if isinstance(event, Proposed))
        rows = Counter(
            (event.parent, event.round) for event in told if type(event).__name__ == "Committed"
        )
        self["a round agreed"] += len(agreed)
        self["competing proposals"] += sum(count > 1 for count in proposed.values())
        for event in opened[:-1]:
            if event.round not in agreed:
                has_run = rows[event.parent, event.round] >= min_updates
                self[f"a lapse for want of {'votes' if has_run else 'commitments'}"] += 1

    def _note_seats(self, told: list[Event]) -> None:
        late: set[int] = set()
        returned: set[int] = set()
        number = 0
        for event in told:
            match event:
                case Opened():
                    number = event.round
                case Joined(seat) if number:
                    late.add(seat)
                case Activated(seat):
                    returned.add(seat)
                case Retired():
                    self["retirements"] += 1
                case Attested(_, seat):
                    self["a late join that takes part"] += seat in late
                    self["a retired seat that returned and votes"] += seat in returned
