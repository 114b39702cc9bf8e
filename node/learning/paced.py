"""A learner whose local work is fitted into a time: it stands around whatever else there is."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from node.learning.config import LOCAL_STEPS
from node.learning.errors import StateRefused
from node.learning.hosting import PACE
from node.learning.learner import Config, Learner, Metrics, Parameters
from node.learning.pace import Pace
from node.whole_file import write_whole

ASKED = "holdfast.asked_steps"
"""Among the metrics: the steps that were asked for."""


class Paced:
    """A `Learner` around one of the same arrays, which tells it by `local_steps` how much to do in
    `budget_seconds`, and measures by `clock` (seconds, from anywhere) what that took.

    The metrics of `fit` have ASKED added. `notes`: the folder in which the pace lasts;
    None: it ends with the process. Raises StateRefused.
    """

    def __init__(
        self,
        learner: Learner,
        budget_seconds: float,
        notes: Path | None,
        clock: Callable[[], float],
    ) -> None:
        self._learner = learner
        self._budget_seconds = budget_seconds
        self._notes = notes
        self._clock = clock
        self._pace = read_pace(notes)

    def get_parameters(self, config: Config) -> Parameters:
        return self._learner.get_parameters(config)

    def fit(self, parameters: Parameters, config: Config) -> tuple[Parameters, int, Metrics]:
        asked, pace = self._pace.choose(self._budget_seconds), self._pace
        # Found by the next process if this one does not outlive the training.
        write_pace(self._notes, pace.begin(asked))
        began_at = self._clock()
        try:
            result = self._learner.fit(parameters, {**config, LOCAL_STEPS: asked})
            seconds = self._clock() - began_at
            arrays, samples, metrics = result
            steps = _count_steps(metrics)
            if steps:
                pace = pace.add(steps, seconds)
        finally:
            self._pace = pace
            write_pace(self._notes, pace)
        if isinstance(metrics, Mapping):
            metrics = {**metrics, ASKED: asked}
        return arrays, samples, metrics

    def evaluate(self, parameters: Parameters, config: Config) -> tuple[float, int, Metrics]:
        return self._learner.evaluate(parameters, config)


def read_pace(notes: Path | None) -> Pace:
    """Return the pace that was kept; a new one where none was. Raises StateRefused."""
    path = None if notes is None else notes / PACE
    if path is None or not path.exists():
        return Pace()
    try:
        return Pace.from_dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise StateRefused(f"{path}", "a learner's pace (or no such file)", reason) from error


def write_pace(notes: Path | None, pace: Pace) -> None:
    """Keep a pace; the file appears whole or not at all. Raises OSError."""
    if notes is None:
        return
    notes.mkdir(parents=True, exist_ok=True)
    write_whole(notes / PACE, json.dumps(pace.to_dict()).encode())


def _count_steps(metrics: object) -> int:
    """Return the steps that a learner tells; 0 where it tells none (what is no count is refused
    where it becomes a claim)."""
    steps: Any = metrics.get("steps") if isinstance(metrics, Mapping) else None
    is_count = isinstance(steps, int) and not isinstance(steps, bool)
    return max(0, int(steps)) if is_count else 0
