import pickle

import numpy as np
import pytest

from node.data.dataset import Dataset, encode_labels
from node.data.errors import InvalidDataset
from node.errors import NodeError

FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3)
LABELS = np.array([1, 0, 1, 0])


def build(features=FEATURES, labels=LABELS, classes=("no", "yes")) -> Dataset:
    return Dataset(name="toy", features=features, labels=labels, classes=classes)


def test_dataset__fitting_arrays__knows_its_size_and_is_read_only() -> None:
    dataset = build()
    assert (dataset.samples, dataset.width) == (4, 3)
    assert dataset.class_counts().tolist() == [2, 2]
    with pytest.raises(ValueError, match="read-only"):
        dataset.features[0, 0] = 1.0
    FEATURES[0, 0] = 0.0  # the caller's own array stays writable


def test_take__some_rows__keeps_their_order_and_all_classes() -> None:
    part = build().take(np.array([2, 0]))
    assert part.features.tolist() == FEATURES[[2, 0]].tolist()
    assert part.labels.tolist() == [1, 1]
    assert part.classes == ("no", "yes")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"features": FEATURES.ravel()},
            "data set toy: expected features of shape (n, k), n and k at least 1, got shape (12,)",
        ),
        (
            {"features": FEATURES[:0], "labels": LABELS[:0]},
            "data set toy: expected features of shape (n, k), n and k at least 1, got shape (0, 3)",
        ),
        (
            {"features": FEATURES.astype(np.float64)},
            "data set toy: expected features of type uint8 or float32, got float64",
        ),
        (
            {"labels": LABELS[:3]},
            "data set toy: expected labels of shape (4,) and type int64, got shape (3,), int64",
        ),
        (
            {"labels": LABELS.astype(np.int32)},
            "data set toy: expected labels of shape (4,) and type int64, got shape (4,), int32",
        ),
        ({"classes": ("no",)}, "data set toy: expected at least two classes, got no"),
        ({"labels": LABELS + 1}, "data set toy: expected labels from 0 to 1, got 1 to 2"),
        ({"labels": LABELS - 1}, "data set toy: expected labels from 0 to 1, got -1 to 0"),
        (
            {"features": np.where(FEATURES == 7, np.nan, FEATURES)},
            "data set toy: expected finite features, got NaN or infinity in row 2",
        ),
    ],
)
def test_dataset__one_thing_wrong__says_which(change: dict, message: str) -> None:
    with pytest.raises(InvalidDataset) as caught:
        build(**change)
    assert str(caught.value) == message


def test_dataset__opposite_infinities__are_not_finite() -> None:
    features = FEATURES.copy()
    features[1, 0], features[3, 0] = np.inf, -np.inf
    with np.errstate(invalid="ignore"), pytest.raises(InvalidDataset, match="row 1"):
        build(features)


def test_data_error__through_a_worker_process__keeps_its_parts() -> None:
    error = InvalidDataset("data set toy", expected="this", got="that")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, NodeError)
    assert (str(copy), copy.expected, copy.got) == (str(error), "this", "that")


def test_encode_labels__integers__sort_by_value() -> None:
    labels, classes = encode_labels(np.array([10, 9, -1, 10]))
    assert (labels.tolist(), classes) == ([2, 1, 0, 2], ("-1", "9", "10"))
    assert labels.dtype == np.int64


def test_encode_labels__text__sorts_by_code_point() -> None:
    labels, classes = encode_labels(np.array(["b", "a", "B"]))
    assert (labels.tolist(), classes) == ([2, 1, 0], ("B", "a", "b"))


def test_group_columns__names__features_of_one_column_go_together() -> None:
    named = Dataset("toy", FEATURES, LABELS, ("no", "yes"), columns=("sex", "age", "sex"))
    assert named.group_columns() == (("sex", (0, 2)), ("age", (1,)))
    assert named.take(np.array([1])).columns == ("sex", "age", "sex")
    assert named.fingerprint() == build().fingerprint()
    assert [name for name, _ in build().group_columns()] == ["column 0", "column 1", "column 2"]
    with pytest.raises(InvalidDataset, match="expected 3 names of columns, got 2"):
        Dataset("toy", FEATURES, LABELS, ("no", "yes"), columns=("sex", "age"))
