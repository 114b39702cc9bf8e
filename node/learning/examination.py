"""A model before one peer's own rows: judged as they are, class by class, and with one column
shuffled.

Permutation importance (Breiman 2001) as scikit-learn defines it: what the score loses when the
values of a column are dealt anew to the rows. The score is the accuracy, or where there is none the
negative loss. The same seed gives the shuffles of scikit-learn's `permutation_importance`, one
worker's, and the same for all columns, so that their order does not matter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset

Judge = Callable[[Dataset | None], tuple[float, int, dict[str, Any]]]
"""Loss, samples and metrics of the model on some rows; None: those that its learner brings."""


@dataclass(frozen=True)
class Judged:
    """What a model is worth on `samples` rows. None: its learner does not say."""

    samples: int | None
    loss: float | None
    accuracy: float | None


@dataclass(frozen=True)
class ClassJudged:
    """One class (of a number that is learned: one tenth of it): how many rows the peer trains on,
    None: that is not known here, and what the model is worth on those held out; None: there are
    none."""

    name: str
    trained: int | None
    judged: Judged | None


@dataclass(frozen=True)
class Examined:
    """`columns`: whose importance can be asked for, in order; none where `reason` says why."""

    whole: Judged
    classes: tuple[ClassJudged, ...]
    columns: tuple[str, ...]
    reason: str | None


class Examination:
    """One model and one peer's rows. `train` and `test` None: the learner brings its own."""

    def __init__(self, judge: Judge, train: Dataset | None, test: Dataset | None) -> None:
        self._judge = judge
        self._train = train
        self._test = test
        self._loss, self._samples, self._metrics = judge(test)

    def describe(self) -> Examined:
        """Return what the model is worth, in all and by class."""
        whole = Judged(self._samples, self._loss, self._metrics.get("accuracy"))
        if self._test is None or self._train is None:
            reason = "its learner brings its own data, whose columns are not known here"
            return Examined(whole, self._read_classes(), (), reason)
        classes = self._judge_classes(self._train, self._test)
        if classes is None:
            reason = "its learner judges on other rows than those that it was given"
            return Examined(whole, self._read_classes(), (), reason)
        names = tuple(name for name, _ in self._test.group_columns())
        return Examined(whole, classes, names, None)

    def shuffle(self, column: int, repeat: int, seed: int) -> float:
        """Return what the score loses by one of the shuffles that a seed gives, the first being
        0."""
        assert self._test is not None, "only columns that were told are asked for"
        _, places = self._test.group_columns()[column]
        random = np.random.RandomState(seed)
        order = np.arange(self._test.samples)
        rows = self._test.features[:, list(places)]
        # Each goes on where the last has left the rows. To deal again costs next to nothing beside
        # a judgement, and nothing has to be remembered between two of them.
        for _ in range(repeat + 1):
            random.shuffle(order)
            rows = rows[order]
        return self._measure_drop(list(places), rows)

    def _measure_drop(self, places: list[int], rows: NDArray[Any]) -> float:
        assert self._test is not None, "it is shuffled"
        if np.array_equal(rows, self._test.features[:, places]):
            return 0.0
        features = self._test.features.copy()
        features[:, places] = rows
        loss, _, metrics = self._judge(replace(self._test, features=features))
        own, other = self._metrics.get("accuracy"), metrics.get("accuracy")
        if own is None or other is None:
            return float(loss - self._loss)
        return float(own - other)

    def _judge_classes(self, train: Dataset, test: Dataset) -> tuple[ClassJudged, ...] | None:
        """Return the judgement of each class; None: the learner judges on other rows."""
        if self._samples != test.samples:
            return None
        counts = train.class_counts()
        found = []
        for label, name in enumerate(test.classes):
            chosen = np.flatnonzero(test.labels == label)
            judged = None
            if chosen.size:
                loss, samples, metrics = self._judge(test.take(chosen))
                if samples != chosen.size:
                    return None
                judged = Judged(samples, loss, metrics.get("accuracy"))
            found.append(ClassJudged(name, int(counts[label]), judged))
        return tuple(found)

    def _read_classes(self) -> tuple[ClassJudged, ...]:
        """Return what the learner itself says by class: how good, but not of how many."""
        said = self._metrics.get("accuracy_by_class")
        if not isinstance(said, dict):
            return ()
        return tuple(
            ClassJudged(str(name), None, Judged(None, None, float(accuracy)))
            for name, accuracy in said.items()
        )


def summarise_drops(drops: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation of what the score has lost.

    >>> summarise_drops([0.25, 0.75])
    (0.5, 0.25)
    """
    return float(np.mean(drops)), float(np.std(drops))
