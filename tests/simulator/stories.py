"""What people do with seats while peers work: each look brings a story one step further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import TYPE_CHECKING

from federation_records import LEFT, RETIRED, Tenancy

from chain.disputes import NEW_MODEL, OLD_MODEL
from chain.ledger import Ledger
from chain.retirement import find_withheld
from chain.types import Key, Seat, seats_of
from node.refutation import build_evidence, open_case

from .faults import Fault
from .plan import BOND_WEI, ETHER, Story

if TYPE_CHECKING:
    from .participant import Participant
    from .world import World

Look = Callable[[], bool]
"""Does what can be done now; whether the story is over."""
SECONDS = 6
"""Between two looks."""
UNWIRED_SECONDS = 60
"""As long as a round may take, so that the newcomer counts in one meanwhile."""
PATIENCE_SECONDS = 250
"""Two rounds that lapse, and one that is agreed; before the silent seat is retired."""
ANSWERS = 2
"""After which whoever asks has heard enough."""


class Stories:
    """The stories of one world. `is_over`: all have come to their end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._going: dict[Story, Look] = {
            story: self._look_of(story) for story in Story if story in world.plan.stories
        }

    @property
    def is_over(self) -> bool:
        return not self._going

    def begin(self) -> None:
        self._world.schedule.after(SECONDS, self._look)

    def _look(self) -> None:
        self._going = {story: look for story, look in self._going.items() if not look()}
        if self._going:
            self._world.schedule.after(SECONDS, self._look)

    def _look_of(self, story: Story) -> Look:
        return {
            Story.LATE_JOIN: self._join_late,
            Story.SILENCE: self._fall_silent,
            Story.LEAVE: self._leave,
            Story.TOP_UP: self._top_up,
            Story.WITHHELD: self._accuse,
            Story.QUESTIONED: self._question,
        }[story]

    # The stories --------------------------------------------------------------------------

    def _join_late(self) -> bool:
        world = self._world
        if world.model().number < 2:
            return False
        newcomer = world.newcomer()
        if self._tenancy(newcomer) is None:
            world.desk.order(newcomer, "join", "late", [], value=ETHER)
            return False
        if Fault.SILENT in world.plan.rogues.values():
            self._unwire(newcomer)
        newcomer.start()
        return newcomer.daemon is not None and self._has_voted_since_join(newcomer)

    def _unwire(self, newcomer: Participant) -> None:
        """Let a newcomer ask in vain at first. Beside a seat that never votes the others cannot do
        without it, so nobody brings it a newer head instead."""
        now = self._world.schedule.now
        newcomer.unwired_until = newcomer.unwired_until or now + UNWIRED_SECONDS
        is_late = now >= newcomer.unwired_until + PATIENCE_SECONDS
        assert not is_late, "a newcomer does not ask again for what it needs"

    def _has_voted_since_join(self, newcomer: Participant) -> bool:
        tenancy = self._tenancy(newcomer)
        return any(voter is tenancy for voter in self._world.model().votes)

    def _fall_silent(self) -> bool:
        """The hero goes away, somebody retires its seat, it comes back and is activated."""
        world, hero = self._world, self._world.hero
        tenancy = self._tenancy(hero)
        if world.model().number < 1 or tenancy is None:
            return False
        if not hero.is_away and not world.counters["retired here"]:
            if hero.daemon is not None:
                hero.die()
            hero.is_away = True
        if tenancy.end == RETIRED:
            world.counters["retired here"] = 1
            hero.is_away = False
            hero.start()
            world.desk.order(hero, "activate", tenancy.seat)
        elif hero.is_away:
            world.desk.order(world.janitor, "retire", tenancy.seat)
        elif world.counters["retired here"]:
            is_back = any(voter is tenancy for voter in world.model().votes)
            world.counters["a seat retired for silence"] += is_back
            return is_back
        return False

    def _leave(self) -> bool:
        world, hero = self._world, self._world.hero
        tenancy = self._tenancy(hero)
        if tenancy is None:
            has_left = world.counters["leaving"] > 0
            world.counters["a seat that left with its stake"] += has_left
            return has_left
        if world.model().number < 2:
            return False
        if tenancy.end == LEFT:
            world.counters["leaving"] = 1
            world.desk.order(hero, "withdraw", tenancy.seat)
        else:
            world.desk.order(hero, "leave", tenancy.seat)
        return False

    def _top_up(self) -> bool:
        world = self._world
        giver = next(each for each in world.participants if each is not world.hero)
        tenancy = self._tenancy(giver)
        if tenancy is None or world.model().number < 1:
            return False
        if len(tenancy.stakes) == 1:
            world.desk.order(giver, "top_up", tenancy.seat, value=ETHER // 20)
            return False
        counts = world.model().stake_in(tenancy.seat, world.model().number)
        world.counters["a top-up that counts"] += counts == tenancy.stake
        return counts == tenancy.stake

    def _accuse(self) -> bool:
        """Whoever serves nobody is left out again and again, which is proof enough."""
        world = self._world
        accused = next(each for each in world.participants if not each.is_honest)
        tenancy = self._tenancy(accused)
        ledger = world.ledger()
        if tenancy is None or ledger is None:
            return False
        if tenancy.end == RETIRED:
            world.counters["a seat retired as a withholder"] += 1
            return True
        records = find_withheld(ledger, Seat(tenancy.seat))
        if records:
            proof = [astuple(record) for record in records]
            world.desk.order(world.janitor, "retire_withholder", tenancy.seat, proof)
        return False

    def _question(self) -> bool:
        """Ask for leaves of what stands, until two challenges were answered; in between call a
        right coordinate wrong."""
        world = self._world
        model, ledger = world.model(), world.ledger()
        asked = [each for agreement in model.archive.values() for each in agreement.asked]
        mine = [each for each in asked if each.challenger == world.janitor.address]
        if sum(each.is_answered for each in mine) >= ANSWERS:
            return True
        if ledger is None or not model.chain or any(each.is_open for each in mine):
            return False
        result = model.results[model.chain[-1].key]
        which = world.rng.choice((*seats_of(result.included), OLD_MODEL, NEW_MODEL))
        leaves = (which, 0, 1)
        world.desk.order(world.janitor, "challenge", result.record, *leaves, value=BOND_WEI)
        if result.key in ledger.results:
            self._accuse_falsely(ledger, Key(result.key))
        return False

    def _accuse_falsely(self, ledger: Ledger, key: Key) -> None:
        world = self._world
        case = open_case(ledger, world.witness.naming, key)
        coordinate = world.rng.randrange(case.coordinates)
        data = build_evidence(case, world.witness, coordinate)
        call = (int(case.result.round), coordinate, data)
        assert not world.desk.order(world.janitor, "refute", *call), "right, and refuted"
        world.counters["a false refutation that was refused"] += 1

    def _tenancy(self, participant: Participant) -> Tenancy | None:
        tenancies = self._world.model().tenancies
        return next((t for t in tenancies if t.owner == participant.address), None)
