"""How faults begin and end in a world."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chain.types import Agreed

from .chain import BASE_FEE_WEI
from .faults import Fault, Incident

if TYPE_CHECKING:
    from .participant import Participant
    from .world import World

LASTING = frozenset(
    {
        *(fault for fault in Fault if fault.name.startswith(("BLOB", "TX"))),
        *(Fault.PARTITION, Fault.NODE_DOWN, Fault.ANSWER_LOST, Fault.NODE_LAG, Fault.NODE_FLAP),
        *(Fault.SLOW_DISK, Fault.SLOW_TRAINING),
    }
)
"""These have their effect wherever the world asks for it while they last."""


class Troubles:
    """The incidents of a plan; `end` heals what can be healed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.active: dict[Fault, list[Incident]] = {}
        self.is_over = False

    def begin(self) -> None:
        for incident in self._world.plan.incidents:
            self._world.schedule.after(incident.at, partial(self._start, incident))

    def end(self) -> None:
        """Heal everything, but for what Byzantine seats do."""
        self.is_over = True
        self.active.clear()
        self._world.chain.base_fee = BASE_FEE_WEI
        for each in self._world.participants:
            each.clock.skew = 0
            each.disk.fill(is_full=False)
            each.armed.clear()
            each.down_until = 0
            self._world.catch_up(each)
            each.start()
            each.rouse(self._world.schedule.now)

    # Within -------------------------------------------------------------------------------

    def _start(self, incident: Incident) -> None:
        if self.is_over:
            return
        world = self._world
        victim = world.find(incident.victim)
        world.trace(victim, f"{incident.fault.name} until {incident.until}")
        seconds = incident.until - incident.at
        if incident.fault in LASTING:
            self.active.setdefault(incident.fault, []).append(incident)
            world.schedule.after(seconds, partial(self._stop, incident))
        else:
            assert victim is not None, f"{incident.fault} needs a victim"
            self._strike(incident, victim, seconds)

    def _stop(self, incident: Incident) -> None:
        if not self.is_over:
            self.active[incident.fault].remove(incident)
            if incident.fault is Fault.NODE_LAG:
                for each in self._world.participants:
                    self._world.catch_up(each)

    def _strike(self, incident: Incident, victim: Participant, seconds: int) -> None:
        world = self._world
        match incident.fault:
            case Fault.CRASH:
                victim.arm(incident)
            case Fault.KILL:
                if victim.daemon is not None:
                    world.note(Fault.KILL)
                    victim.die_and_restart()
            case Fault.BLACKOUT:
                self._black_out(incident, seconds)
            case Fault.REORG:
                self._reorg(incident)
            case Fault.FEE_SPIKE:
                world.chain.base_fee = 8 * BASE_FEE_WEI * incident.size
                world.schedule.after(seconds, self._lower_fees)
            case Fault.CLOCK_SKEW:
                world.note(Fault.CLOCK_SKEW)
                victim.clock.skew = world.rng.choice((-25, -7, 4, 11, 30))
                world.schedule.after(seconds, partial(setattr, victim.clock, "skew", 0))
            case Fault.FULL_DISK:
                victim.disk.fill(is_full=True)
                world.schedule.after(seconds, partial(victim.disk.fill, is_full=False))
            case Fault.ROT:
                self._rot(incident, victim)
            case Fault.FICKLE_LEARNER:
                victim.is_fickle = True
                if victim.daemon is not None:
                    victim.die_and_restart()
            case Fault.OLD_FOLDER:
                kept = world.keep(victim.disk.copy())
                world.schedule.after(seconds, partial(self._put_back, victim, kept))
            case Fault.STOLEN_KEY:
                self._steal(victim)
            case _:
                raise AssertionError(f"nobody knows how {incident.fault} strikes")

    def _black_out(self, incident: Incident, seconds: int) -> None:
        world = self._world
        spared = incident.victim
        for each in world.participants:
            if each.index != spared and each.daemon is not None:
                world.note(Fault.BLACKOUT)
                each.down_until = max(each.down_until, world.schedule.now + seconds)
                each.die_and_restart(seconds)

    def _reorg(self, incident: Incident) -> None:
        world = self._world
        lost = [
            logged.event
            for block, _ in zip(world.chain.head.branch(), range(incident.size), strict=False)
            for logged in block.events
        ]
        taken = world.chain.reorg(
            incident.size, world.schedule.now, forgets=lambda: world.chance(0.15)
        )
        if taken:
            world.note(Fault.REORG)
            has_lost = any(isinstance(event, Agreed) for event in lost)
            world.counters["a re-org that took back an agreement"] += has_lost

    def _lower_fees(self) -> None:
        self._world.chain.base_fee = BASE_FEE_WEI

    def _rot(self, incident: Incident, victim: Participant) -> None:
        """Damage a blob that somebody else has too."""
        others = [each for each in self._world.honest() if each is not victim]
        for blob in sorted(victim.disk.payloads, key=lambda each: each.root)[-incident.size :]:
            if any(blob in each.disk.payloads for each in others):
                victim.disk.rot(blob)
                self._world.note(Fault.ROT)
                others = [each for each in others if blob not in each.disk.payloads] or others

    def _put_back(self, victim: Participant, folder: object) -> None:
        if self.is_over:
            return
        self._world.note(Fault.OLD_FOLDER)
        victim.is_suspect = True
        victim.daemon = None
        victim.disk = folder  # type: ignore[assignment]
        victim.die_and_restart()

    def _steal(self, victim: Participant) -> None:
        """Try to vote with a stolen key until it works."""
        if self.is_over:
            return
        if not self._world.desk.vote_for(victim):
            self._world.schedule.after(2, partial(self._steal, victim))
            return
        self._world.note(Fault.STOLEN_KEY)
