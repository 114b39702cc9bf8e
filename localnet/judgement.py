"""How good a head is where each peer has test data of its own: what they find, by their samples."""

import math
from collections.abc import Sequence
from typing import Any

from node.learning.process import Answer

_Judgement = tuple[float, int, dict[str, Any]]


class JointJudgement:
    """The judgements of several peers as one. Who fails to judge is left out; nobody is left: the
    loss is no number."""

    def __init__(self, judgements: Sequence[Answer]) -> None:
        self._judgements = judgements

    @property
    def is_done(self) -> bool:
        return all(each.is_done for each in self._judgements)

    def result(self) -> _Judgement:
        """Return loss, samples and metrics: means over all samples that were judged."""
        found = [each for each in map(_take, self._judgements) if each is not None]
        samples = sum(each[1] for each in found)
        if not samples:
            return math.nan, 0, {}
        loss = sum(each[0] * each[1] for each in found) / samples
        told: dict[str, Any] = {}
        if all("accuracy" in each[2] for each in found):
            told["accuracy"] = sum(each[2]["accuracy"] * each[1] for each in found) / samples
        by_class = _join_classes(found)
        if by_class:
            told["accuracy_by_class"] = by_class
        return loss, samples, told


def _join_classes(found: Sequence[_Judgement]) -> dict[str, float]:
    """Return the mean accuracy of each class over the judgements that tell it.

    Each counts by all of its samples: how many of them are of the class it does not tell.
    """
    sums: dict[str, tuple[float, int]] = {}
    for _, samples, metrics in found:
        for name, accuracy in metrics.get("accuracy_by_class", {}).items():
            so_far, weight = sums.get(name, (0.0, 0))
            sums[name] = so_far + accuracy * samples, weight + samples
    return {name: total / weight for name, (total, weight) in sums.items() if weight}


def _take(judgement: Answer) -> _Judgement | None:
    try:
        loss, samples, metrics = judgement.result()
    except Exception:  # noqa: BLE001 - a learner may raise anything; its seat judges nothing
        return None
    return loss, samples, metrics
