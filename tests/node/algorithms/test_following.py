"""Algorithms where peers run them: in a worker with a state on disk, and in whole federations."""

from dataclasses import replace

import numpy as np
import pytest
from algorithms_lab import stand

from localnet.network import Localnet
from localnet.report import RoundEnded
from localnet.scenario import Scenario
from node.algorithms.admm import Admm
from node.algorithms.errors import AlgorithmRefused
from node.algorithms.fedprox import FedProx
from node.algorithms.momentum import Momentum
from node.algorithms.scaffold import Scaffold
from node.data.sources import load
from node.encoding import Layout, encode_model
from node.learning.catalogue import build_learner
from node.learning.hosting import STATE, Place
from node.learning.worker import Worker
from node.rule.parameters import Rule, Selection, Weighting
from node.training import Course

TAG = b"\x01" * 32
RULE = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 14, 20)
SCENARIO = Scenario(
    peers=4, rounds=3, dataset="breast_cancer", learner="softmax", rule="mean", seed=7
)


@pytest.fixture(scope="module")
def dataset():
    return load("breast_cancer")


def open_worker(dataset, algorithm, notes):
    """Return a peer's worker as it is after a start."""
    worker = Worker()
    worker.enrol(0, "softmax", {}, dataset, None, Place(notes=notes))
    arrays = build_learner("softmax", {}, train=dataset).get_parameters({"seed": 0})
    worker.follow(0, Course(Layout.from_arrays(arrays), RULE, 0, 5, algorithm=algorithm))
    return worker


def learn(worker, number, head):
    """Train the peer on the head of a round before which none has lapsed."""
    return worker.train(0, number, TAG, head, stand(number))


def heads(count):
    generator = np.random.default_rng(1)
    return [encode_model(generator.normal(size=62) / 10, 20) for _ in range(count)]


@pytest.mark.parametrize("algorithm", [Scaffold(10), Momentum(), Admm()], ids=lambda a: a.name)
def test_train__restarted_before_each_round__learns_the_same(dataset, algorithm, tmp_path):
    steady = open_worker(dataset, algorithm, None)
    for number, head in enumerate(heads(4), 1):
        restarted = open_worker(dataset, algorithm, tmp_path)
        assert learn(restarted, number, head) == learn(steady, number, head)
    fresh = open_worker(dataset, algorithm, None)
    assert learn(fresh, 4, head).root != learn(steady, 4, head).root


def test_train__killed_before_or_after_the_state_is_written__learns_the_same(dataset, tmp_path):
    first, second, third = heads(3)
    learn(open_worker(dataset, Scaffold(10), tmp_path), 1, first)
    before = (tmp_path / STATE).read_bytes()
    fit = learn(open_worker(dataset, Scaffold(10), tmp_path), 2, second)
    # After: what was trained is in the state, and nobody has heard of it.
    assert learn(open_worker(dataset, Scaffold(10), tmp_path), 2, second) == fit
    expected = learn(open_worker(dataset, Scaffold(10), tmp_path), 3, third)
    (tmp_path / STATE).write_bytes(before)
    assert learn(open_worker(dataset, Scaffold(10), tmp_path), 2, second) == fit
    assert learn(open_worker(dataset, Scaffold(10), tmp_path), 3, third) == expected


def test_train__federated_averaging_or_fedprox__write_no_state(dataset, tmp_path):
    for algorithm in (FedProx(), Scaffold(10)):
        assert not (tmp_path / STATE).exists()
        learn(open_worker(dataset, algorithm, tmp_path), 1, heads(1)[0])
    assert (tmp_path / STATE).exists()


def test_measure__a_dry_round__leaves_nothing_behind(dataset, tmp_path):
    worker = open_worker(dataset, Momentum(), tmp_path)
    first, second = heads(2)
    worker.measure(0, first)
    fresh = open_worker(dataset, Momentum(), None)
    assert learn(worker, 1, second) == learn(fresh, 1, second)


def run(scenario, **how):
    with Localnet(scenario, **how) as net:
        ended = [each for each in net.run() if isinstance(each, RoundEnded)]
    assert [each.is_agreed for each in ended] == [True] * len(ended)
    return [each.model_root for each in ended]


def test_run__fedprox_of_mu_0__is_the_federation_without_it():
    assert run(replace(SCENARIO, algorithm="fedprox:0")) == run(SCENARIO)


@pytest.mark.slow
def test_run__kept_and_gone_on_with__is_as_without_a_pause(tmp_path):
    scenario = replace(SCENARIO, algorithm="scaffold:10", rule="vouched")
    whole = run(scenario)
    assert len({*whole}) == 3
    first = run(scenario.with_rounds(2), directory=tmp_path / "run")
    rest = run(scenario, directory=tmp_path / "run")
    assert first + rest == whole


PLAIN = """
import numpy as np

class Plain:
    def get_parameters(self, config):
        return [np.zeros(2)]

    def fit(self, parameters, config):
        return parameters, 1, {}

    def evaluate(self, parameters, config):
        return 0.0, 1, {}

def make(context):
    return Plain()
"""


def test_run__a_learner_of_ones_own_that_does_not_obey__is_refused_at_once(tmp_path):
    from node.learning.hosting import Hosting

    (tmp_path / "plainly.py").write_text(PLAIN)
    scenario = replace(SCENARIO, dataset="own", learner="plainly:make", algorithm="admm:1")
    told = "algorithm admm: expected a learner whose fit obeys .*proximal_mu.* and .*linear.* got"
    with (
        pytest.raises(AlgorithmRefused, match=told),
        Localnet(scenario, hosting=Hosting(code=tmp_path)),
    ):
        pass
