"""One organisation: an account, a folder, a node, and a process that comes and goes.

What runs in the process are the node's own classes, put together as `node.daemon` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chain.errors import Unreachable
from chain.observer import Observer
from chain.sender import Sender
from chain.types import Logged, Seat
from localnet.byzantine import Lying
from node.blobs.errors import BlobCorrupt, StoreFailed
from node.blobs.store import Blob
from node.contract import Contract
from node.daemon.daemon import Daemon
from node.daemon.opening import find_seat
from node.daemon.shelves import Shelves
from node.daemon.tallies import Tallies
from node.errors import JournalFailed, PeerRefused
from node.peer import Peer
from node.spec import rule_of

from .byzantine import HONEST, Conduct, Rogue
from .disk import Disk, DiskStore, Fused
from .faults import UNGUARDED, Fault, Incident
from .network import SimulatedExchange
from .node import Node, SimulatedFederation
from .schedule import LocalClock
from .task import SimulatedTrainer, Toy
from .transactions import SimulatedSigner

if TYPE_CHECKING:
    from .world import World

RECORDS = ("record_trained", "record_recomputed", "record_intention", "record_sending")
RESTART_SECONDS = (1, 20)
CREATED_AT = 1
FOR_EVER = 10**12


class Crash(BaseException):
    """The process is gone. No error of the node's own, so nobody catches it on the way."""


class SteppedDaemon(Daemon):
    """A daemon whose waiting is done by the simulation."""

    until: int | None = None
    has_waited = False

    def _wait(self, until: int | None) -> None:
        self.until, self.has_waited = until, True

    def look_once(self) -> None:
        self.has_waited = False
        self.run(lambda: self.has_waited)

    @property
    def pause_seconds(self) -> int:
        """How long it waits after an error; 0: there was none."""
        return int(self._pause_seconds) if self._pause_seconds > self._poll_seconds else 0


class LawlessDaemon(SteppedDaemon):
    """One that does not mind what else its key is used for."""

    def _check_own(self, logged: Logged, seat: Seat) -> None:
        pass


