"""Federations in which more than two thirds of the stake lie or hide, and one or two peers do not.

What the many agree upon alone is void in the end, whatever goes wrong meanwhile; those who did not
approve it lose nothing.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from chain.types import Logged, Slashed, seats_of

from .faults import RUINOUS, UNGUARDED, Fault
from .plan import ETHER, Plan, draw_plan
from .world import World

CHALLENGE_SECONDS = 900
"""Longer than any peer is away, with the time that it takes to be heard."""
OVERRUN_SCENES = (
    "results that nobody honest approved",
    "a lie that was refuted",
    "a silence that made void",
    "a peer that called refute",
    "a peer that called challenge",
    "a peer that called close",
    "a peer that called collect",
)


def draw_overrun(seed: int) -> Plan:
    """Return the plan of a seed with other people: all but one or two are of one kind."""
    rng = Random(f"overrun {seed}")
    plan = draw_plan(seed)
    count = rng.choice((4, 5, 6))
    # Of six a third may be honest and two thirds are still enough.
    honest = rng.sample(range(count), 2 if count == 6 and seed % 3 == 0 else 1)
    kind = UNGUARDED[seed % 2]
    return replace(
        plan,
        parameters=replace(plan.parameters, challenge_seconds=CHALLENGE_SECONDS),
        stakes=(ETHER,) * count,
        joined=count,
        rogues={index: kind for index in range(count) if index not in honest},
        ruined=frozenset(),
        incidents=tuple(
            each
            for each in plan.incidents
            if each.fault not in RUINOUS and (each.victim is None or each.victim < count)
        ),
        stories=frozenset(),
        hero=honest[0],
    )


class Overrun(World):
    """Such a federation. It ends well if nothing stands that no honest peer has approved."""

    def __init__(self, seed: int, *, is_traced: bool = False) -> None:
        super().__init__(seed, is_traced=is_traced, draw=draw_overrun)

    def _has_recovered(self) -> bool:
        model = self.model()
        are_told = all(each.daemon is not None for each in self.honest())
        return are_told and not any(self._is_foul(each.key) for each in model.chain)

    def _is_foul(self, key: bytes) -> bool:
        """Whether it was approved by nobody who is honest."""
        return not self.witness.approved.get(key)

    def _check(self) -> None:
        self.witness.check_results()
        self.chain.load_head()
        model = self.model()
        assert self.chain.contract.wealth == self.wealth, "wei in is wei out"
        honest = {each.address for each in self.honest()}
        assert all(t.stake == ETHER for t in model.tenancies if t.owner in honest)
        self._check_slashes()
        foul = [each for each in model.archive.values() if self._is_foul(each.key)]
        self.counters["results that nobody honest approved"] += len(foul)
        self.counters["a lie that was refuted"] += any(each.is_refuted for each in foul)
        asked = [asked for each in foul for asked in each.asked]
        self.counters["a silence that made void"] += any(
            asked.is_closed and not asked.is_answered for asked in asked
        )
        if self.plan.rogues and Fault.LIE in self.plan.rogues.values():
            assert all(each.is_refuted for each in foul[:1]), "a lie went unpunished"

    def _check_slashes(self) -> None:
        told: list[Logged] = [each for block in self.chain.head.branch() for each in block.events]
        honest = {each.index for each in self.honest()}
        for logged in told:
            if isinstance(logged.event, Slashed):
                owners = {self.participant_of(seat) for seat in seats_of(logged.event.voters)}
                assert not {each.index for each in owners if each} & honest
