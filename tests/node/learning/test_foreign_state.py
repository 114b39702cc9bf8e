"""A state that somebody else has written: what is data is read, and nothing is run."""

import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from node.learning.context import State, read_state, recall_state
from node.learning.errors import StateForeign, StateRefused
from node.learning.foreign_state import load_foreign
from node.learning.hosting import STATE, Place


class Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, target):
        self._target = target

    def __reduce__(self):
        return os.system, (f"touch {self._target}",)


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.array(["a", "längst"]),
        np.array(1 + 2j),
        np.zeros((0, 3), np.int8),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_load_foreign__an_array__is_the_same_to_the_bit(array, protocol):
    pickled = pickle.dumps(array, protocol)
    found, usual = load_foreign(pickled), pickle.loads(pickled)
    assert (found.dtype, found.shape) == (usual.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("protocol", [4, 5])
def test_load_foreign__what_a_state_holds__is_the_same(protocol):
    state = {
        "holdfast.kept": [(b"key", {"arrays": [np.ones(2)]})],
        "of numpy": (np.float64(0.1), np.int64(3), np.str_("a"), np.bool_(True)),
        "plain": (1, 2.5, 3j, True, None, "text", {1, 2}, frozenset({3}), bytearray(b"b")),
    }
    found = load_foreign(pickle.dumps(state, protocol))
    np.testing.assert_array_equal(found["holdfast.kept"][0][1]["arrays"][0], np.ones(2))
    assert found["of numpy"] == state["of numpy"]
    assert [type(each) for each in found["of numpy"]] == [type(each) for each in state["of numpy"]]
    assert found["plain"] == state["plain"]


def test_recall_state__a_state_that_would_run_a_command__is_left_out_and_nothing_runs(tmp_path):
    target = tmp_path / "ran"
    (tmp_path / STATE).write_bytes(pickle.dumps({"a": 1, "b": Payload(target)}))
    assert recall_state(Place(notes=tmp_path, is_foreign=True)) == State()
    with pytest.raises(StateForeign, match=r"containers of them, got posix\.system$"):
        read_state(tmp_path, is_foreign=True)
    assert not target.exists()
    # The same would run where a peer reads its own: the payload is one.
    assert recall_state(Place(notes=tmp_path))["a"] == 1
    assert target.exists()


@pytest.mark.parametrize("state", [OrderedDict(a=1), {"a": State(b=1)}, {"a": Place()}])
def test_load_foreign__another_class__is_named(state):
    with pytest.raises(StateForeign, match=r"got (collections|node\.learning)\..*"):
        load_foreign(pickle.dumps(state))


class Forged:
    """An array of objects whose content is bytes: addresses, where it was believed."""

    def __reduce__(self):
        from numpy._core.multiarray import _reconstruct

        return _reconstruct, (np.ndarray, (0,), b"b"), (1, (1,), ForgedDtype(), False, b"A" * 8)


class ForgedDtype:
    def __reduce__(self):
        return np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0)


@pytest.mark.parametrize(
    "array", [Forged(), np.array([{}, 1]), np.zeros(1, "i4,f4"), np.zeros(1, "M8[s]")]
)
def test_load_foreign__an_array_of_anything_but_numbers_and_texts__is_refused(array):
    with pytest.raises(StateForeign, match=r"numpy\.dtype: expected one of numbers or texts"):
        load_foreign(pickle.dumps({"a": array}))


def test_read_state__a_damaged_foreign_one__is_named(tmp_path):
    (tmp_path / STATE).write_bytes(pickle.dumps({"a": np.ones(3)})[:-9])
    with pytest.raises(StateRefused, match=rf"{STATE}: expected a learner's state"):
        read_state(tmp_path, is_foreign=True)
