"""ADMM: the consensus is the optimum of the sum, in floats and through the integers."""

import numpy as np
import pytest
from algorithms_lab import LAYOUT, D, Federation, Quadratic, draw_peers, find_optimum, stand

from node.algorithms.admm import Admm
from node.encoding import decode_model, encode_model, update_from_payload
from node.rule.parameters import Rule, Selection, Weighting
from node.training import Course, Job, train

UPDATE_BITS, MODEL_BITS = 10, 20


class Solved(Quadratic):
    """Solves its part exactly."""

    def fit(self, parameters, config):
        z, y = LAYOUT.flatten(parameters), LAYOUT.flatten(config["linear"])
        rho = config["proximal_mu"]
        matrix = self.matrix + rho * np.eye(D)
        x = np.linalg.solve(matrix, self.matrix @ self.target - y + rho * z)
        return LAYOUT.unflatten(x), self.samples, {}


def draw_solved(seed=0):
    return [Solved(peer.matrix, peer.target) for peer in draw_peers(seed)]


def run_textbook(peers, rounds, rho):
    """Section 7.1 as it stands there, with multipliers that are kept and added to."""
    z, y = np.zeros(D), [np.zeros(D) for _ in peers]
    for _ in range(rounds):
        x = [
            np.linalg.solve(p.matrix + rho * np.eye(D), p.matrix @ p.target - y_i + rho * z)
            for p, y_i in zip(peers, y, strict=True)
        ]
        z = np.mean([x_i + y_i / rho for x_i, y_i in zip(x, y, strict=True)], axis=0)
        y = [y_i + rho * (x_i - z) for x_i, y_i in zip(x, y, strict=True)]
    return z


@pytest.mark.parametrize("rho", [0.5, 2.0])
def test_run__beside_the_textbooks_form__is_the_same(rho):
    federation = Federation(draw_solved(), Admm(rho))
    np.testing.assert_allclose(federation.run(12), run_textbook(draw_solved(), 12, rho), atol=1e-10)


def test_run__weights__reaches_the_optimum_of_the_weighted_sum():
    peers, weights = draw_solved(), np.array([0.1, 0.2, 0.3, 0.4])
    head = Federation(peers, Admm(1.0), weights).run(80)
    np.testing.assert_allclose(head, find_optimum(peers, weights), atol=1e-9)


def test_run__a_learner_that_only_steps_towards_it__reaches_the_optimum_too():
    peers = draw_peers(steps=20)
    head = Federation(peers, Admm(1.0)).run(150)
    np.testing.assert_allclose(head, find_optimum(peers), atol=1e-6)


def test_train__integers__settle_within_about_a_unit_of_the_optimum():
    peers = draw_solved()
    rule = Rule(Weighting.EQUAL, Selection.NONE, 0, 0, 0, 2, UPDATE_BITS, MODEL_BITS)
    federation = Federation(peers, Admm(1.0))
    head, heads = encode_model(np.zeros(D), MODEL_BITS), []
    for number in range(1, 121):
        job = Job(number, head, b"\x01" * 32, stand(number))
        sent = [train(federation.guide(i), Course(LAYOUT, rule, 0, i), job) for i in range(4)]
        updates = [update_from_payload(each.payload, D, 2).astype(float) for each in sent]
        moved = np.mean(updates, axis=0) * 2.0 ** (MODEL_BITS - UPDATE_BITS)
        head = (head + np.rint(moved)).astype(np.int32)
        heads.append(decode_model(head, MODEL_BITS))
    errors = [np.linalg.norm(each - find_optimum(peers)) for each in heads[-40:]]
    assert np.max(errors) < 1.5 * 2.0**-UPDATE_BITS
