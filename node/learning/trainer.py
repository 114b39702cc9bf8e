"""The trainer of one peer: its learner in a process of its own, which may fail without the peer."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

from chain.types import Key, RoundId, Seat
from node.errors import WorkerFailed
from node.learning.hosting import Hosting
from node.learning.pace import Obedience
from node.learning.paced import ASKED
from node.learning.process import LearnerProcess, Pending
from node.training import Failed, Fit, Job

LOG = logging.getLogger("holdfast.learner")

STARTS = 3
"""In a row: that a process dies before its first task may be an accident, but not for ever."""

PROGRESS_SECONDS = 30.0
"""Between two lines about a training that goes on."""

JUDGEMENT_SECONDS = 5.0
"""So long a training waits for a judgement that was begun before it: a round may wait no longer for
its last seats."""

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
    the round; the next one has a new process, in which nothing is left of it."""

    def __init__(self, enrol: Enrol, hosting: Hosting | None = None) -> None:
        self._enrol = enrol
        self._hosting = hosting or Hosting()
        self._told_at = monotonic()
        self._is_spent = False
        self._enrolling: list[Pending] = []
        self._running: dict[tuple[Key, RoundId], Pending] = {}
        self._begun: dict[tuple[Key, RoundId], float] = {}
        self._jobs: dict[tuple[Key, RoundId], tuple[Seat, Job]] = {}
        self._judgement: Pending | None = None
        self._given_up = 0
        self._skips = 0
        self.tally = Tally()
        self._obedience = Obedience()
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

    def connections(self) -> list[object]:
        """Return what to wait for: nothing where nothing is asked. A process that has died would be
        readable for ever."""
        return [self._process.connection] if self._process.is_busy else []

    def start(self, seat: Seat, parent: Key, job: Job) -> None:
        if (parent, job.round_id) in self._running:
            return
        self._renew()
        if not self._running:
            self._told_at = monotonic()
        self._begun[parent, job.round_id] = monotonic()
        self._jobs[parent, job.round_id] = seat, job
        self._running[parent, job.round_id] = self._process.train(seat, job)

    def find(self, seat: Seat, parent: Key, round_id: RoundId) -> Fit | Failed | None:
        self._process.poll()
        self._prefer_training()
        pending = self._running.get((parent, round_id))
        if pending is None:
            return None
        if not pending.is_done:
            self._tell_progress(seat, (parent, round_id))
            return None
        del self._running[parent, round_id], self._jobs[parent, round_id]
        seconds = monotonic() - self._begun.pop((parent, round_id))
        self.tally.seconds += seconds
        try:
            for before in self._enrolling:
                before.result()
            fit: Fit = pending.result()
        except Exception as error:  # noqa: BLE001 - a learner may raise anything
            self.tally.failed += 1
            LOG.error("seat=%d round=%d act=train error=%r", seat, round_id, str(error))
            self._is_spent = True
            return Failed()
        self.tally.trained += 1
        self._tell_work(f"seat={seat} round={round_id}", fit, seconds)
        return fit

    def judge(self, seat: Seat, payload: bytes, model_bits: int) -> Pending:
        """Ask how good a model is on what nobody trains on; answered when there is nothing to
        train. One that keeps a training waiting is given up, and so are the next 1, 2, 4 and so on,
        as often as that happens in a row: each time the learner has to begin anew."""
        if self._skips:
            self._skips -= 1
            return _refuse("a learner that judges in time", "one that was too slow before")
        self._renew()
        pending = self._judgement = self._process.ask_at_leisure(
            "evaluate", (int(seat), payload, model_bits)
        )
        self._process.take_leisure()
        return pending

    def poll(self) -> None:
        """Take the answers that are there; a process that has died with nothing to do is started
        anew, or it would be found when it is needed. One that failed is renewed when it is asked
        again, or a learner that cannot begin would be started for ever."""
        self._process.poll()
        self._prefer_training()
        if self._process.is_busy or self._process.is_alive or not self._is_fit:
            return
        LOG.warning("act=revive error='the process of the learner has ended'")
        self._is_spent = True
        self._renew()

    def _prefer_training(self) -> None:
        """End a judgement that a training has waited for too long, and train in a new process."""
        judgement = self._judgement
        if judgement is None:
            return
        if judgement.is_done:
            self._judgement = None
            self._given_up = 0 if judgement.error is None else self._given_up
            return
        now = monotonic()
        # One that is done waits for nothing, however long it took: it is not trained again.
        waiting = [name for name, pending in self._running.items() if not pending.is_done]
        if not self._process.is_busy_with(judgement) or not any(
            now - self._begun[name] >= JUDGEMENT_SECONDS for name in waiting
        ):
            return
        self._judgement = None
        self._skips, self._given_up = 2**self._given_up, self._given_up + 1
        LOG.warning(
            "act=judge error='a training waits: ended after %.0f s' skips=%d",
            *(JUDGEMENT_SECONDS, self._skips),
        )
        self._process.end()
        judgement.error = _refuse("an answer before the next training", "none in time").error
        self._process = LearnerProcess(self._hosting)
        self._enrolling = self._enrol(self._process)
        for name in waiting:
            self._running[name] = self._process.train(*self._jobs[name])

    @property
    def _is_fit(self) -> bool:
        """Whether nothing that was asked of this process has failed."""
        return not self._is_spent and all(each.error is None for each in self._enrolling)

    def _renew(self) -> None:
        """Start anew after a failure: what was half done or never freed is gone with its process.

        Not before what was asked beside it is answered. Nobody waits for the learner to begin: one
        that does not even do that fails this training too, and is tried again with the next.
        """
        if self._is_fit or self._process.is_busy:
            return
        self._process.close()
        self._process = LearnerProcess(self._hosting)
        self._enrolling = self._enrol(self._process)
        self._is_spent = False

    def _tell_progress(self, seat: Seat, name: tuple[Key, RoundId]) -> None:
        now = monotonic()
        if now - self._told_at < PROGRESS_SECONDS:
            return
        self._told_at = now
        seconds, says = now - self._begun[name], self._process.describe_progress()
        LOG.info("seat=%d round=%d act=train seconds=%.0f says=%r", seat, name[1], seconds, says)

    def _tell_work(self, name: str, fit: Fit, seconds: float) -> None:
        """Tell what was done where that is fitted into a time, and once if it is not done so."""
        asked = fit.metrics.get(ASKED)
        if asked is None:
            return
        work = f"samples={fit.samples} steps={fit.steps} asked={asked}"
        LOG.info("%s act=train %s seconds=%.1f", name, work, seconds)
        complaint = self._obedience.judge(asked, fit.steps)
        if complaint is not None:
            LOG.warning("%s act=train error=%r", name, complaint)

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
        process = LearnerProcess(self._hosting)
        try:
            for pending in self._enrol(process):
                process.settle(pending)
        except BaseException:
            process.close()
            raise
        return process


def _refuse(expected: str, got: str) -> Pending:
    """Return a judgement that will not be."""
    refused = Pending()
    refused.error, refused.is_done = WorkerFailed("learner: evaluate", expected, got), True
    return refused
