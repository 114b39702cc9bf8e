"""Learners that are asked for so many steps: part of an epoch, or several."""

from fractions import Fraction

import numpy as np
import pytest

from node.data.dataset import Dataset
from node.learning.catalogue import build_learner
from node.learning.config import get_local_steps
from node.learning.context import Data
from node.learning.errors import InvalidConfig
from node.learning.guest import Guest
from node.learning.hosting import Place
from node.learning.shapes import recognise

ROWS, BATCH = 70, 16
STEPS_OF_EPOCH = 5  # the last one of 6 rows
CONFIG = {"seed": 3, "round": 2}


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, 4)).astype(np.float32)
    return x, (x[:, 0] > x[:, 1]).astype(np.int64)


@pytest.fixture(scope="module")
def data(rows):
    return Data(*rows, *rows, ("no", "yes"))


def build_mlp(rows, **options):
    options = {"hidden": [3], "batch_size": BATCH, **options}
    return build_learner("mlp", options, train=Dataset("t", *rows, ("no", "yes")))


def build_guest(found, data, **options):
    place = Place(0, 1, None, 5)
    return Guest(recognise(found, options, place, data), options, place)


def describe_torch(torch, **more):
    torch.manual_seed(0)
    return {
        "model": torch.nn.Linear(4, 2),
        "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.2),
        "loss": torch.nn.functional.cross_entropy,
        **more,
    }


def build_torch(data, **options):
    torch = pytest.importorskip("torch", reason="torch is an extra")
    return build_guest(describe_torch(torch), data, batch_size=BATCH, **options)


def build_sgd(data, **options):
    linear_model = pytest.importorskip("sklearn.linear_model")
    return build_guest(linear_model.SGDClassifier(loss="log_loss"), data, **options)


BUILDERS = {"mlp": build_mlp, "torch": build_torch, "sgd": build_sgd}
EPOCHS = {"mlp": STEPS_OF_EPOCH, "torch": STEPS_OF_EPOCH, "sgd": ROWS}
"""Steps of one: of an estimator a row is a step."""


@pytest.fixture(params=BUILDERS)
def kind(request):
    return request.param


@pytest.fixture
def build(kind, rows, data):
    return lambda **options: BUILDERS[kind](rows if kind == "mlp" else data, **options)


def fit(learner, **config):
    parameters = learner.get_parameters({"seed": 3})
    return learner.fit(parameters, {**CONFIG, **config})


@pytest.mark.parametrize("epochs", [Fraction(1, 5), Fraction(3, 5), 1, Fraction(8, 5), 3])
def test_fit__so_many_steps__are_made_and_told(build, kind, epochs):
    steps = int(epochs * EPOCHS[kind])
    arrays, samples, metrics = fit(build(epochs=2), local_steps=steps)
    assert metrics["steps"] == steps
    assert samples == ROWS
    assert any(array.any() for array in arrays)


def test_fit__the_steps_of_the_options_epochs__is_the_same_to_the_bit(build, kind):
    usual, _, _ = fit(build(epochs=3))
    asked, _, _ = fit(build(epochs=1), local_steps=3 * EPOCHS[kind])
    assert [array.tobytes() for array in asked] == [array.tobytes() for array in usual]


def test_fit__the_same_steps_again__is_the_same_and_others_are_not(build):
    same = [fit(build(), local_steps=steps)[0][0].tobytes() for steps in (4, 4, 3)]
    assert same[0] == same[1] != same[2]


def test_fit__steps_that_are_none__is_refused(build):
    with pytest.raises(InvalidConfig) as told:
        fit(build(), local_steps=0)
    assert str(told.value) == "config local_steps: expected an integer of at least 1, got 0"


def test_fit__no_steps_asked_of_an_estimator__tells_none(data):
    assert fit(build_sgd(data))[2] == {}


def test_fit__an_estimator_that_is_fitted_anew__tells_no_steps(data):
    linear_model = pytest.importorskip("sklearn.linear_model")
    learner = build_guest(linear_model.LogisticRegression(), data)
    assert fit(learner, local_steps=3)[1:] == (ROWS, {})


def test_fit__loaders_of_the_users__tell_a_whole_pass_where_they_can(data):
    torch = pytest.importorskip("torch", reason="torch is an extra")
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    batches = list(zip(x.split(BATCH), y.split(BATCH), strict=True))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), BATCH)
    for train, steps, samples in ((loader, 2, ROWS), (batches, 2, 32), (batches, 9, ROWS)):
        fields = describe_torch(torch, train=train, test=batches)
        told = fit(build_guest(fields, None), local_steps=steps)
        assert (told[1], told[2]["steps"]) == (samples, steps)
    empty = build_guest(describe_torch(torch, train=[], test=batches), None)
    assert fit(empty, local_steps=2)[1:] == (0, {"steps": 0, "loss": 0.0})


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
def test_get_local_steps__no_count__is_refused(value):
    with pytest.raises(InvalidConfig) as told:
        get_local_steps({"local_steps": value})
    assert str(told.value) == (
        f"config local_steps: expected an integer of at least 1, got {value!r}"
    )


def test_get_local_steps__none_asked_for__is_none():
    assert get_local_steps({}) is None
    assert get_local_steps({"local_steps": np.int64(3)}) == 3
