"""Time: a queue of what is to happen, and clocks that are not quite right."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random

START = 1_700_000_000
"""An arbitrary moment, the same for every seed."""


class Schedule:
    """Everything that happens, in order of time (whole unix seconds); what falls on the same second
    happens in an order of the seed's choosing."""

    def __init__(self, generator: Random) -> None:
        self.now = START
        self._generator = generator
        self._queue: list[tuple[int, float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, moment: int, action: Callable[[], None]) -> None:
        """Let something happen at `moment`, or now where that is past."""
        self._count += 1
        place = self._generator.random()
        heapq.heappush(self._queue, (max(moment, self.now), place, self._count, action))

    def after(self, seconds: int, action: Callable[[], None]) -> None:
        """Let something happen in so many seconds."""
        self.at(self.now + seconds, action)

    def run(self, until: int, is_over: Callable[[], bool] = lambda: False) -> None:
        """Let happen what is due before `until`, or until it is over."""
        while self._queue and self._queue[0][0] < until and not is_over():
            moment, _, _, action = heapq.heappop(self._queue)
            self.now = moment
            action()
        if not is_over():
            self.now = max(self.now, until)


class LocalClock:
    """One machine's clock: `skew` seconds ahead, and later by `busy` after slow work in this very
    step."""

    ASKED_AT_MOST = 20_000
    """In one step; whoever asks more often is going round in circles."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.skew = 0
        self.busy = 0
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        assert self.asked < self.ASKED_AT_MOST, "a step never ends"
        return self._schedule.now + self.skew + self.busy
