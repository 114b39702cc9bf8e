"""What a factory is called with, and what of it lasts."""

import pickle
from stat import S_IMODE

import numpy as np
import pytest

from node.data.dataset import Dataset
from node.learning.context import State, describe_data, read_state, write_state
from node.learning.errors import StateRefused
from node.learning.hosting import STATE
from node.whole_file import OWNERS


class ArrayRecord:
    """As Flower calls its records of arrays."""


def test_read_state__nothing_kept__is_empty(tmp_path):
    assert read_state(tmp_path) == State()
    assert read_state(None) == State()


def test_write_state__read_again__is_the_same_to_the_bit(tmp_path):
    array = np.array([0.1, np.pi], np.float32)
    write_state(tmp_path, State(head=array, rounds=3))
    found = read_state(tmp_path)
    assert found["rounds"] == 3
    assert found["head"].dtype == np.float32
    assert found["head"].tobytes() == array.tobytes()


def test_write_state__nothing_to_remember__writes_no_file(tmp_path):
    write_state(tmp_path, State())
    assert list(tmp_path.iterdir()) == []


def test_write_state__emptied__is_empty_afterwards(tmp_path):
    write_state(tmp_path, State(a=1))
    write_state(tmp_path, State())
    assert read_state(tmp_path) == State()


def test_write_state__what_does_not_pickle__is_refused_and_the_last_stays(tmp_path):
    write_state(tmp_path, State(a=1))
    with pytest.raises(StateRefused, match="expected values that pickle, got"):
        write_state(tmp_path, State(a=lambda: 1))
    assert read_state(tmp_path) == State(a=1)


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps({"a": 1})[:-3]])
def test_read_state__a_damaged_file__is_named(tmp_path, content):
    (tmp_path / STATE).write_bytes(content)
    with pytest.raises(StateRefused, match=rf"{STATE}: expected a learner's state"):
        read_state(tmp_path)


def test_state__flowers_views__have_the_records_of_their_kind():
    record = ArrayRecord()
    state = State(head=record, other=3)
    assert state.array_records == {"head": record}
    assert state.metric_records == state.config_records == {}


def test_describe_data__a_peers_rows__are_given_as_arrays():
    train = Dataset("toy", np.eye(2, dtype=np.float32), np.array([0, 1]), ("a", "b"))
    data = describe_data(train, None)
    assert data is not None
    assert (data.x_train is train.features, data.y_test is train.labels) == (True, True)
    assert data.classes == ("a", "b")
    assert describe_data(None, None) is None


def test_write_state__a_new_file__is_its_owners_alone(tmp_path):
    write_state(tmp_path, State(head=[1.0]))
    assert S_IMODE((tmp_path / STATE).stat().st_mode) == OWNERS
