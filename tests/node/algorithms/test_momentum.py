"""Client momentum: the recursion, and what it is for: less variance in what a peer sends."""

import numpy as np
from algorithms_lab import LAYOUT, D, Federation, Quadratic, draw_peers, stand

from node.algorithms.fedavg import FedAvg
from node.algorithms.momentum import Momentum


class Noisy(Quadratic):
    """Stands at its optimum, and is told otherwise by a small batch."""

    def fit(self, parameters, config):
        noise = np.random.default_rng(config["round"]).normal(size=D)
        return LAYOUT.unflatten(LAYOUT.flatten(parameters) + noise), 1, {"steps": 1}


def test_run__beta_0__is_federated_averaging_to_the_bit():
    heads = [Federation(draw_peers(), each).run(5) for each in (Momentum(0.0), FedAvg())]
    assert heads[0].tobytes() == heads[1].tobytes()


def test_fit__rounds__send_the_running_mean_that_begins_with_the_first_step():
    federation = Federation(draw_peers(count=1), Momentum(0.75))
    expected, head = None, np.zeros(D)
    for _ in range(5):
        step = Federation(draw_peers(count=1), FedAvg()).train(0, 1, head) - head
        expected = step if expected is None else 0.25 * step + 0.75 * expected
        head = head + expected
        np.testing.assert_allclose(federation.run(1), head, atol=1e-14)


def test_fit__noise__is_less_by_the_rate_of_a_running_mean():
    def spread(algorithm):
        federation = Federation([Noisy(np.eye(D), np.zeros(D))], algorithm)
        sent = [federation.train(0, n, np.full(D, n), stand(n)) - n for n in range(1, 400)]
        return float(np.var(sent[50:]))

    # (1 - beta) / (1 + beta) of the variance.
    assert 0.03 < spread(Momentum(0.9)) / spread(FedAvg()) < 0.08
