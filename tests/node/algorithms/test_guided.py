"""What a learner is told and asked for, and which learner is refused."""

import numpy as np
import pytest
from algorithms_lab import CONFIG, LAYOUT, Federation, Quadratic, draw_peers, stand

from node.algorithms.errors import AlgorithmRefused
from node.algorithms.fedavg import FedAvg
from node.algorithms.fedprox import FedProx
from node.algorithms.guided import KEY, Guided
from node.algorithms.scaffold import Scaffold
from node.encoding import Layout, encode_model
from node.learning.context import State
from node.learning.memory import Memory
from node.rule.parameters import Rule, Selection, Weighting
from node.training import Course, Job, train

RULE = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 10, 20)


def test_fit__federated_averaging__is_the_learner_alone_to_the_bit():
    peer = draw_peers()[0]
    job = Job(3, encode_model(np.linspace(-1, 1, 3), 20), b"\x01" * 32)
    course = Course(LAYOUT, RULE, 0, 5)
    guided = Guided(peer, FedAvg(), LAYOUT, State())
    assert train(guided, course, job) == train(peer, course, job)
    assert peer.configs[0] == peer.configs[1]


def test_fit__federated_averaging__remembers_nothing():
    federation = Federation(draw_peers(), FedAvg())
    federation.run(2)
    assert federation.states == [{}] * 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fit__what_is_remembered__is_as_precise_as_the_learners_arrays(dtype):
    layout, state = Layout(LAYOUT.names, LAYOUT.shapes, (dtype, dtype)), State()
    guided = Guided(draw_peers()[0], Scaffold(10), layout, state)
    guided.fit(layout.unflatten(np.full(3, 1 / 3)), {**CONFIG, "round": 1, "line": stand(0)})
    found = Memory(state, KEY).recall(stand(1))
    assert {name: each.dtype for name, each in found.items()} == dict.fromkeys(
        ("own", "head"), np.dtype(dtype)
    )
    # The head had no more to begin with.
    assert np.array_equal(found["head"], np.full(3, 1 / 3).astype(dtype))


class Estimator:
    """A learner that knows of no algorithm."""


class Prox(Quadratic):
    obeys = ("proximal_mu",)


def test_init__a_learner_that_obeys_nothing__is_refused_by_name():
    told = (
        r"algorithm fedprox: expected a learner whose fit obeys config\['proximal_mu'\] and says "
        r"so \(obeys = \('proximal_mu',\)\), got one that obeys nothing of the kind"
    )
    with pytest.raises(AlgorithmRefused, match=told):
        Guided(Estimator(), FedProx(0.1), LAYOUT, State())


@pytest.mark.parametrize("told", [True, "proximal_mu", None, ("linear",)])
def test_init__an_attribute_that_says_something_else__is_no_promise(told):
    peer = Quadratic(np.eye(3), np.ones(3))
    peer.obeys = told
    with pytest.raises(AlgorithmRefused, match="algorithm fedprox"):
        Guided(peer, FedProx(0.1), LAYOUT, State())


def test_init__a_learner_that_says_that_it_obeys__is_told():
    peer = Prox(np.eye(3), np.ones(3))
    Guided(peer, FedProx(0.25), LAYOUT, State()).fit(
        peer.get_parameters({}), {**CONFIG, "round": 1}
    )
    assert peer.configs == [{"seed": 0, "round": 1, "proximal_mu": 0.25}]
