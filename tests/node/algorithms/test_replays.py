"""A peer may be killed at any line, a round may come to nothing: what is learned is the same."""

import copy
import pickle

import pytest
from algorithms_lab import Federation, draw_peers, stand

from node.algorithms.admm import Admm
from node.algorithms.catalogue import ALGORITHMS
from node.algorithms.fedavg import FedAvg
from node.algorithms.fednova import FedNova
from node.algorithms.fedprox import FedProx
from node.algorithms.gradient_descent import GradientDescent
from node.algorithms.momentum import Momentum
from node.algorithms.scaffold import Scaffold

ROUNDS = 6
EVERY = [
    FedAvg(),
    FedProx(0.5),
    Scaffold(8),
    FedNova(8),
    GradientDescent(),
    Admm(1.0),
    Momentum(0.8),
]


class Disturbed(Federation):
    """Something befalls every training; None: nothing."""

    befalls = None

    def train(self, peer, number, head, line=None):
        if self.befalls == "twice":
            super().train(peer, number, head)
        if self.befalls == "candidate before":
            super().train(peer, number, head + 0.125, stand(self.height, b" not agreed"))
        if self.befalls == "killed before the state is written":
            remembered = copy.deepcopy(self.states[peer])
            super().train(peer, number, head)
            self.states[peer] = remembered
        sent = super().train(peer, number, head)
        if self.befalls == "candidate after":
            super().train(peer, number, head + 0.125, stand(self.height, b" not agreed"))
        if self.befalls == "candidate of the next round":
            super().train(peer, number + 1, sent, stand(self.height + 1, b" not agreed"))
        if self.befalls == "restarted":
            self.states[peer] = pickle.loads(pickle.dumps(self.states[peer]))
        return sent


def run(algorithm, befalls):
    federation = Disturbed(draw_peers(), algorithm)
    federation.befalls = befalls
    return federation.run(ROUNDS)


@pytest.mark.parametrize(
    "befalls",
    [
        "twice",
        "candidate before",
        "candidate after",
        "candidate of the next round",
        "killed before the state is written",
        "restarted",
    ],
)
@pytest.mark.parametrize("algorithm", EVERY, ids=lambda each: each.name)
def test_run__a_training_is_asked_again__the_head_is_the_same_to_the_bit(algorithm, befalls):
    assert run(algorithm, befalls).tobytes() == run(algorithm, None).tobytes()


@pytest.mark.parametrize("algorithm", EVERY, ids=lambda each: each.name)
def test_run__every_second_round_lapses__the_head_is_the_same_to_the_bit(algorithm):
    whole = Federation(draw_peers(), algorithm).run(ROUNDS)
    lapsing = Federation(draw_peers(), algorithm)
    for number in range(ROUNDS):
        for again in (2 * number + 1, 2 * number + 2):
            sent = [lapsing.train(peer, again, lapsing.head) for peer in range(4)]
        lapsing.agree(sum(w * s for w, s in zip(lapsing.weights, sent, strict=True)))
    assert lapsing.head.tobytes() == whole.tobytes()


def test_algorithms__all__are_replayed_here():
    assert {each.name for each in EVERY} == set(ALGORITHMS)
