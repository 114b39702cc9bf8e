"""A learner of one's own: linear regression by gradient steps, combined by the integer rule.

Three peers hold different rows of one table; none of them sees another's. The head approaches the
line y = 2 x1 - x2 + 0.5 that all rows follow.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chain.types import RoundId, Seat, Wei
from node.encoding import Layout, decode_model, encode_model, update_from_payload
from node.merkle import MODEL_TAG
from node.rule.aggregate import aggregate
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting
from node.training import Course, Job, train

Arrays = list[NDArray[Any]]


class LinearRegression:
    """Least squares by plain gradient steps."""

    def __init__(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        self.x, self.y = x, y

    def get_parameters(self, config: dict[str, Any]) -> Arrays:
        return [np.zeros(self.x.shape[1]), np.zeros(1)]

    def fit(self, parameters: Arrays, config: dict[str, Any]) -> tuple[Arrays, int, dict[str, Any]]:
        slope, offset = parameters
        for _ in range(20):
            error = self.x @ slope + offset - self.y
            slope = slope - 0.1 * self.x.T @ error / len(self.y)
            offset = offset - 0.1 * error.mean()
        return [slope, offset], len(self.y), {"steps": 20}

    def evaluate(
        self, parameters: Arrays, config: dict[str, Any]
    ) -> tuple[float, int, dict[str, Any]]:
        error = self.x @ parameters[0] + parameters[1] - self.y
        return float(np.square(error).mean()), len(self.y), {}


if __name__ == "__main__":
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(90, 2))
    labels = rows @ np.array([2.0, -1.0]) + 0.5
    learners = [LinearRegression(rows[i::3], labels[i::3]) for i in range(3)]

    layout = Layout.from_arrays(learners[0].get_parameters({}), ["slope", "offset"])
    rule = Rule(Weighting.EQUAL, Selection.NONE, 0, 0, 0, 2, 14, 20)
    members = [Member(Seat(i), Wei(1), 30) for i in range(3)]
    head = encode_model(layout.flatten(learners[0].get_parameters({})), rule.model_bits)
    for number in range(1, 9):
        updates = []
        for peer, learner in enumerate(learners):
            course = Course(layout, rule, seed=0, entropy=peer)
            fit = train(learner, course, Job(RoundId(number), head, MODEL_TAG))
            updates.append(update_from_payload(fit.payload, layout.coordinates, rule.update_bytes))
        head = aggregate(rule, Roll(Wei(3), 3), members, head, updates).model
    slope, offset = layout.unflatten(decode_model(head, rule.model_bits))
    print(f"slope {slope.round(3)}, offset {offset.round(3)}")
