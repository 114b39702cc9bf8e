"""How good a head is where each peer has test data of its own: what they find, by their samples."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from node.learning.process import Answer

LOG = logging.getLogger("holdfast.learner")

_Judgement = tuple[float, int, dict[str, Any]]


class JointJudgement:
    """The judgements of several peers, by seat, as one. Who fails to judge is left out, and told of
    in a line; nobody is left: the loss is no number."""

    def __init__(self, judgements: Mapping[int, Answer]) -> None:
        self._judgements = judgements
        self._joined: _Judgement | None = None

    @property
    def is_done(self) -> bool:
        return all(each.is_done for each in self._judgements.values())

    def result(self) -> _Judgement:
        """Return loss, samples and metrics: means over all samples that were judged."""
        # Asked for again, it tells nobody's failure again.
        if self._joined is None:
            self._joined = self._join()
        return self._joined

    def _join(self) -> _Judgement:
        taken = [_take(seat, judgement) for seat, judgement in self._judgements.items()]
        found = [each for each in taken if each is not None]
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


def _take(seat: int, judgement: Answer) -> _Judgement | None:
    try:
        loss, samples, metrics = judgement.result()
    except Exception as error:  # noqa: BLE001 - a learner may raise anything
        LOG.error("seat=%d act=judge error=%r", seat, str(error))
        return None
    return loss, samples, metrics
