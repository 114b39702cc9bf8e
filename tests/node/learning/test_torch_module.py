"""A torch module as a learner; skipped where torch is not installed."""

import numpy as np
import pytest

from node.errors import NotFinite
from node.learning.context import Data, State
from node.learning.errors import InvalidOption, InvalidParameters, UnknownShape
from node.learning.guest import Guest
from node.learning.hosting import Place
from node.learning.keeping import KEY, Keeping, choose_kept, describe_shared
from node.learning.memory import Line, Memory
from node.learning.shapes import recognise

torch = pytest.importorskip("torch", reason="torch is an extra (pip install 'holdfast[torch]')")


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 4)).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(np.int64)
    return Data(x[:150], y[:150], x[150:], y[150:], ("no", "yes"))


def describe(**changes):
    torch.manual_seed(0)
    fields = {
        "model": torch.nn.Sequential(
            torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.ReLU(), torch.nn.Linear(6, 2)
        ),
        "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.2, momentum=0.9),
        "loss": torch.nn.functional.cross_entropy,
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not None}


def build(data, fields=None, **options):
    place = Place()
    return Guest(recognise(fields or describe(), options, place, data), options, place)


def test_get_parameters__batch_normalisation__names_and_dtypes_of_all_state(data):
    learner = build(data)
    arrays = learner.get_parameters({"seed": 0})
    by_name = dict(zip(learner.parameter_names, arrays, strict=True))
    assert by_name["1.running_var"].dtype == np.float32
    assert by_name["1.num_batches_tracked"].dtype == np.int64
    kept = choose_kept(learner.parameter_names, arrays)
    assert [each.name for each in kept] == ["1.num_batches_tracked"]


def test_fit__all_state__goes_in_and_out_to_the_bit(data):
    learner = build(data, epochs=0)
    generator = np.random.default_rng(1)
    sent = [
        (generator.random(a.shape) * 9).astype(a.dtype) for a in learner.get_parameters({"seed": 0})
    ]
    got, _, _ = learner.fit([array.copy() for array in sent], {"seed": 0, "round": 1})
    assert [a.dtype for a in got] == [a.dtype for a in sent]
    assert all(np.array_equal(a, b) for a, b in zip(got, sent, strict=True))


def test_fit__rounds__learn_and_repeat(data):
    results = []
    for _ in range(2):
        learner = build(data, epochs=2, batch_size=16)
        arrays = learner.get_parameters({"seed": 0})
        for number in (1, 2, 3):
            arrays, samples, metrics = learner.fit(arrays, {"seed": 0, "round": number})
        assert (samples, metrics["steps"]) == (150, 20)
        results.append(arrays)
        metrics = learner.evaluate(arrays, {"seed": 0, "round": 0})[2]
        assert metrics["accuracy"] > 0.85
        assert min(metrics["accuracy_by_class"].values()) > 0.5
    pairs = zip(*results, strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_fit__under_a_federation__counts_batches_at_home(data):
    learner, state = build(data, batch_size=50), State()
    arrays = learner.get_parameters({"seed": 0})
    kept = choose_kept(learner.parameter_names, arrays)
    keeping = Keeping(learner, kept, state)
    layout = describe_shared(learner.parameter_names, arrays, kept)
    head = layout.unflatten(layout.flatten(keeping.get_parameters({"seed": 0})))
    for number, line in ((1, Line(b"1")), (2, Line(b"2", ((b"1", 1),)))):
        head, _, _ = keeping.fit(head, {"seed": 0, "round": number, "line": line})
    assert [int(each) for each in Memory(state, KEY).latest()["arrays"]] == [6]


def test_evaluate__a_variance_a_unit_below_zero__is_taken_as_zero(data):
    learner = build(data)
    arrays = learner.get_parameters({"seed": 0})
    place = learner.parameter_names.index("1.running_var")
    arrays[place] = arrays[place] * 0 - np.float32(2.0**-14)
    loss, _, _ = learner.evaluate(arrays, {"seed": 0, "round": 0})
    assert np.isfinite(loss)


def test_fit__loaders_of_ones_own__are_used(data):
    rows = torch.utils.data.TensorDataset(
        torch.from_numpy(data.x_train.copy()), torch.from_numpy(data.y_train.copy())
    )
    loader = torch.utils.data.DataLoader(rows, batch_size=30, shuffle=True)
    learner = build(None, describe(train=loader, test=loader, epochs=2))
    arrays, samples, metrics = learner.fit(
        learner.get_parameters({"seed": 0}), {"seed": 0, "round": 1}
    )
    assert (samples, metrics["steps"]) == (150, 10)
    assert learner.evaluate(arrays, {"seed": 0, "round": 0})[1] == 150


def test_fit__a_rate_too_high__is_told_as_no_number(data):
    fields = describe(optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1e30))
    learner = build(data, fields)
    arrays = learner.get_parameters({"seed": 0})
    layout = describe_shared(learner.parameter_names, arrays, ())
    got, _, _ = learner.fit(arrays, {"seed": 0, "round": 1})
    with pytest.raises(NotFinite, match="expected a finite number"):
        layout.flatten(got)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"optimizer": None}, "optimizer: expected a function from parameters to an optimizer"),
        ({"loss": 3}, "loss: expected a function of outputs and targets, got int"),
        ({"lr": 3}, "expected optimizer, loss, train, test, device, epochs, got 'lr'"),
    ],
)
def test_build__a_description_that_lacks_something__says_what(data, changes, told):
    with pytest.raises(InvalidOption, match=told):
        build(data, describe(**changes))


def test_build__a_bare_module__says_that_it_needs_a_description(data):
    with pytest.raises(InvalidOption, match="description of a torch model: optimizer"):
        build(data, torch.nn.Linear(4, 2))


def test_build__neither_loader_nor_data__says_what_is_missing():
    with pytest.raises(InvalidOption, match="train: expected a loader of"):
        build(None)


def test_fit__another_shape__is_named(data):
    learner = build(data)
    arrays = learner.get_parameters({"seed": 0})
    arrays[0] = arrays[0].T
    with pytest.raises(InvalidParameters, match=r"0\.weight: expected \(6, 4\), got \(4, 6\)"):
        learner.fit(arrays, {"seed": 0, "round": 1})


def test_get_parameters__a_dtype_that_numpy_lacks__is_named(data):
    learner = build(data, describe(model=torch.nn.Linear(4, 2, dtype=torch.bfloat16)))
    with pytest.raises(InvalidParameters, match=r"weight: .* numpy has, got torch\.bfloat16"):
        learner.get_parameters({"seed": 0})


def test_recognise__a_class_instead_of_an_object__is_told(data):
    with pytest.raises(UnknownShape, match="got the class Linear"):
        build(data, torch.nn.Linear)
