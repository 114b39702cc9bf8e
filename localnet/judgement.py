"""How good a head is where each peer has test data of its own: what they find, by their samples."""

import math
from collections.abc import Sequence
from typing import Any

from node.learning.process import Answer


class JointJudgement:
    """The judgements of several peers as one. Who fails to judge is left out; nobody is left: the
    loss is no number."""

    def __init__(self, judgements: Sequence[Answer]) -> None:
        self._judgements = judgements

    @property
    def is_done(self) -> bool:
        return all(each.is_done for each in self._judgements)

    def result(self) -> tuple[float, int, dict[str, Any]]:
        """Return loss, samples and metrics: means over all samples that were judged."""
        found = [each for each in map(_take, self._judgements) if each is not None]
        samples = sum(each[1] for each in found)
        if not samples:
            return math.nan, 0, {}
        loss = sum(each[0] * each[1] for each in found) / samples
        if any("accuracy" not in each[2] for each in found):
            return loss, samples, {}
        accuracy = sum(each[2]["accuracy"] * each[1] for each in found) / samples
        return loss, samples, {"accuracy": accuracy}


def _take(judgement: Answer) -> tuple[float, int, dict[str, Any]] | None:
    try:
        loss, samples, metrics = judgement.result()
    except Exception:  # noqa: BLE001 - a learner may raise anything; its seat judges nothing
        return None
    return loss, samples, metrics
