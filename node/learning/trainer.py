"""The trainer of one peer: its learner in a process of its own, which may fail without the peer."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

from chain.types import Key, RoundId, Seat
from node.errors import WorkerFailed
from node.learning.process import LearnerProcess, Pending
from node.training import Failed, Fit, Job

LOG = logging.getLogger("holdfast.learner")

STARTS = 3
"""In a row: that a process dies before its first task may be an accident, but not for ever."""

Enrol = Callable[[LearnerProcess], list[Pending]]
"""Tells a new process its learner, data and course; returns what to wait for."""


@dataclass
class Tally:
    """What was trained since the start, and how many seconds that took from being asked for."""

    trained: int = 0
    failed: int = 0
    seconds: float = 0.0


class ProcessTrainer:
    """Trains in a process; a context manager. A training that fails is told in one line and costs
    the round; a process that died is started anew."""

    def __init__(self, enrol: Enrol) -> None:
        self._enrol = enrol
        self._running: dict[tuple[Key, RoundId], Pending] = {}
        self._begun: dict[tuple[Key, RoundId], float] = {}
        self.tally = Tally()
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.close()

    @property
    def connection(self) -> object:
        """Readable when the process has something to say."""
        return self._process.connection

    def start(self, seat: Seat, parent: Key, job: Job) -> None:
        if (parent, job.round_id) not in self._running:
            self._begun[parent, job.round_id] = monotonic()
            self._running[parent, job.round_id] = self._process.train(seat, job)

    def find(self, seat: Seat, parent: Key, round_id: RoundId) -> Fit | Failed | None:
        self._process.poll()
        pending = self._running.get((parent, round_id))
        if pending is None or not pending.is_done:
            return None
        del self._running[parent, round_id]
        self.tally.seconds += monotonic() - self._begun.pop((parent, round_id))
        try:
            fit: Fit = pending.result()
        except Exception as error:  # noqa: BLE001 - a learner may raise anything
            self.tally.failed += 1
            LOG.error("seat=%d round=%d act=train error=%r", seat, round_id, str(error))
            if not self._process.is_alive:
                self._revive()
            return Failed()
        self.tally.trained += 1
        return fit

    def judge(self, seat: Seat, payload: bytes, model_bits: int) -> Pending:
        """Ask how good a model is on what nobody trains on; answered when there is nothing to
        train."""
        pending = self._process.ask_at_leisure("evaluate", (int(seat), payload, model_bits))
        self._process.take_leisure()
        return pending

    def poll(self) -> None:
        """Take the answers that are there; a process that has died with nothing to do is started
        anew, or it would be found when it is needed."""
        self._process.poll()
        if not self._process.is_busy and not self._process.is_alive:
            LOG.warning("act=revive error='the process of the learner has ended'")
            self._revive()

    def _revive(self) -> None:
        self._process.close()
        self._process = self._start()

    def _start(self) -> LearnerProcess:
        """Return a process that knows its task. Raises what its learner or its data refuse, and
        WorkerFailed where it dies STARTS times before it has begun."""
        for _ in range(STARTS - 1):
            try:
                return self._begin()
            except WorkerFailed as error:
                # Killed, or short of memory: what a learner of its own refuses is told alike, and
                # will be told again.
                LOG.warning("act=enrol error=%r", str(error))
        return self._begin()

    def _begin(self) -> LearnerProcess:
        process = LearnerProcess()
        try:
            pendings = self._enrol(process)
            while not all(pending.is_done for pending in pendings):
                process.collect()
            for pending in pendings:
                pending.result()
        except BaseException:
            process.close()
            raise
        return process
