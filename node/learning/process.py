"""A process for learners: what they do there, crash, leak or loop, leaves their peer alone.

One BLAS thread each, which makes the floats of a round the same whatever the number of cores.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import numpy as np

from node.encoding import Model
from node.errors import WorkerFailed
from node.learning.hosting import LOG, LOG_BYTES, Hosting
from node.training import Job

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}
"""What a learner prints is there to be shown at once, and not lost with its process."""
AHEAD = 3
"""So many requests are with a worker, if all but the first are small: it goes on with the next
while the answer to the last waits to be read."""
ANSWER_BYTES = 2**20
"""What the pipe is asked to hold of answers that wait; a larger one waits in the worker. The
operating system may give less."""

LESS_URGENT = 5
"""A step that still gets its share of cores which others keep busy."""
WORK = frozenset({"train", "measure", "evaluate", "evaluate_anew", "shuffle"})
BEGIN_SECONDS = 600.0
"""For whatever is no work, at least: to start, to import what the learner needs, to load data."""
END_SECONDS = 2.0
"""For a process to see that nobody asks it any more."""
ROOT = Path(__file__).parent.parent.parent
START = """\
import sys
sys.path.append(sys.argv.pop(1))
from node.learning.worker import main
main(sys.argv[1:])
"""
"""With -P, so that a `node.py` where the peer was started is not taken for ours."""
TAIL_BYTES = 4096
LOOK_SECONDS = 1.0
"""Between two looks at what a process does that is waited for."""


class Answer(Protocol):
    """Something that will be there, or has failed."""

    @property
    def is_done(self) -> bool: ...

    def result(self) -> Any:
        """Return it, or raise what became of it instead."""
        ...


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
    up on both ends.

    `may_begin` is asked before an idle process is given something to do; where it may not,
    `go_on` tries again.
    """

    def __init__(
        self, hosting: Hosting | None = None, may_begin: Callable[[], bool] = lambda: True
    ) -> None:
        self._hosting = hosting or Hosting()
        self._may_begin = may_begin
        ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES)
        self.connection = Connection(ours.detach())
        with theirs, ExitStack() as stack:
            log = self._log = None if self._hosting.notes is None else self._hosting.notes / LOG
            output = None if log is None else stack.enter_context(_open_log(log))
            self._child = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-c", START, str(ROOT)),
                    *(str(theirs.fileno()), _encode(self._hosting)),
                ],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **ONE_THREAD, **({} if log is None else UNBUFFERED)},
                stdin=None if log is None else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._queue: deque[_Request] = deque()
        self._leisure: deque[_Request] = deque()
        self._asked: deque[_Request] = deque()
        self._head: Model | None = None
        self._begun_at = monotonic()

    @property
    def is_busy(self) -> bool:
        return bool(self._asked)

    def is_busy_with(self, pending: Pending) -> bool:
        """Whether this is what the worker does now."""
        return bool(self._asked) and self._asked[0].pending is pending

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
        arguments = (peer, job.round_id, job.tag, head, job.line)
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
        """Take the answers that are there, without waiting; end a process that takes too long."""
        while self._asked and self.connection.poll():
            self.collect()
        self.enforce()

    def settle(self, pending: Pending) -> Any:
        """Wait for an answer and return it, or raise what the worker raised."""
        while not pending.is_done:
            left = self.seconds_left()
            if self.connection.poll(LOOK_SECONDS if left is None else min(left, LOOK_SECONDS)):
                self.collect()
            self.enforce()
        return pending.result()

    def seconds_left(self) -> float | None:
        """Return how long the worker may still take for what it does; None: for ever."""
        limit = self._limit_seconds()
        return None if limit is None else max(0.0, self._begun_at + limit - monotonic())

    def enforce(self) -> None:
        """Kill a process that takes longer than it may, and whatever it has started. What it prints
        without end fills no disk."""
        if self._log is not None:
            _limit_log(self._log)
        if self.seconds_left() == 0.0 and not self.connection.poll():
            told = f"none in {self._limit_seconds():g} s, so its process was ended"
            self._kill()
            self._fail("an answer", told)

    def describe_progress(self) -> str:
        """Return the last line that the learner printed; "" where it is not written down."""
        if self._log is None:
            return ""
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                # A progress bar draws over its line.
                lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def collect(self) -> None:
        """Take the answer that is there."""
        assert self._asked, "only a busy worker answers"
        try:
            is_fine, value = self.connection.recv()
        except (EOFError, ConnectionError):
            self._child.wait()
            self._fail()
            return
        pending = self._asked.popleft().pending
        pending.is_done = True
        self._begun_at = monotonic()
        if is_fine:
            pending.value = value
        else:
            pending.error = value
        self._send()
        self.take_leisure()

    def go_on(self) -> None:
        """Send what waits, if it may be begun by now."""
        self._send()
        self.take_leisure()

    def end(self) -> None:
        """End the process in the midst of what it does; what was asked of it is answered with
        that."""
        self._kill()
        self.close()

    def close(self) -> None:
        """End the process; what was asked of it is answered with that."""
        self.connection.close()
        try:
            self._child.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
        self._fail("a process at work", "one that was ended")

    def _put(self, request: _Request) -> Pending:
        self._queue.append(request)
        self._send()
        return request.pending

    def _send(self) -> None:
        while self._queue and self._has_room(self._queue[0]):
            request = self._queue.popleft()
            if not self._asked:
                self._begun_at = monotonic()
            self._asked.append(request)
            try:
                self.connection.send((request.method, request.arguments))
            except OSError:
                self._child.wait()
                self._fail()

    def _has_room(self, request: _Request) -> bool:
        if not self._asked:
            return self._may_begin()
        return request.is_small and len(self._asked) < AHEAD

    def _limit_seconds(self) -> float | None:
        """Return how long what the worker does now may take; None: for ever."""
        if not self._asked or self._hosting.seconds is None:
            return None
        if self._asked[0].method in WORK:
            return self._hosting.seconds
        return max(self._hosting.seconds, BEGIN_SECONDS)

    def _kill(self) -> None:
        """Kill the worker with all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        # Where it had not become the head of its group yet.
        self._child.kill()
        self._child.wait()

    def _fail(self, expected: str = "a living process", got: str | None = None) -> None:
        """Answer all that was asked with what became of the process: nobody else will."""
        told = f"exit code {self._child.returncode}" if got is None else got
        asked = [each.pending for each in (*self._asked, *self._queue, *self._leisure)]
        self._queue.clear()
        self._leisure.clear()
        self._asked.clear()
        for pending in asked:
            pending.error = WorkerFailed("learner", expected, told)
            pending.is_done = True


def _open_log(path: Path) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    _limit_log(path)
    return path.open("ab")


def _limit_log(path: Path) -> None:
    """Begin a long log anew. Whoever writes to it appends, and so goes on where it ends now."""
    # The learner may have removed it: that is its own affair.
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES:
            os.truncate(path, 0)


def _encode(hosting: Hosting) -> str:
    return json.dumps({name: _plain(value) for name, value in asdict(hosting).items()})


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
