"""A process for learners: what they do there, crash or leak, leaves their peer alone.

One BLAS thread each, which makes the floats of a round the same whatever the number of cores.
"""

import os
import subprocess
import sys
from collections import deque
from multiprocessing import Pipe
from typing import Any

import numpy as np

from node.encoding import Model
from node.errors import WorkerFailed
from node.training import Job

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)

LEAST_URGENT = 15


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


class LearnerProcess:
    """One worker: requests go out one at a time, so that no pipe can fill up on both ends."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "node.learning.worker", str(theirs.fileno())],
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

    @property
    def is_alive(self) -> bool:
        return self._child.poll() is None

    def give_way(self) -> None:
        """Let all other processes have the cores first."""
        os.setpriority(os.PRIO_PROCESS, self._child.pid, LEAST_URGENT)

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

    def poll(self) -> None:
        """Take the answers that are there, without waiting."""
        while self._current is not None and self.connection.poll():
            self.collect()

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
