"""Peers that fit their work into a time, and do unequal amounts of it: where that leads."""

import numpy as np
import pytest
from algorithms_lab import LAYOUT, Federation, Quadratic, draw_peers, find_optimum

from node.algorithms.fedavg import FedAvg
from node.algorithms.fednova import FedNova
from node.algorithms.guided import Guided
from node.learning.paced import Paced

BUDGET = 8.0
PACES = (1.0, 1.0, 1.0, 0.25)
"""Seconds of a step: the last peer is four times as fast."""


class Machine(Quadratic):
    """Makes as many steps as it is asked for, in a time of its own."""

    def __init__(self, peer, seconds_of_step):
        super().__init__(peer.matrix, peer.target, rate=0.002)
        self.seconds_of_step = seconds_of_step
        self.now = 0.0

    def fit(self, parameters, config):
        self.steps = config["local_steps"]
        self.now += self.steps * self.seconds_of_step
        return super().fit(parameters, config)


class PacedFederation(Federation):
    """Each peer's pace lasts from round to round, as its process does."""

    def __init__(self, peers, algorithm):
        super().__init__(peers, algorithm)
        guided = [
            Guided(peer, algorithm, LAYOUT, state)
            for peer, state in zip(peers, self.states, strict=True)
        ]
        self.paced = [
            Paced(each, BUDGET, None, lambda peer=peer: peer.now)
            for each, peer in zip(guided, peers, strict=True)
        ]

    def guide(self, peer):
        return self.paced[peer]


@pytest.fixture(scope="module")
def distances():
    """How far from the optimum of all each algorithm's head comes to rest, and the last steps."""
    found = {}
    for algorithm in (FedAvg(), FedNova(8)):
        machines = [Machine(*each) for each in zip(draw_peers(), PACES, strict=True)]
        head = PacedFederation(machines, algorithm).run(600)
        found[algorithm.name] = float(np.linalg.norm(head - find_optimum(machines)))
        found["steps"] = [machine.steps for machine in machines]
    return found


def test_run__one_peer_four_times_as_fast__does_four_times_the_work(distances):
    assert distances["steps"] == [8, 8, 8, 32]


def test_run__averaging__is_led_to_the_fast_peer(distances):
    assert distances["fedavg"] > 0.5


def test_run__fednova__is_not(distances):
    assert distances["fednova"] < 0.05
    assert distances["fednova"] < distances["fedavg"] / 10