class Participant:
    """`index` is its account. `is_stopped`: for good, by its own decision; `is_suspect`: what it
    does is no longer answered for by its journal."""

    def __init__(self, world: World, index: int, address: str, conduct: Conduct = HONEST) -> None:
        self.world = world
        self.index = index
        self.address = address
        self.conduct = conduct
        self.signer = SimulatedSigner(address)
        self.clock = LocalClock(world.schedule)
        self.node = Node(world, self)
        self.disk = world.keep(Disk(world.new_folder(index)))
        self.life = 0
        self.daemon: SteppedDaemon | None = None
        self.armed: list[list[Any]] = []
        self.is_stopped = False
        self.is_suspect = False
        self.is_fickle = False
        self.is_away = False
        self.down_until = 0
        self.unwired_until = 0
        self._wake_at = FOR_EVER
        self._free_at = 0

    @property
    def is_honest(self) -> bool:
        return self.conduct is HONEST

    @property
    def fault(self) -> Fault | None:
        return self.conduct.fault if isinstance(self.conduct, Rogue) else None

    @property
    def seat(self) -> Seat | None:
        return self.daemon.peer.seat if self.daemon else None

    # Life and death -----------------------------------------------------------------------

    def start(self) -> None:
        """Start the process, now or as soon as that is possible."""
        if self.daemon is not None or self.is_stopped or self.is_away:
            return
        if self.world.schedule.now < self.down_until:
            return
        self.life += 1
        self.clock.busy = self.clock.asked = 0
        try:
            self.daemon = self._build()
        except Unreachable:
            self._try_again(5)
            return
        except PeerRefused as refused:
            self._give_up(refused)
            return
        self.rouse(self.world.schedule.now)

    def die(self) -> None:
        """End the process, whatever it was doing."""
        self.life += 1
        self.daemon = None
        self._wake_at = FOR_EVER
        self.disk.crash()

    def die_and_restart(self, seconds: int | None = None) -> None:
        self.die()
        self._try_again(self.world.rng.randrange(*RESTART_SECONDS) if seconds is None else seconds)

    def suffer(self, action: Callable[[], None]) -> None:
        """Let something happen in the process, of which it may die."""
        try:
            action()
        except Crash:
            self.die_and_restart()

    def touch(self, effect: str, *, is_after: bool) -> None:
        """Be at the edge of an effect. Raises Crash where the plan says so."""
        if self.world.strikes(Fault.SLOW_DISK, self, 0.4):
            self.clock.busy += self.world.rng.randrange(1, 4)
        for entry in self.armed:
            incident, left = entry
            boundary = incident.boundary
            if boundary.effect == effect and boundary.is_after == is_after:
                entry[1] = left - 1
                if entry[1] == 0:
                    self.armed.remove(entry)
                    self.world.counters.note_crash(boundary)
                    self.world.trace(self, f"killed {boundary}")
                    raise Crash

    def arm(self, incident: Incident) -> None:
        """Let it be killed at a boundary."""
        self.armed.append([incident, incident.nth])

    # Waking -------------------------------------------------------------------------------

    def rouse(self, at: int) -> None:
        """See to it that the process looks at things at `at`, or earlier."""
        at = max(at, self._free_at, self.world.schedule.now)
        if self.daemon is None or at >= self._wake_at:
            return
        self._wake_at = at
        life = self.life
        self.world.schedule.at(at, lambda: self._wake(life, at))

    def _wake(self, life: int, at: int) -> None:
        if self.daemon is None or life != self.life or at != self._wake_at:
            return
        self._wake_at = FOR_EVER
        self.clock.busy = self.clock.asked = 0
        daemon = self.daemon
        try:
            daemon.look_once()
        except Crash:
            self.die_and_restart()
            return
        except PeerRefused as refused:
            self._give_up(refused)
            return
        except (StoreFailed, JournalFailed):
            if not self.disk.has_failed:
                raise
            self.world.note(Fault.FULL_DISK)
            self.die_and_restart(10)
            return
        self._plan_next(daemon)

    def _plan_next(self, daemon: SteppedDaemon) -> None:
        now, counters = self.world.schedule.now, self.world.counters
        counters[f"phase {daemon.peer.phase().value}"] += 1
        observer = daemon.contract.observer
        counters["a peer that followed a re-org"] += observer.rolled_back_to is not None
        self._free_at = now + self.clock.busy
        if daemon.pause_seconds:
            self.rouse(self._free_at + daemon.pause_seconds)
        elif daemon.until is not None:
            self.rouse(max(daemon.until - self.clock.skew, self._free_at + 1))
        self.conduct.follow(self)

    def _try_again(self, seconds: int) -> None:
        self.world.schedule.after(seconds, self.start)

    def _give_up(self, refused: PeerRefused) -> None:
        """Be started again where that may help: the seat is not there yet, or is another one."""
        if refused.reason.startswith("seat "):
            self.die_and_restart(5)
            return
        self.world.witness.note_stop(self, refused)
        self.die()
        self.is_stopped = True

    # Serving ------------------------------------------------------------------------------

    def is_early(self, blob: Blob) -> bool:
        """Whether it would serve a blob, if only it knew that the time has come."""
        return self.daemon is not None and not self.shelves.may_serve(blob, None)

    def serve(self, reader: Participant, blob: Blob) -> bytes | None:
        """Return a blob to another, None where it cannot or does not want to."""
        daemon = self.daemon
        if daemon is None or not self.shelves.may_serve(blob, reader.seat):
            return None
        if blob not in self.disk.payloads:
            return None
        try:
            payload = self.store.get(blob)
        except BlobCorrupt:
            return None
        return self.conduct.serve(self, reader, blob, payload)

    # Within -------------------------------------------------------------------------------

    def _build(self) -> SteppedDaemon:
        """Put a process together; see `node.daemon.opening`."""
        world, parameters = self.world, self.world.plan.parameters
        federation = SimulatedFederation(self.node, world.address, parameters)
        observer = Observer(federation, created_at=CREATED_AT)
        observer.poll()
        contract = Contract(federation, observer, parameters)
        seat = find_seat(contract, self.address)
        self.store = DiskStore(self.disk, world.witness.archive)
        store = Fused(self.store, "blobs", self.touch, "keep", "put")
        journal = Fused(self.disk.journal, "journal", self.touch, *RECORDS)
        exchange = SimulatedExchange(world, self, store)  # type: ignore[arg-type]
        rule = rule_of(parameters)
        entropy = 1000 * self.life + self.index if self.is_fickle else self.index
        if self.is_fickle and self.life > 1:
            world.note(Fault.FICKLE_LEARNER)
        trainer = SimulatedTrainer(Toy(self.index), rule, entropy, self._start_timer)
        sender = Sender(federation.web3, self.signer)  # type: ignore[arg-type]
        peer = Peer(
            seat=seat,
            contract=contract,
            sender=sender,
            blobs=store,  # type: ignore[arg-type]
            exchange=Fused(exchange, "exchange", self.touch, "start", "outcome"),  # type: ignore[arg-type]
            journal=journal,  # type: ignore[arg-type]
            trainer=Fused(trainer, "trainer", self.touch, "start", "find"),  # type: ignore[arg-type]
            clock=self.clock,
            compute=Lying(world.compute) if self.fault is Fault.LIE else world.compute,
            is_guarding=self.fault not in UNGUARDED,
        )
        self.shelves = Shelves()
        self.shelves.update(contract, observer.history, self.clock())
        kind = SteppedDaemon if self.is_honest else LawlessDaemon
        return kind(
            contract,
            peer,
            self.disk.journal,
            self.shelves,
            list,
            None,  # type: ignore[arg-type]
            Tallies(),
            clock=self.clock,
            poll_seconds=1,
        )

    def _start_timer(self) -> Callable[[], bool]:
        """Begin a training; return what tells whether it is over."""
        seconds = self.world.rng.randrange(1, 6)
        if self.world.strikes(Fault.SLOW_TRAINING, self, 1.0):
            seconds += self.world.rng.randrange(30, 90)
        over_at = self.world.schedule.now + self.clock.busy + seconds
        life = self.life
        self.world.schedule.at(over_at, lambda: self._hear(life))
        return lambda: self.world.schedule.now >= over_at

    def _hear(self, life: int) -> None:
        if self.life == life:
            self.rouse(self.world.schedule.now)
