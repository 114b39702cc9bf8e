"""A process for learners: what they do there, crash or leak, leaves their peer alone.

One BLAS thread each, which makes the floats of a round the same whatever the number of cores.
"""

import os
import socket
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from node.encoding import Model
from node.errors import WorkerFailed
from node.training import Job

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
AHEAD = 3
"""So many requests are with a worker, if all but the first are small: it goes on with the next
while the answer to the last waits to be read."""
ANSWER_BYTES = 2**20
"""What the pipe is asked to hold of answers that wait; a larger one waits in the worker. The
operating system may give less."""

LESS_URGENT = 5
"""A step that still gets its share of cores which others keep busy."""


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


@dataclass(frozen=True)
class _Request:
    pending: Pending
    method: str
    arguments: tuple[Any, ...]
    is_small: bool = False


class LearnerProcess:
    """One worker. What may be large goes out when nothing else is asked, so that no pipe can fill
    up on both ends."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES)
        self.connection = Connection(ours.detach())
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "node.learning.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **ONE_THREAD},
            )
        self._queue: deque[_Request] = deque()
        self._leisure: deque[_Request] = deque()
        self._asked: deque[Pending] = deque()
        self._head: Model | None = None

    @property
    def is_busy(self) -> bool:
        return bool(self._asked)

    @property
    def is_alive(self) -> bool:
        return self._child.poll() is None

    def give_way(self) -> None:
        """Let other processes have more of the cores."""
        os.setpriority(os.PRIO_PROCESS, self._child.pid, LESS_URGENT)

    def ask(self, method: str, arguments: tuple[Any, ...]) -> Pending:
        return self._put(_Request(Pending(), method, arguments))

    def train(self, peer: int, job: Job) -> Pending:
        """Ask for a training; peers of one process mostly share a head, so it travels once."""
        head = None
        if self._head is None or not np.array_equal(self._head, job.head):
            head = self._head = job.head
        arguments = (peer, job.round_id, job.tag, head)
        return self._put(_Request(Pending(), "train", arguments, is_small=head is None))

    def ask_at_leisure(self, method: str, arguments: tuple[Any, ...]) -> Pending:
        """Ask for what can wait until there is nothing else to do."""
        request = _Request(Pending(), method, arguments)
        self._leisure.append(request)
        return request.pending

    def take_leisure(self) -> None:
        """Begin with what can wait, if there is nothing else."""
        if not self._asked and not self._queue and self._leisure:
            self._put(self._leisure.popleft())

    def poll(self) -> None:
        """Take the answers that are there, without waiting."""
        while self._asked and self.connection.poll():
            self.collect()

    def collect(self) -> None:
        """Take the answer that is there."""
        assert self._asked, "only a busy worker answers"
        try:
            is_fine, value = self.connection.recv()
        except (EOFError, ConnectionError):
            self._fail()
            return
        pending = self._asked.popleft()
        pending.is_done = True
        if is_fine:
            pending.value = value
        else:
            pending.error = value
        self._send()
        self.take_leisure()

    def close(self) -> None:
        self.connection.close()
        try:
            self._child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _put(self, request: _Request) -> Pending:
        self._queue.append(request)
        self._send()
        return request.pending

    def _send(self) -> None:
        while self._queue and self._has_room(self._queue[0]):
            request = self._queue.popleft()
            self._asked.append(request.pending)
            try:
                self.connection.send((request.method, request.arguments))
            except OSError:
                self._fail()

    def _has_room(self, request: _Request) -> bool:
        return not self._asked or (request.is_small and len(self._asked) < AHEAD)

    def _fail(self) -> None:
        """Answer all that was asked with what became of the process: nobody else will."""
        code = self._child.wait()
        waiting = (request.pending for request in (*self._queue, *self._leisure))
        asked = [*self._asked, *waiting]
        self._queue.clear()
        self._leisure.clear()
        self._asked.clear()
        for pending in asked:
            pending.error = WorkerFailed("worker", "a living process", f"exit code {code}")
            pending.is_done = True
