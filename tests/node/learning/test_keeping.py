"""Arrays that stay with their peer."""

import numpy as np
import pytest

from node.encoding import Layout
from node.errors import LayoutMismatch
from node.learning.context import State
from node.learning.keeping import KEY, Keeping, Kept, choose_kept, describe_shared
from node.learning.memory import Line, Memory

NAMES = ["body.weight", "norm.count", "head.weight", "mask"]
ARRAYS = [
    np.ones((2, 2), np.float32),
    np.array(3),
    np.full(2, 0.5, np.float16),
    np.array([True, False]),
]


def stand(height):
    """Return the config of a training on the head after so many agreements."""
    below = ((b"%d" % (height - 1), 1),) if height else ()
    return {"round": height + 1, "line": Line(b"%d" % height, below)}


class Learner:
    """Adds one to every array, or hands back what it is told to."""

    parameter_names = NAMES

    def __init__(self, result=None):
        self.result = result
        self.seen = None

    def get_parameters(self, config):
        return [array.copy() for array in ARRAYS]

    def fit(self, parameters, config):
        self.seen, self.config = parameters, config
        moved = [np.logical_not(a) if a.dtype == bool else a + a.dtype.type(1) for a in parameters]
        return self.result or moved, 4, {}

    def evaluate(self, parameters, config):
        self.seen = parameters
        return 0.0, 4, {}


def test_choose_kept__no_pattern__is_all_that_is_not_of_floats():
    assert choose_kept(NAMES, ARRAYS) == (
        Kept("norm.count", (), "int64", 1),
        Kept("mask", (2,), "bool", 3),
    )


def test_choose_kept__a_pattern__keeps_a_head_of_ones_own():
    kept = choose_kept(NAMES, ARRAYS, ["head.*"])
    assert [each.name for each in kept] == ["norm.count", "head.weight", "mask"]
    layout = describe_shared(NAMES, ARRAYS, kept)
    assert layout == Layout(("body.weight",), ((2, 2),), ("float32",))


def test_choose_kept__a_pattern_that_fits_nothing__is_refused():
    with pytest.raises(LayoutMismatch, match=r"expected one of body\.weight.*got 'tail\.\*'"):
        choose_kept(NAMES, ARRAYS, ["tail.*"])


def test_describe_shared__integers_alone__says_that_they_stay():
    counts = [np.array(3)]
    with pytest.raises(LayoutMismatch, match=r"an array of floats.*stay: count \(int64\)"):
        describe_shared(["count"], counts, choose_kept(["count"], counts))


def test_fit__kept_arrays__go_on_from_round_to_round_and_never_out():
    learner, state = Learner(), State()
    keeping = Keeping(learner, choose_kept(NAMES, ARRAYS, ["head.*"]), state)
    assert keeping.parameter_names == ["body.weight"]
    assert [a.shape for a in keeping.get_parameters({})] == [(2, 2)]
    head = [np.zeros((2, 2), np.float32)]
    for number in (1, 2, 3):
        # Asked twice, as after a crash: from what was kept when this head was first trained on.
        for again in (number, number):
            arrays, samples, _ = keeping.fit(head, stand(again))
            assert (len(arrays), samples) == (1, 4)
            assert int(Memory(state, KEY).latest()["arrays"][0]) == 3 + number
        assert arrays[0].tolist() == [[number, number]] * 2
        head = arrays
    assert [array.dtype.name for array in learner.seen] == ["float32", "int64", "float16", "bool"]
    keeping.evaluate(head, {})
    assert learner.seen[2].tolist() == [3.5, 3.5]


def test_fit__heads_given_up_further_down_than_is_remembered__loses_no_head_of_ones_own():
    learner, state = Learner(), State()
    keeping = Keeping(learner, choose_kept(NAMES, ARRAYS, ["head.*"]), state)
    keeping.get_parameters({})
    for number in range(9):
        keeping.fit([ARRAYS[0]], stand(number))
    for _ in range(2):
        keeping.fit([ARRAYS[0]], stand(3))
        assert learner.seen[2].tolist() == [9.5, 9.5]


def test_fit__the_first_head_again__is_from_the_learners_own():
    learner = Learner()
    keeping = Keeping(learner, choose_kept(NAMES, ARRAYS, ["head.*"]), State())
    keeping.get_parameters({})
    for _ in range(2):
        keeping.fit([ARRAYS[0]], stand(0))
        assert learner.seen[2].tolist() == [0.5, 0.5]


def test_get_parameters__a_peer_that_comes_back__goes_on_with_what_it_kept():
    kept = choose_kept(NAMES, ARRAYS)
    state, learner, head = State(), Learner(), [ARRAYS[0], ARRAYS[2]]
    for number in range(4):
        # Made anew each time, as after a restart.
        keeping = Keeping(learner, kept, state)
        keeping.get_parameters({})
        keeping.fit(head, stand(number))
        assert int(learner.seen[1]) == 3 + number
        head = [array + array.dtype.type(1) for array in head]


def test_fit__a_term_of_the_shared_arrays__pulls_at_none_that_stays():
    learner = Learner()
    keeping = Keeping(learner, choose_kept(NAMES, ARRAYS, ["head.*"]), State())
    keeping.get_parameters({})
    keeping.fit([ARRAYS[0]], {"round": 1, "linear": [np.full((2, 2), 0.5)], "proximal_mu": 2.0})
    assert learner.config["proximal_mu"] == 2.0
    linear = learner.config["linear"]
    assert [array.shape for array in linear] == [array.shape for array in ARRAYS]
    assert [array.sum() for array in linear] == [2.0, 0.0, 0.0, 0.0]


def test_obeys__around_any_learner__is_what_that_says():
    learner = Learner()
    keeping = Keeping(learner, choose_kept(NAMES, ARRAYS), State())
    assert (keeping.obeys, keeping.learning_rate) == ((), None)
    learner.obeys, learner.learning_rate = ("linear", "else"), 0.5
    assert (keeping.obeys, keeping.learning_rate) == (("linear",), 0.5)


@pytest.mark.parametrize(
    ("place", "array", "told"),
    [
        (1, np.array(3.0), r"kept array 'norm.count': expected int64 \(\), got float64 \(\)"),
        (3, np.zeros(3, bool), r"kept array 'mask': expected bool \(2,\), got bool \(3,\)"),
    ],
)
def test_fit__another_kept_array__is_refused_by_name(place, array, told):
    result = [each.copy() for each in ARRAYS]
    result[place] = array
    keeping = Keeping(Learner(result), choose_kept(NAMES, ARRAYS), State())
    keeping.get_parameters({})
    with pytest.raises(LayoutMismatch, match=told):
        keeping.fit([ARRAYS[0], ARRAYS[2]], {"round": 1})


def test_fit__fewer_arrays_than_kept_places__is_refused():
    keeping = Keeping(Learner(ARRAYS[:2]), choose_kept(NAMES, ARRAYS), State())
    keeping.get_parameters({})
    with pytest.raises(LayoutMismatch, match="number of arrays: expected more than 3, got 2"):
        keeping.fit([ARRAYS[0], ARRAYS[2]], {"round": 1})
