"""How much local work fits into a time: pure arithmetic over the last trainings of one machine.

    a = seconds / steps of a training      wanted = seconds to spend / max(last a, median of last a)

Slower is believed at once and faster when it lasts, so that a training is late once at most; a
stall costs the next training its size and no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median_low
from typing import Any

FIRST_STEPS = 10
"""Of a machine that nobody has measured: so few are in time unless a step takes minutes."""
WINDOW = 3
"""Trainings that are looked at: the middle one of three is not led by one that was odd."""
GROWTH = 30
"""A training is at most so many times the last: what was measured on little says little of much."""
DEADLINE_SHARE = 0.5
"""Of the time in which an update must be committed: the rest is for what a forecast misses, and for
sending."""
FAR = 2
"""Steps that are so many times those asked for, or one in so many, were not made as asked. Whole
epochs instead of steps are within it where an epoch fits the time."""
ASTRAY = 2
"""So often in a row is no accident."""


@dataclass(frozen=True)
class Pace:
    """`measured`: (steps, seconds) of the last trainings, the newest last. `unfinished`: the steps
    of one that ended with its process: killed for its time, say.

    >>> Pace().add(10, 0.5).choose(3.0)
    60
    """

    measured: tuple[tuple[int, float], ...] = ()
    unfinished: int | None = None

    def begin(self, steps: int) -> "Pace":
        """Return what is to be found if the training does not end."""
        return replace(self, unfinished=steps)

    def add(self, steps: int, seconds: float) -> "Pace":
        """Return the pace after a training of so many steps, at least 1."""
        assert steps >= 1, "a training without steps measures nothing"
        return Pace((*self.measured, (steps, max(0.0, seconds)))[-WINDOW:])

    def choose(self, budget_seconds: float) -> int:
        """Return the steps that take so long, at least 1."""
        steps = self._fit(budget_seconds) if self.measured else FIRST_STEPS
        if self.unfinished is not None:
            steps = min(steps, self.unfinished // 2)
        return max(1, steps)

    def _fit(self, budget_seconds: float) -> int:
        most = GROWTH * self.measured[-1][0]
        paces = [seconds / steps for steps, seconds in self.measured]
        pace = max(paces[-1], median_low(paces))
        # A clock may be too coarse for so little.
        return min(most, int(budget_seconds / pace)) if pace * most > budget_seconds else most

    def to_dict(self) -> dict[str, Any]:
        """Return it in values that JSON has."""
        return {"measured": [list(each) for each in self.measured], "unfinished": self.unfinished}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "Pace":
        """Return what `to_dict` wrote. Raises ValueError, TypeError or KeyError."""
        measured = tuple((int(steps), float(seconds)) for steps, seconds in entries["measured"])
        unfinished = entries["unfinished"]
        if any(steps < 1 or not 0 <= seconds < float("inf") for steps, seconds in measured):
            raise ValueError("steps below 1 or seconds below 0")
        return cls(measured[-WINDOW:], None if unfinished is None else int(unfinished))


def cap_budget(wanted_seconds: float, commit_seconds: float, limit_seconds: float | None) -> float:
    """Return for how long to train: never so long that the commitment would be late, or that the
    process would be ended (`limit_seconds`; None: it never is)."""
    deadlines = [commit_seconds, *([] if limit_seconds is None else [limit_seconds])]
    return min(wanted_seconds, DEADLINE_SHARE * min(deadlines))


class Obedience:
    """Whether a learner makes the steps that it is asked for."""

    def __init__(self) -> None:
        self._astray = 0

    def judge(self, asked: int, steps: int) -> str | None:
        """Return what there is to complain of; once, and then never again."""
        if self._astray >= ASTRAY:
            return None
        is_near = asked <= FAR * steps and steps <= FAR * asked
        self._astray = 0 if is_near else self._astray + 1
        if self._astray < ASTRAY:
            return None
        told = f"{steps}" if steps else "none told"
        return (
            f"learner: steps: expected about config['local_steps'] ({asked}), got {told}: its work "
            "is not fitted into learner.train_seconds"
        )
