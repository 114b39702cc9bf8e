"""Training on all cores: a process each, with its own peers' data.

Processes make it fast, as small models spend their time in Python, where threads wait for each
other.
"""

from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self

from chain.types import Key, RoundId, Seat
from node.learning.process import LearnerProcess, Pending
from node.training import Fit, Job


class Pool:
    """Workers, and which of them each peer talks to. A context manager."""

    def __init__(self, size: int) -> None:
        self._processes = [LearnerProcess() for _ in range(size)]
        self._of_peer: dict[int, LearnerProcess] = {}
        self.order: tuple[int, ...] = ()
        """Peers as they are likely to finish when all begin at once, each process in peer order."""
        self._by_connection: dict[Connection, LearnerProcess] = {
            process.connection: process for process in self._processes
        }

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

    def assign(self, loads: Sequence[int], besides: Mapping[int, int] | None = None) -> None:
        """Give every peer a worker: the heaviest first, each to the one with the least to do.

        `besides`: what the worker of a peer has to do at leisure.
        """
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
        return self._of_peer[peer].ask(method, (peer, *arguments))

    def train(self, peer: int, job: Job) -> Pending:
        """Ask the worker of a peer for a training."""
        return self._of_peer[peer].train(peer, job)

    def ask_at_leisure(self, peer: int, method: str, *arguments: Any) -> Pending:
        """Ask for what can wait until the worker of a peer has nothing else to do."""
        return self._of_peer[peer].ask_at_leisure(method, (peer, *arguments))

    def wait(self, pendings: list[Pending]) -> None:
        """Return when all of these are answered."""
        while not all(pending.is_done for pending in pendings):
            for process in self._processes:
                process.take_leisure()
            self._collect(None)

    def poll(self) -> None:
        """Take the answers that are there, without waiting."""
        self._collect(0)

    def _collect(self, timeout_seconds: float | None) -> None:
        busy = [process.connection for process in self._processes if process.is_busy]
        for connection in wait(busy, timeout_seconds):
            assert isinstance(connection, Connection)
            self._by_connection[connection].collect()


class PoolTrainer:
    """The `Trainer` of all peers of one machine; what was started is found when it is released.

    Whoever releases does so in an order of its own. Which core was faster decides nothing, so
    neither does it decide which block a commitment lands in.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._running: dict[tuple[Seat, Key, RoundId], Pending] = {}
        self._finished: dict[tuple[Seat, Key, RoundId], Pending] = {}

    def start(self, seat: Seat, parent: Key, job: Job) -> None:
        name = (seat, parent, job.round_id)
        if name not in self._running and name not in self._finished:
            self._running[name] = self._pool.train(seat, job)

    def find(self, seat: Seat, parent: Key, round_id: RoundId) -> Fit | None:
        pending = self._finished.pop((seat, parent, round_id), None)
        if pending is None:
            return None
        fit: Fit = pending.result()
        return fit

    @property
    def is_running(self) -> bool:
        """Whether a training was started and not released."""
        return bool(self._running)

    def release(self, seat: Seat) -> None:
        """Wait for what a seat has started, and let it be found; the others go on meanwhile."""
        mine = {name: pending for name, pending in self._running.items() if name[0] == seat}
        self._pool.wait(list(mine.values()))
        for name, pending in mine.items():
            del self._running[name]
            self._finished[name] = pending
