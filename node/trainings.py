"""Which trainings of a peer go on, and which failed and when they are tried again."""

import logging

from chain.types import RoundId, Seat
from node.action import Target
from node.timestamp import write_time
from node.training import Failed, Fit, Job, Trainer

LOG = logging.getLogger("holdfast.peer")


class Trainings:
    """One seat's trainings, by what they are for. Times are unix seconds."""

    def __init__(self, trainer: Trainer, seat: Seat, *, retry_seconds: int) -> None:
        self._trainer = trainer
        self._seat = seat
        self._retry_seconds = retry_seconds
        self._going_on: set[Target] = set()
        self._failed: dict[Target, int] = {}

    def start(self, target: Target, job: Job) -> None:
        """Begin."""
        self._failed = {t: at for t, at in self._failed.items() if t[1] >= target[1]}
        self._trainer.start(self._seat, target[0], job)
        self._going_on.add(target)

    def waiting(self, now: int) -> frozenset[Target]:
        """Return those that need no start: they go on, or failed a while ago at most. Nothing else
        need come of a round for which everybody's training failed."""
        return frozenset(self._going_on | {t for t, at in self._failed.items() if now < at})

    def again_at(self, now: int) -> int | None:
        """Return when the next one may be tried again; None: none waits for that."""
        return min((at for at in self._failed.values() if now < at), default=None)

    def collect(self, now: int, open_round: RoundId | None = None) -> list[tuple[Target, Fit]]:
        """Return what has come of any, and take it as going on until `end`. `open_round`: to which
        others may commit now; None: to none."""
        found = []
        for target in sorted(self._going_on):
            fit = self._trainer.find(self._seat, *target)
            if isinstance(fit, Failed):
                self._going_on.discard(target)
                self._failed[target] = now + self._retry_seconds
                self._tell_next(target, is_open=target[1] == open_round)
            elif fit is not None:
                found.append((target, fit))
        return found

    def _tell_next(self, target: Target, *, is_open: bool) -> None:
        """Say what comes after a failure. A round that is open ends before the next try."""
        again = write_time(self._failed[target])
        after = (
            "this round goes on without this peer, which trains again in the next"
            if is_open
            else f"trains again at {again}, or in the next round"
        )
        LOG.warning("seat=%d round=%d act=train next=%r", self._seat, target[1], after)

    def end(self, target: Target) -> None:
        """Forget one whose update is kept."""
        self._going_on.discard(target)
