"""scikit-learn's estimators as learners."""

import numpy as np
import pytest

from node.data.partition import Iid
from node.data.sources import load
from node.learning.context import Data
from node.learning.errors import InvalidOption, InvalidParameters
from node.learning.guest import Guest
from node.learning.hosting import Place
from node.learning.shapes import recognise

linear_model = pytest.importorskip("sklearn.linear_model")
neural_network = pytest.importorskip("sklearn.neural_network")


@pytest.fixture(scope="module")
def data():
    cancer = load("breast_cancer")
    train, test = Iid().split(cancer.labels, 2, np.random.default_rng(0))
    return Data(
        cancer.features[train],
        cancer.labels[train],
        cancer.features[test],
        cancer.labels[test],
        cancer.classes,
    )


def build(found, data=None, **options):
    place = Place(0, 1, None, 5)
    return Guest(recognise(found, options, place, data), options, place)


ESTIMATORS = {
    "sgd": lambda: linear_model.SGDClassifier(loss="log_loss"),
    "logistic": lambda: linear_model.LogisticRegression(warm_start=True),
    "perceptron": lambda: neural_network.MLPClassifier((8,), learning_rate_init=0.01),
}


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_fit__a_few_rounds__learns_and_repeats(kind, data):
    accuracies = []
    for _ in range(2):
        learner = build(ESTIMATORS[kind](), data, epochs=3)
        arrays = learner.get_parameters({"seed": 5})
        for number in (1, 2, 3):
            arrays, samples, _ = learner.fit(arrays, {"seed": 5, "round": number})
        assert samples == len(data.y_train)
        loss, judged, metrics = learner.evaluate(arrays, {"seed": 5, "round": 0})
        assert np.isfinite(loss)
        assert judged == len(data.y_test)
        accuracies.append(metrics["accuracy"])
    assert accuracies[0] == accuracies[1] > 0.9


def test_get_parameters__a_linear_model__is_zeros_whatever_the_data(data):
    learner = build(ESTIMATORS["sgd"](), data)
    assert learner.parameter_names == ["coef_", "intercept_"]
    arrays = learner.get_parameters({"seed": 5})
    assert [(a.shape, a.dtype.name, float(abs(a).sum())) for a in arrays] == [
        ((1, 30), "float64", 0.0),
        ((1,), "float64", 0.0),
    ]


def test_get_parameters__a_perceptron__draws_by_the_seed_alone(data):
    first, second = (build(ESTIMATORS["perceptron"](), data) for _ in range(2))
    pairs = zip(first.get_parameters({"seed": 5}), second.get_parameters({"seed": 5}), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert first.parameter_names == ["coefs_.0", "coefs_.1", "intercepts_.0", "intercepts_.1"]


@pytest.mark.parametrize("kind", ["sgd", "logistic"])
def test_fit__a_peer_without_one_of_the_classes__has_a_model_of_all(kind):
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(40, 3)), np.tile([0, 2], 20)
    x[y == 2] += 3
    fields = {"model": ESTIMATORS[kind](), "train": (x, y), "classes": [0, 1, 2]}
    learner = build(fields)
    arrays, samples, _ = learner.fit(learner.get_parameters({"seed": 5}), {"seed": 5, "round": 1})
    assert [array.shape for array in arrays] == [(3, 3), (3,)]
    assert samples == 40
    assert learner.evaluate(arrays, {"seed": 5, "round": 1})[2]["accuracy"] > 0.9
    by_class = learner.evaluate(arrays, {"seed": 5, "round": 1})[2]["accuracy_by_class"]
    assert len(by_class) >= 2
    assert min(by_class.values()) > 0.5


def test_fit__a_regression__finds_the_line_and_has_no_accuracy():
    x = np.random.default_rng(0).normal(size=(50, 2))
    y = x @ [2.0, -1.0] + 0.5
    learner = build({"model": linear_model.LinearRegression(), "train": (x, y)})
    arrays, _, _ = learner.fit(learner.get_parameters({"seed": 0}), {"seed": 0, "round": 1})
    assert np.allclose(arrays[0], [2, -1])
    assert np.allclose(arrays[1], 0.5)
    assert arrays[1].shape == ()
    loss, samples, metrics = learner.evaluate(arrays, {"seed": 0, "round": 1})
    assert loss < 1e-20
    assert (samples, metrics) == (50, {})


def test_build__neither_rows_nor_data__says_what_is_missing():
    with pytest.raises(InvalidOption, match=r"scikit-learn model: train: expected \(x, y\), or"):
        build(ESTIMATORS["sgd"]())


def test_build__an_unknown_entry__is_named(data):
    with pytest.raises(InvalidOption, match="expected train, test, classes, epochs, got 'loader'"):
        build({"model": ESTIMATORS["sgd"](), "loader": 1}, data)


def test_build__an_estimator_without_coefficients__is_refused(data):
    tree = pytest.importorskip("sklearn.tree")
    with pytest.raises(InvalidParameters, match="expected coef_ or coefs_ once it is fitted"):
        build(tree.DecisionTreeClassifier(), data)


def test_fit__another_shape__is_refused(data):
    learner = build(ESTIMATORS["sgd"](), data)
    with pytest.raises(InvalidParameters, match="parameters: expected"):
        learner.fit([np.zeros((2, 2)), np.zeros(1)], {"seed": 0, "round": 1})
