"""Training is a pure function, and what a learner may hand back."""

import numpy as np
import pytest

from node.encoding import Layout, decode_model, encode_model, update_from_payload
from node.errors import ClaimRefused, LayoutMismatch, NotFinite
from node.merkle import compute_root
from node.rule.parameters import Rule, Selection, Weighting
from node.training import Course, Job, check_layout, train

LAYOUT = Layout(("weight", "bias"), ((2, 3), (3,)), ("float32", "float32"))
RULE = Rule(Weighting.STAKE, Selection.VOUCHED, 0, 2000, 10**6, 2, 14, 20)
COURSE = Course(LAYOUT, RULE, seed=5, entropy=11)
TAG = b"\x03" * 32
JOB = Job(4, encode_model(np.linspace(-1, 1, 9), 20), TAG)


class Learner:
    """Moves every coordinate by `step`; what it hands back can be overridden."""

    def __init__(self, step=0.1, arrays=None, samples=20, metrics=None):
        self.step = step
        self.arrays = arrays
        self.samples = samples
        self.metrics = {"steps": 3, "loss": 0.5} if metrics is None else metrics
        self.configs = []

    def get_parameters(self, config):
        return [np.zeros((2, 3), np.float32), np.zeros(3, np.float32)]

    def fit(self, parameters, config):
        self.configs.append(config)
        arrays = [a + np.float32(self.step) for a in parameters]
        return (arrays if self.arrays is None else self.arrays), self.samples, self.metrics


def test_train__twice__gives_the_same_bits():
    first, second = train(Learner(), COURSE, JOB), train(Learner(), COURSE, JOB)
    assert first == second
    assert first.root == compute_root(first.payload, TAG)
    assert (first.samples, first.steps, first.metrics["loss"]) == (20, 3, 0.5)


@pytest.mark.parametrize("change", ["round", "entropy"])
def test_train__another_round_or_peer__rounds_by_another_stream(change):
    job = Job(5, JOB.head, TAG) if change == "round" else JOB
    course = Course(LAYOUT, RULE, seed=5, entropy=12) if change == "entropy" else COURSE
    assert train(Learner(), course, job).payload != train(Learner(), COURSE, JOB).payload


def test_train__a_step__is_that_step_in_update_units():
    fit = train(Learner(step=0.25), COURSE, JOB)
    update = update_from_payload(fit.payload, 9, 2)
    # float32 holds the trained model to about 2**-24, the rounding goes either way.
    assert np.abs(update - 0.25 * 2**14).max() <= 1


def test_train__any_learner__is_told_round_and_seed_and_nothing_else():
    learner = Learner()
    train(learner, COURSE, JOB)
    assert learner.configs == [{"round": 4, "seed": 5}]


def test_train__altered__pretends_what_alter_says_and_is_not_clipped():
    def alter(trained, head, generator):
        assert np.array_equal(head, decode_model(JOB.head, 20))
        return head - 1.0

    rule = Rule(Weighting.STAKE, Selection.VOUCHED, 0, 2000, 1, 2, 14, 20)
    fit = train(Learner(), Course(LAYOUT, rule, 5, 11, alter), JOB)
    assert update_from_payload(fit.payload, 9, 2).tolist() == [-(2**14)] * 9


WEIGHT, BIAS = np.zeros((2, 3), np.float32), np.zeros(3, np.float32)
NAN = np.array([0, np.nan, 0], np.float32)


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ([WEIGHT], LayoutMismatch, "number of arrays: expected 2, got 1"),
        ([WEIGHT.T, BIAS], LayoutMismatch, r"'weight': expected \(2, 3\), got \(3, 2\)"),
        ([WEIGHT, BIAS[:2]], LayoutMismatch, r"'bias': expected \(3,\), got \(2,\)"),
        ([WEIGHT, [0, 0, 0]], LayoutMismatch, "'bias': expected a numpy array, got list"),
        ([WEIGHT, BIAS.astype(int)], LayoutMismatch, "'bias': expected float32, got int64"),
        ([WEIGHT, BIAS.astype(str)], LayoutMismatch, "dtype of array 'bias'"),
        ([WEIGHT, NAN], NotFinite, r"'bias' at \(1,\): expected a finite number, got nan"),
        ([WEIGHT - np.inf, BIAS], NotFinite, r"'weight' at \(0, 0\)"),
    ],
)
def test_train__learner_hands_back_something_else__names_the_array(arrays, error, message):
    with pytest.raises(error, match=message):
        train(Learner(arrays=arrays), COURSE, JOB)


@pytest.mark.parametrize("count", [0, 2**64 - 1, np.int64(7), np.uint64(2**64 - 1)])
def test_train__a_count__is_claimed_as_a_plain_integer(count):
    fit = train(Learner(samples=count, metrics={"steps": count}), COURSE, JOB)
    assert fit.samples == fit.steps == int(count)
    assert type(fit.samples) is type(fit.steps) is int


@pytest.mark.parametrize("count", [-1, 2**64, 1.0, "20", None, True, np.float32(3), [1]])
def test_train__no_count__is_refused_by_name(count):
    expected = f"expected a whole number of 0 to {2**64 - 1}, got "
    with pytest.raises(ClaimRefused, match=f"learner: samples: {expected}"):
        train(Learner(samples=count), COURSE, JOB)
    with pytest.raises(ClaimRefused, match=rf"learner: metrics\['steps'\]: {expected}"):
        train(Learner(metrics={"steps": count}), COURSE, JOB)


@pytest.mark.parametrize("metrics", [{}, {"loss": 1.0}])
def test_train__metrics_without_steps__claim_none(metrics):
    assert train(Learner(metrics=metrics), COURSE, JOB).steps == 0


@pytest.mark.parametrize("metrics", [[("steps", 3)], 3])
def test_train__metrics_that_are_no_table__are_refused(metrics):
    with pytest.raises(ClaimRefused, match=r"learner: metrics: expected a table"):
        train(Learner(metrics=metrics), COURSE, JOB)


def test_check_layout__the_learners_own__is_taken():
    check_layout(LAYOUT, Learner(), 5)


@pytest.mark.parametrize(
    "layout",
    [
        Layout(LAYOUT.names, ((3, 2), (3,)), LAYOUT.dtypes),
        Layout(LAYOUT.names, LAYOUT.shapes, ("float32", "float64")),
    ],
)
def test_check_layout__another_model__is_refused(layout):
    with pytest.raises(LayoutMismatch, match="model of the learner"):
        check_layout(layout, Learner(), 5)


def test_check_layout__another_number_of_arrays__is_refused():
    layout = Layout(("weight",), ((2, 3),), ("float32",))
    with pytest.raises(LayoutMismatch, match="number of arrays: expected 1, got 2"):
        check_layout(layout, Learner(), 5)
