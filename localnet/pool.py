"""Training on all cores: a process each, with its own peers' data and one BLAS thread.

One thread makes the floats of a round the same whatever the number of cores; the processes make it
fast, as small models spend their time in Python, where threads wait for each other.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self

import numpy as np

from chain.types import Key, RoundId, Seat
from localnet.errors import WorkerFailed
from node.encoding import Model
from node.training import Fit, Job

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


class Pending:
    """An answer to come from a worker."""

    def __init__(self) -> None:
        self.is_done = False
        self.value: Any = None
        self.error: Exception | None = None

    def result(self) -> Any:
        """Return the answer, or raise what the worker raised."""
        if self.error is not None:
            raise self.error
        return self.value


class _Process:
    """One worker: requests go out one at a time, so that no pipe can fill up on both ends."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "localnet.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, **ONE_THREAD},
        )
        theirs.close()
        self._queue: deque[tuple[Pending, str, tuple[Any, ...]]] = deque()
        self._leisure: deque[tuple[Pending, str, tuple[Any, ...]]] = deque()
        self._current: Pending | None = None
        self._head: Model | None = None

    @property
    def is_busy(self) -> bool:
        return self._current is not None

    def ask(self, method: str, arguments: tuple[Any, ...]) -> Pending:
        pending = Pending()
        self._queue.append((pending, method, arguments))
        self._send_next()
        return pending

    def train(self, peer: int, job: Job) -> Pending:
        """Ask for a training; peers of one process mostly share a head, so it travels once."""
        if self._head is None or not np.array_equal(self._head, job.head):
            self.ask("take_head", (job.head,))
            self._head = job.head
        return self.ask("train", (peer, job.round_id, job.tag))

    def ask_at_leisure(self, method: str, arguments: tuple[Any, ...]) -> Pending:
        """Ask for what can wait until there is nothing else to do."""
        pending = Pending()
        self._leisure.append((pending, method, arguments))
        return pending

    def take_leisure(self) -> None:
        """Begin with what can wait, if there is nothing else."""
        if self._current is None and not self._queue and self._leisure:
            self._queue.append(self._leisure.popleft())
            self._send_next()

    def collect(self) -> None:
        """Take the answer that is there."""
        assert self._current is not None, "only a busy worker answers"
        try:
            is_fine, value = self.connection.recv()
        except (EOFError, ConnectionError):
            self._fail()
            return
        current, self._current = self._current, None
        current.is_done = True
        if is_fine:
            current.value = value
        else:
            current.error = value
        self._send_next()
        self.take_leisure()

    def close(self) -> None:
        self.connection.close()
        try:
            self._child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _send_next(self) -> None:
        if self._current is not None or not self._queue:
            return
        self._current, method, arguments = self._queue.popleft()
        try:
            self.connection.send((method, arguments))
        except OSError:
            self._fail()

    def _fail(self) -> None:
        """Answer all that was asked with what became of the process: nobody else will."""
        code = self._child.wait()
        asked = [pending for pending, _, _ in (*self._queue, *self._leisure)]
        if self._current is not None:
            asked.insert(0, self._current)
        self._queue.clear()
        self._leisure.clear()
        self._current = None
        for pending in asked:
            pending.error = WorkerFailed("worker", "a living process", f"exit code {code}")
            pending.is_done = True


class Pool:
    """Workers, and which of them each peer talks to. A context manager."""

    def __init__(self, size: int) -> None:
        self._processes = [_Process() for _ in range(size)]
        self._of_peer: dict[int, _Process] = {}
        self.order: tuple[int, ...] = ()
        """Peers as they are likely to finish when all begin at once, each process in peer order."""
        self._by_connection: dict[Connection, _Process] = {
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

    def assign(self, loads: Sequence[int]) -> None:
        """Give every peer a worker: the heaviest first, each to the one with the least to do."""
        burden = dict.fromkeys(self._processes, 0)
        for peer in sorted(range(len(loads)), key=lambda peer: -loads[peer]):
            process = min(burden, key=lambda each: burden[each])
            self._of_peer[peer] = process
            burden[process] += loads[peer]
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
