"""Training on all cores: processes with the peers' learners and data.

Processes make it fast, as small models spend their time in Python, where threads wait for each
other. Built-in learners share one a core; learners of somebody's own have one each, of which so
many work at once as there are cores.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self

from chain.types import Key, RoundId, Seat
from node.learning.hosting import Hosting
from node.learning.process import Answer, LearnerProcess, Pending
from node.training import Failed, Fit, Job

LOG = logging.getLogger("holdfast.learner")
TELLING = ("enrol", "follow")
"""What a learner was told of itself, and its process is told again where it is a new one."""


class Pool:
    """Workers, and which of them each peer talks to. A context manager.

    `size`: of the pool, or with `host` how many of them may work at once: then each peer has its
    own, kept as `host` says, and started anew after it has failed. `apart`: how a process is kept
    that is asked a single thing.
    """

    def __init__(
        self,
        size: int,
        host: Callable[[int], Hosting] | None = None,
        apart: Hosting | None = None,
    ) -> None:
        self._size = size
        self._apart = apart or Hosting()
        self._host = host
        self._processes = [] if host else [LearnerProcess() for _ in range(size)]
        self._of_peer: dict[int, LearnerProcess] = {}
        self._told: dict[int, dict[str, tuple[Any, ...]]] = {}
        self.order: tuple[int, ...] = ()
        """Peers as they are likely to finish when all begin at once, each process in peer order."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.close()

    @property
    def is_hosting(self) -> bool:
        """Whether each peer has a process of its own, which may fail without the others."""
        return self._host is not None

    def assign(self, loads: Sequence[int], besides: Mapping[int, int] | None = None) -> None:
        """Give every peer a worker: the heaviest first, each to the one with the least to do.

        `besides`: what the worker of a peer has to do at leisure.
        """
        if self._host is not None:
            self.order = tuple(range(len(loads)))
            for peer in self.order:
                self._of_peer[peer] = self._start(peer)
            return
        burdens = [load + (besides or {}).get(peer, 0) for peer, load in enumerate(loads)]
        burden = dict.fromkeys(self._processes, 0)
        for peer in sorted(range(len(loads)), key=lambda peer: -burdens[peer]):
            process = min(burden, key=lambda each: burden[each])
            self._of_peer[peer] = process
            burden[process] += burdens[peer]
        done_at = dict.fromkeys(self._processes, 0)
        finish = []
        for peer, load in enumerate(loads):
            done_at[self._of_peer[peer]] += load
            finish.append((done_at[self._of_peer[peer]], peer))
        self.order = tuple(peer for _, peer in sorted(finish))

    def ask(self, peer: int, method: str, *arguments: Any) -> Pending:
        """Ask the worker of a peer for something."""
        if self.is_hosting and method in TELLING:
            self._told.setdefault(peer, {})[method] = arguments
        return self._find(peer).ask(method, (peer, *arguments))

    def ask_apart(self, method: str, *arguments: Any) -> Pending:
        """Ask a process for something that ends with that, and wait for the answer."""
        process = LearnerProcess(self._apart)
        try:
            asked = process.ask(method, arguments)
            while not asked.is_done:
                process.collect()
            return asked
        finally:
            process.close()

    def train(self, peer: int, job: Job) -> Pending:
        """Ask the worker of a peer for a training."""
        return self._find(peer).train(peer, job)

    def ask_at_leisure(self, peer: int, method: str, *arguments: Any) -> Pending:
        """Ask for what can wait until the worker of a peer has nothing else to do."""
        return self._find(peer).ask_at_leisure(method, (peer, *arguments))

    def renew(self, peer: int) -> None:
        """Give a peer a new process, told what the last one was told: what a failure left behind is
        gone with that."""
        old = self._of_peer[peer]
        old.close()
        self._processes.remove(old)
        self._of_peer[peer] = new = self._start(peer)
        for method, arguments in self._told.get(peer, {}).items():
            new.ask(method, (peer, *arguments))

    def describe_progress(self, peer: int) -> str:
        """Return the last line that a peer's learner printed."""
        return self._of_peer[peer].describe_progress()

    def wait(self, answers: Sequence[Answer]) -> None:
        """Return when all of these are answered."""
        while not all(answer.is_done for answer in answers):
            self.start_leisure()
            self._collect(None)

    def start_leisure(self) -> None:
        """Let workers that have nothing else to do begin with what can wait."""
        for process in self._processes:
            process.take_leisure()

    def poll(self, timeout_seconds: float = 0) -> None:
        """Take the answers that are there, or wait a moment for the next."""
        self._collect(timeout_seconds)

    def _start(self, peer: int) -> LearnerProcess:
        assert self._host is not None, "only hosted learners have a process of their own"
        process = LearnerProcess(self._host(peer), self._may_begin)
        self._processes.append(process)
        return process

    def _find(self, peer: int) -> LearnerProcess:
        if self.is_hosting and not self._of_peer[peer].is_alive:
            self.renew(peer)
        return self._of_peer[peer]

    def _may_begin(self) -> bool:
        return sum(process.is_busy for process in self._processes) < self._size

    def _collect(self, timeout_seconds: float | None) -> None:
        busy = {process.connection: process for process in self._processes if process.is_busy}
        left = (process.seconds_left() for process in busy.values())
        times = [each for each in (timeout_seconds, *left) if each is not None]
        for connection in wait(busy, min(times, default=None)):
            assert isinstance(connection, Connection)
            busy[connection].collect()
        if self.is_hosting:
            for process in self._processes:
                process.enforce()
                process.go_on()


class PoolTrainer:
    """The `Trainer` of all peers of one machine; what was started is found when it is released.

    Whoever releases does so in an order of its own. Which core was faster decides nothing, so
    neither does it decide which block a commitment lands in.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._running: dict[tuple[Seat, Key, RoundId], Pending] = {}
        self._finished: dict[tuple[Seat, Key, RoundId], Pending] = {}
        self.failures: list[str] = []
        """Of trainings, since one has succeeded last."""

    def start(self, seat: Seat, parent: Key, job: Job) -> None:
        name = (seat, parent, job.round_id)
        if name not in self._running and name not in self._finished:
            self._running[name] = self._pool.train(seat, job)

    def find(self, seat: Seat, parent: Key, round_id: RoundId) -> Fit | Failed | None:
        pending = self._finished.pop((seat, parent, round_id), None)
        if pending is None:
            return None
        if pending.error is not None and self._pool.is_hosting:
            LOG.error("seat=%d round=%d act=train error=%r", seat, round_id, str(pending.error))
            self.failures.append(str(pending.error))
            return Failed()
        fit: Fit = pending.result()
        self.failures.clear()
        return fit

    @property
    def is_running(self) -> bool:
        """Whether a training was started and not released."""
        return bool(self._running)

    @property
    def unfinished(self) -> tuple[Seat, ...]:
        """The seats whose training goes on."""
        going_on = {name[0] for name, pending in self._running.items() if not pending.is_done}
        return tuple(sorted(going_on))

    def release(self, seat: Seat) -> None:
        """Wait for what a seat has started, and let it be found; the others go on meanwhile."""
        mine = {name: pending for name, pending in self._running.items() if name[0] == seat}
        self._pool.wait(list(mine.values()))
        for name, pending in mine.items():
            del self._running[name]
            self._finished[name] = pending
        if self._pool.is_hosting and any(pending.error for pending in mine.values()):
            self._pool.renew(seat)
