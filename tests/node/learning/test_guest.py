"""What goes into somebody's learner and what may come out of it."""

import random

import numpy as np
import pytest

from node.errors import ClaimRefused
from node.learning.errors import InvalidParameters
from node.learning.guest import LONGEST_TEXT, MOST_METRICS, Guest
from node.learning.hosting import Place
from node.learning.memory import Line

CONFIG = {"seed": 3, "round": 5}


class Learner:
    """Gives back what it is told to."""

    def __init__(self, result=None):
        self.result = result
        self.configs = []

    def get_parameters(self, config):
        return self.result

    def fit(self, parameters, config):
        self.configs.append(config)
        return self.result

    def evaluate(self, parameters, config):
        return self.result


def guest(result=None, partition=0, **options):
    return Guest(Learner(result), options, Place(partition, 4, None, 3))


def test_fit__any_learner__is_told_its_options_beside_round_and_seed():
    learner = Learner(([np.zeros(1)], 1, {}))
    Guest(learner, {"local_epochs": 2, "seed": "mine"}, Place()).fit([], dict(CONFIG))
    # The federation's own entries are not for options to change.
    assert learner.configs == [{"local_epochs": 2, "seed": 3, "round": 5, "server_round": 5}]


def test_fit__a_head_that_stands_somewhere__is_no_business_of_the_learners():
    learner = Learner(([np.zeros(1)], 1, {}))
    Guest(learner, {}, Place()).fit([], {**CONFIG, "line": Line(b"key")})
    assert learner.configs == [{**CONFIG, "server_round": 5}]


class Drawing(Learner):
    def fit(self, parameters, config):
        return [np.array([random.random(), np.random.random()])], 1, {}


def draw(partition, number):
    place = Place(partition, 4, None, 3)
    arrays, _, _ = Guest(Drawing(), {}, place).fit([], {"seed": 3, "round": number})
    return arrays[0].tolist()


def test_fit__global_generators__are_of_round_and_partition_alone():
    assert draw(0, 5) == draw(0, 5)
    others = [draw(0, 5), draw(1, 5), draw(0, 6)]
    assert len({tuple(each) for each in others}) == 3


def test_fit__numpy_scalars_and_lists__become_arrays_of_their_dtype():
    result = ([np.float32(1.5), np.ones(2, np.float16)], np.int64(4), None)
    arrays, samples, metrics = guest(result).fit([], dict(CONFIG))
    assert [(each.dtype.name, each.shape) for each in arrays] == [
        ("float32", ()),
        ("float16", (2,)),
    ]
    assert (samples, metrics) == (4, {})


@pytest.mark.parametrize(
    ("result", "error", "told"),
    [
        (None, ClaimRefused, r"expected a tuple \(arrays, samples, metrics\), got a NoneType"),
        (([], 1), ClaimRefused, "got a tuple of 2"),
        (("ab", 1, {}), InvalidParameters, "expected a list of numpy arrays, got str"),
        ((np.zeros(2), 1, {}), InvalidParameters, "got ndarray"),
        (([np.array(["a"])], 1, {}), InvalidParameters, "array 0 of fit: .* got dtype <U1"),
        (([np.zeros(2)], -5, {}), ClaimRefused, "samples: expected a whole number of 0 .* got -5"),
        (([np.zeros(2)], 1, {"steps": 0.5}), ClaimRefused, r"metrics\['steps'\]: .* got 0\.5"),
        (([np.zeros(2)], 1, [1]), ClaimRefused, "metrics of fit: expected a table, got list"),
    ],
)
def test_fit__what_is_no_result__is_refused(result, error, told):
    with pytest.raises(error, match=told):
        guest(result).fit([], dict(CONFIG))


@pytest.mark.parametrize("result", [("bad", 1, {}), (0.5, None, {})])
def test_evaluate__what_is_no_judgement__is_refused(result):
    with pytest.raises(ClaimRefused, match="expected a loss and a number of samples"):
        guest(result).evaluate([], dict(CONFIG))


def test_evaluate__metrics_of_any_classes__leave_as_plain_ones():
    metrics = {
        "accuracy": np.float32(0.5),
        "by_class": {1: np.int64(3)},
        "note": "x" * 10_000,
        "scalar": np.array(2.0),
        "object": object,
    }
    loss, samples, plain = guest((np.float64(1), np.int32(2), metrics)).evaluate([], dict(CONFIG))
    assert (loss, samples) == (1.0, 2)
    assert plain["accuracy"] == 0.5
    assert type(plain["accuracy"]) is float
    assert plain["by_class"] == {"1": 3}
    assert len(plain["note"]) == LONGEST_TEXT
    assert plain["scalar"] == 2.0
    assert plain["object"] == "<class 'object'>"


def test_evaluate__more_metrics_than_anybody_reads__are_cut():
    result = (0.0, 1, {str(number): number for number in range(MOST_METRICS + 5)})
    assert len(guest(result).evaluate([], dict(CONFIG))[2]) == MOST_METRICS


def test_get_parameters__none__says_what_is_missing():
    with pytest.raises(InvalidParameters, match="expected the arrays that training starts from"):
        guest([]).get_parameters({"seed": 0})
