"""SCAFFOLD: no drift, and the same as its paper's form with a server that keeps c."""

from itertools import pairwise

import numpy as np
import pytest
from algorithms_lab import D, Federation, draw_peers, find_optimum, stand

from node.algorithms.errors import AlgorithmRefused
from node.algorithms.fedavg import FedAvg
from node.algorithms.guided import KEY, Guided
from node.algorithms.scaffold import CARRIED, Scaffold
from node.learning.memory import Memory

ROUNDS = 60


def run_paper(peers, rounds, steps, rate):
    """Algorithm 1 of the paper, as it stands there: the server keeps and sends c."""
    x, c, own = np.zeros(D), np.zeros(D), [np.zeros(D) for _ in peers]
    for _ in range(rounds):
        moves, changes = [], []
        for i, peer in enumerate(peers):
            y = x
            for _ in range(steps):
                y = y - rate * (peer.matrix @ (y - peer.target) - own[i] + c)
            plus = own[i] - c + (x - y) / (steps * rate)
            moves.append(y - x)
            changes.append(plus - own[i])
            own[i] = plus
        x = x + np.mean(moves, axis=0)
        c = c + np.mean(changes, axis=0)
    return x, own


def test_run__beside_the_papers_form__is_the_same():
    peers = draw_peers()
    federation = Federation(peers, Scaffold(10))
    head = federation.run(8)
    expected, own = run_paper(peers, 8, 10, 0.05)
    np.testing.assert_allclose(head, expected, atol=1e-12)
    for state, c_i in zip(federation.states, own, strict=True):
        np.testing.assert_allclose(Memory(state, KEY).latest()["own"], c_i, atol=1e-11)


def test_run__many_local_steps__is_at_the_optimum_where_averaging_is_not():
    peers = draw_peers(steps=30)
    optimum = find_optimum(peers)
    averaged = Federation(peers, FedAvg()).run(ROUNDS)
    controlled = Federation(peers, Scaffold(30)).run(ROUNDS)
    assert np.linalg.norm(averaged - optimum) > 0.02
    assert np.linalg.norm(controlled - optimum) < 1e-6


def test_run__unequal_work_and_weights__is_at_the_optimum_of_the_weighted_sum():
    peers, weights = draw_peers(), np.array([0.1, 0.2, 0.3, 0.4])
    for peer, steps in zip(peers, (3, 10, 20, 40), strict=True):
        peer.steps = steps
    optimum = find_optimum(peers, weights)
    head = Federation(peers, Scaffold(10), weights).run(ROUNDS)
    assert np.linalg.norm(head - optimum) < 1e-6
    assert np.linalg.norm(Federation(peers, FedAvg(), weights).run(ROUNDS) - optimum) > 0.02


def test_run__any_round__control_variates_have_the_mean_that_is_read_off_the_heads():
    federation = Federation(draw_peers(), Scaffold(10))
    for _ in range(6):
        before = federation.head
        after = federation.run(1)
        own = [Memory(state, KEY).latest()["own"] for state in federation.states]
        np.testing.assert_allclose(np.mean(own, axis=0), (before - after) / (10 * 0.05), atol=1e-12)


def run_without(federation, left_out):
    """Run a round whose mean leaves a member's update out."""
    members = [peer for peer in range(len(federation.peers)) if peer != left_out]
    sent = [federation.train(peer, 1, federation.head) for peer in range(len(federation.peers))]
    federation.agree(np.mean([sent[peer] for peer in members], axis=0))


def run_while_away(federation, away):
    """Run a round in which a member does not even train."""
    members = [peer for peer in range(len(federation.peers)) if peer != away]
    federation.agree(np.mean([federation.train(p, 1, federation.head) for p in members], axis=0))


@pytest.mark.parametrize("disturb", [run_without, run_while_away])
def test_run__rounds_that_leave_members_out__comes_back_to_the_optimum(disturb):
    federation = Federation(draw_peers(), Scaffold(10))
    for member in (0, 1, 1, 2):
        disturb(federation, member)
    disturbed = federation.run(20)
    optimum = find_optimum(federation.peers)
    # As far as averaging is: what is left of the disturbed rounds decides.
    assert np.linalg.norm(disturbed - optimum) > 0.01
    assert np.linalg.norm(federation.run(180) - optimum) < 1e-4


def test_run__after_a_disturbed_round__what_it_left_between_c_and_the_variates_dies_away():
    federation = Federation(draw_peers(), Scaffold(10))
    run_without(federation, 0)
    found = []
    for _ in range(4):
        before = federation.head
        common = (before - federation.run(1)) / (10 * 0.05)
        own = [Memory(state, KEY).latest()["own"] for state in federation.states]
        found.append(common - np.mean(own, axis=0))
    assert np.linalg.norm(found[0]) > 0.1
    for one, following in pairwise(found):
        np.testing.assert_allclose(following, CARRIED * one, atol=1e-12)


def test_run__one_peer_alone__is_plain_training():
    alone = Federation(draw_peers(count=1, steps=30), FedAvg()).run(1)
    np.testing.assert_allclose(
        Federation(draw_peers(count=1), Scaffold(10)).run(3), alone, atol=1e-12
    )


def test_fit__away_for_some_rounds__takes_the_mean_direction_of_these():
    federation = Federation(draw_peers(), Scaffold(10))
    federation.run(3)
    before, own = federation.head, Memory(federation.states[0], KEY)
    federation.train(0, 4, before)
    now = before - 0.6
    # Of the five rounds between two have lapsed.
    federation.train(0, 9, now, stand(3 + 3))
    linear = np.concatenate([a.ravel() for a in federation.peers[0].configs[-1]["linear"]])
    c = np.full(D, 0.6) / (3 * 10 * 0.05)
    c_i = own.recall(stand(3 + 3))["own"]
    np.testing.assert_allclose(linear, c - c_i, atol=1e-12)


@pytest.mark.parametrize(("told", "option", "found"), [(0.2, None, 0.2), (None, 0.3, 0.3)])
def test_init__a_rate__is_the_options_or_the_learners(told, option, found):
    federation = Federation(draw_peers(), Scaffold(10, option))
    federation.peers[0].learning_rate = told
    assert federation.guide(0)._rate == found


@pytest.mark.parametrize("told", [0, -1.0, "fast", True])
def test_init__a_rate_that_is_none__is_refused(told):
    federation = Federation(draw_peers(), Scaffold(10))
    federation.peers[0].learning_rate = told
    with pytest.raises(AlgorithmRefused, match="scaffold: learning_rate: expected a number above"):
        federation.guide(0)


def test_init__no_rate_at_all__is_refused():
    federation = Federation(draw_peers(), Scaffold(10))
    federation.peers[0].learning_rate = None
    with pytest.raises(AlgorithmRefused, match="scaffold: learning_rate: expected a local step"):
        federation.guide(0)


def test_fit__steps_that_the_learner_does_not_count__are_refused():
    federation = Federation(draw_peers(), Scaffold(10))
    peer = federation.peers[0]
    for metrics in ({}, {"steps": 0}, {"steps": 2.0}, {"steps": True}, None):
        peer.fit = lambda parameters, config, metrics=metrics: (parameters, 1, metrics)
        with pytest.raises(AlgorithmRefused, match=r"algorithm scaffold: metrics\['steps'\] of"):
            federation.train(0, 1, federation.head)
    assert isinstance(federation.guide(0), Guided)
