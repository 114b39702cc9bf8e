import numpy as np
import pytest

from node.data.dataset import Dataset
from node.data.sources import load
from node.data.split import stratified_holdout
from node.learning.catalogue import BUILT_IN, build_learner
from node.learning.errors import InvalidConfig, InvalidParameters
from node.learning.learner import Learner

CONFIG = {"seed": 7, "round": 3}


@pytest.fixture(scope="module")
def digits() -> tuple[Dataset, Dataset]:
    return stratified_holdout(load("digits"), seed=7)


def bits(parameters: list) -> list[bytes]:
    return [array.tobytes() for array in parameters]


@pytest.fixture(params=sorted(BUILT_IN))
def learner(request: pytest.FixtureRequest, digits: tuple[Dataset, Dataset]) -> Learner:
    train, held_out = digits
    options = {"learning_rate": 0.2, "epochs": 8}
    return build_learner(request.param, options, train=train, test=held_out, partition=2)


def test_fit__digits_on_one_machine__learns_them(learner: Learner) -> None:
    start = learner.get_parameters(CONFIG)
    loss_before, samples, before = learner.evaluate(start, CONFIG)
    trained, used, metrics = learner.fit(start, CONFIG)
    loss_after, _, after = learner.evaluate(trained, CONFIG)
    assert (used, samples) == (1438, 359)
    assert metrics["steps"] == 8 * 45
    assert before["accuracy"] < 0.3
    assert after["accuracy"] > 0.93
    assert loss_after < 0.5 < 2 < loss_before
    assert set(after["accuracy_by_class"]) == set("0123456789")
    assert min(after["accuracy_by_class"].values()) > 0.75


def test_fit__same_call_again__is_the_same_to_the_bit_and_leaves_its_input(
    learner: Learner,
) -> None:
    start = learner.get_parameters(CONFIG)
    before = bits(start)
    first, again = learner.fit(start, CONFIG), learner.fit(start, CONFIG)
    assert bits(first[0]) == bits(again[0])
    assert first[1:] == again[1:]
    assert bits(start) == before
    assert all(array.dtype == np.float32 for array in first[0])


@pytest.mark.parametrize("change", [{"seed": 8}, {"round": 4}])
def test_fit__other_seed_or_round__shuffles_otherwise(learner: Learner, change: dict) -> None:
    start = learner.get_parameters(CONFIG)
    assert bits(learner.fit(start, CONFIG)[0]) != bits(learner.fit(start, CONFIG | change)[0])


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_fit__restarted_and_other_partitions__same_bits_only_for_the_same(
    digits: tuple[Dataset, Dataset], name: str
) -> None:
    train = digits[0]
    first, restarted, other = (
        build_learner(name, {}, train=train, partition=partition) for partition in (1, 1, 2)
    )
    start = first.get_parameters(CONFIG)
    learned = bits(first.fit(start, CONFIG)[0])
    assert bits(restarted.fit(start, CONFIG)[0]) == learned
    assert bits(other.fit(start, CONFIG)[0]) != learned


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_get_parameters__other_data_and_partition__is_the_same_genesis(
    digits: tuple[Dataset, Dataset], name: str
) -> None:
    train = digits[0]
    only_ones = train.take(np.flatnonzero(train.labels == 1))
    one = build_learner(name, {}, train=train, partition=0)
    two = build_learner(name, {}, train=only_ones, partition=9)
    assert bits(one.get_parameters({"seed": 5})) == bits(two.get_parameters({"seed": 5}))
    shapes = [array.shape for array in one.get_parameters({"seed": 5})]
    assert shapes[-2:] == [(10, shapes[-2][1]), (10,)]


def test_get_parameters__mlp_under_other_seed__is_another_genesis(
    digits: tuple[Dataset, Dataset],
) -> None:
    mlp = build_learner("mlp", {}, train=digits[0])
    assert bits(mlp.get_parameters({"seed": 5})) != bits(mlp.get_parameters({"seed": 6}))


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_fit_and_evaluate__bytes__equal_the_scaled_floats(name: str) -> None:
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, (1500, 6)).astype(np.uint8)
    labels = generator.integers(0, 3, 1500)
    classes = ("a", "b", "c")
    as_bytes = build_learner(name, {}, train=Dataset("toy", images, labels, classes))
    floats = (images / 255).astype(np.float32)
    as_floats = build_learner(name, {}, train=Dataset("toy", floats, labels, classes))
    start = as_bytes.get_parameters(CONFIG)
    assert bits(as_bytes.fit(start, CONFIG)[0]) == bits(as_floats.fit(start, CONFIG)[0])
    assert as_bytes.evaluate(start, CONFIG) == as_floats.evaluate(start, CONFIG)


def test_evaluate__class_without_a_sample__is_left_out(digits: tuple[Dataset, Dataset]) -> None:
    train, held_out = digits
    evens = held_out.take(np.flatnonzero(held_out.labels % 2 == 0))
    learner = build_learner("softmax", {}, train=train, test=evens)
    _, samples, metrics = learner.evaluate(learner.get_parameters(CONFIG), CONFIG)
    assert samples == evens.samples
    assert list(metrics["accuracy_by_class"]) == list("02468")
    assert metrics["accuracy_by_class"]["0"] == 1.0  # zeros: all classes tie, the lowest is said


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"round": 1}, "config seed: expected an integer of at least 0, got None"),
        ({"seed": 1}, "config round: expected an integer of at least 0, got None"),
        ({"seed": -1, "round": 1}, "config seed: expected an integer of at least 0, got -1"),
        ({"seed": 1, "round": 1.0}, "config round: expected an integer of at least 0, got 1.0"),
        ({"seed": 1, "round": True}, "config round: expected an integer of at least 0, got True"),
    ],
)
def test_fit__config_without_seed_or_round__is_refused(
    learner: Learner, config: dict, message: str
) -> None:
    start = learner.get_parameters(CONFIG)
    with pytest.raises(InvalidConfig) as caught:
        learner.fit(start, config)
    assert str(caught.value) == message


def test_fit_and_evaluate__parameters_of_another_model__are_refused(learner: Learner) -> None:
    start = learner.get_parameters(CONFIG)[:-1]
    for call in (learner.fit, learner.evaluate):
        with pytest.raises(InvalidParameters, match=r"^parameters: expected \[\("):
            call(start, CONFIG)
