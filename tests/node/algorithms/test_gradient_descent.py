"""One step of each, weighted by samples, is a step on all data together."""

import numpy as np
import pytest
from algorithms_lab import LAYOUT, Federation, draw_peers

from node.algorithms.gradient_descent import GradientDescent
from node.algorithms.guided import Guided
from node.data.sources import load
from node.encoding import Layout
from node.learning.catalogue import build_learner
from node.learning.context import State

ROUNDS = 4


@pytest.mark.parametrize("name", ["softmax", "mlp"])
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_run__weighted_by_samples__is_gradient_descent_on_all_data(name, l2):
    dataset = load("breast_cancer")
    # The centralised one: a single batch of everything, by the usual training.
    options = {"batch_size": dataset.samples, "learning_rate": 0.2, "l2": l2}
    central = build_learner(name, options, train=dataset)
    parts = np.split(np.arange(dataset.samples), [50, 180])
    peers = []
    for at, part in enumerate(parts):
        learner = build_learner(
            name, {"learning_rate": 0.2, "l2": l2}, train=dataset.take(part), partition=at
        )
        layout = Layout.from_arrays(learner.get_parameters({"seed": 4}))
        peers.append(Guided(learner, GradientDescent(), layout, State()))
    head = expected = central.get_parameters({"seed": 4})
    for number in range(1, ROUNDS + 1):
        config = {"seed": 4, "round": number}
        expected, _, _ = central.fit(expected, config)
        found = [peer.fit(head, config) for peer in peers]
        assert [metrics["steps"] for _, _, metrics in found] == [1, 1, 1]
        head = [
            np.average(np.stack(arrays), axis=0, weights=[n for _, n, _ in found]).astype("f4")
            for arrays in zip(*(arrays for arrays, _, _ in found), strict=True)
        ]
    moved = [
        np.abs(a - b).max()
        for a, b in zip(expected, central.get_parameters({"seed": 4}), strict=True)
    ]
    assert max(moved) > 0.05
    for a, b in zip(head, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-6)


def test_run__quadratic_losses__steps_by_the_mean_gradient():
    peers, head = draw_peers(steps=50), np.zeros(3)
    federation = Federation(peers, GradientDescent())
    for _ in range(5):
        head = head - 0.05 * np.mean([p.matrix @ (head - p.target) for p in peers], axis=0)
    np.testing.assert_allclose(federation.run(5), head, atol=1e-15)
    assert LAYOUT.coordinates == 3
