"""FedProx beside federated averaging, and beside what its equation has as its solution."""

import numpy as np
import pytest
from algorithms_lab import Federation, draw_peers

from node.algorithms.errors import AlgorithmRefused
from node.algorithms.fedavg import FedAvg
from node.algorithms.fedprox import FedProx
from node.data.sources import load
from node.learning.catalogue import build_learner


def test_run__mu_0__is_federated_averaging_to_the_bit():
    heads = [Federation(draw_peers(), each).run(5) for each in (FedProx(0.0), FedAvg())]
    assert heads[0].tobytes() == heads[1].tobytes()


def test_run__one_peer_alone__is_plain_training():
    federation = Federation(draw_peers(count=1, steps=1), FedProx(0.3))
    alone = Federation(draw_peers(count=1, steps=7), FedAvg())
    # One step a round: the head is always where the training is.
    np.testing.assert_allclose(federation.run(7), alone.run(1), rtol=1e-12)


def test_fit__trained_out__is_where_loss_and_distance_balance():
    peer = draw_peers(steps=3000)[0]
    federation, head = Federation([peer], FedProx(0.7)), np.array([3.0, -2.0, 1.0])
    found = federation.train(0, 1, head)
    matrix = peer.matrix + 0.7 * np.eye(3)
    expected = np.linalg.solve(matrix, peer.matrix @ peer.target + 0.7 * head)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["softmax", "mlp"])
@pytest.mark.parametrize("mu", [0.0, 0.5])
def test_fit__a_built_in_learner__takes_the_steps_of_the_equation(name, mu):
    """With one batch a step, in float64 by a gradient that is had from the learner itself."""
    dataset = load("breast_cancer")
    rate, steps = 0.05, 4
    options = {"batch_size": dataset.samples, "learning_rate": rate}
    one, more = (
        build_learner(name, {**options, "epochs": epochs}, train=dataset) for epochs in (1, steps)
    )
    generator = np.random.default_rng(3)
    head = [
        (a + generator.normal(size=a.shape) / 10).astype(np.float32)
        for a in one.get_parameters({"seed": 1})
    ]
    linear = [generator.normal(size=a.shape).astype(np.float32) for a in head]
    config = {"seed": 1, "round": 2}
    found, _, _ = more.fit(head, {**config, "proximal_mu": mu, "linear": linear})
    w = head
    for _ in range(steps):
        moved, _, _ = one.fit(w, config)
        w = [
            (m - rate * (c + mu * (v - a))).astype(np.float32)
            for m, c, v, a in zip(moved, linear, w, head, strict=True)
        ]
    for a, b in zip(found, w, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


@pytest.mark.parametrize("mu", [-0.1, float("nan"), float("inf"), True, "much", None])
def test_init__no_such_mu__is_refused(mu):
    with pytest.raises(AlgorithmRefused, match="algorithm fedprox: mu: expected a number of at le"):
        FedProx(mu)
