import pickle

import numpy as np
import pytest

from node.data.dataset import Dataset
from node.learning.catalogue import BUILT_IN, build_learner
from node.learning.errors import InvalidOption, UnknownLearner
from node.learning.options import MlpOptions, SgdOptions, build_options

TOY = Dataset("toy", np.zeros((4, 3), np.float32), np.array([0, 1, 0, 1]), ("a", "b"))


def test_build_learner__mlp_options_as_a_spec_holds_them__sets_the_layers() -> None:
    learner = build_learner("mlp", {"hidden": [5, 4], "learning_rate": 1}, train=TOY)
    shapes = [array.shape for array in learner.get_parameters({"seed": 1})]
    assert shapes == [(5, 3), (5,), (4, 5), (4,), (2, 4), (2,)]


def test_build_learner__softmax__is_one_layer() -> None:
    learner = build_learner("softmax", {}, train=TOY)
    assert [array.shape for array in learner.get_parameters({"seed": 1})] == [(2, 3), (2,)]


def test_build_learner__unknown_name__lists_the_known() -> None:
    with pytest.raises(UnknownLearner) as caught:
        build_learner("resnet", {}, train=TOY)
    assert str(caught.value) == "learner: expected softmax, mlp or module:factory, got 'resnet'"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "mlp",
            {"momentum": 0.9},
            "option of learner mlp: expected batch_size, class_weights, epochs, hidden, l2, "
            "learning_rate, got 'momentum'",
        ),
        (
            "softmax",
            {"hidden": [3]},
            "option of learner softmax: expected batch_size, class_weights, epochs, l2, "
            "learning_rate, got 'hidden'",
        ),
        (
            "mlp",
            {"learning_rate": 0},
            "option learning_rate: expected a number above 0, got 0",
        ),
        (
            "mlp",
            {"learning_rate": float("nan")},
            "option learning_rate: expected a number above 0, got nan",
        ),
        (
            "mlp",
            {"learning_rate": "fast"},
            "option learning_rate: expected a number above 0, got 'fast'",
        ),
        ("softmax", {"l2": -1e-9}, "option l2: expected a number of at least 0, got -1e-09"),
        (
            "softmax",
            {"batch_size": 0},
            "option batch_size: expected an integer of at least 1, got 0",
        ),
        ("softmax", {"epochs": 1.5}, "option epochs: expected an integer of at least 1, got 1.5"),
        ("softmax", {"epochs": True}, "option epochs: expected an integer of at least 1, got True"),
        ("mlp", {"hidden": [8, 0]}, "option hidden: expected an integer of at least 1, got 0"),
        ("mlp", {"hidden": 32}, "option hidden: expected a list of widths, got 32"),
        ("mlp", {"hidden": "32"}, "option hidden: expected a list of widths, got '32'"),
    ],
)
def test_build_learner__bad_option__says_which_and_what_it_may_be(
    name: str, options: dict, message: str
) -> None:
    with pytest.raises(InvalidOption) as caught:
        build_learner(name, options, train=TOY)
    assert str(caught.value) == message
    assert str(pickle.loads(pickle.dumps(caught.value))) == message


def test_build_learner__no_data__says_who_brings_some() -> None:
    with pytest.raises(InvalidOption, match="data of learner mlp: expected a file or the name"):
        build_learner("mlp", {}, train=None)


def test_build_options__nothing_chosen__is_the_defaults() -> None:
    assert build_options(MlpOptions, "mlp", {}) == MlpOptions(
        learning_rate=0.1, batch_size=32, epochs=1, l2=0.0, hidden=(32,)
    )
    assert build_options(SgdOptions, "softmax", {"l2": 0}).l2 == 0


def test_built_in__names__are_those_of_the_documentation() -> None:
    assert tuple(BUILT_IN) == ("softmax", "mlp")
