import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.data.errors import DataError, UnreadableFile
from node.data.npz_file import read_npz
from node.data.share import Share

IMAGES = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
LABELS = np.array([7, 3, 7, 3], dtype=np.uint8)


def write(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "own.npz"
    np.savez_compressed(path, **arrays)
    return path


def test_read_npz__images__are_flattened_and_stay_bytes(tmp_path: Path) -> None:
    dataset = read_npz(write(tmp_path, x=IMAGES, y=LABELS))
    assert dataset.features.dtype == np.uint8
    assert dataset.features.tolist() == IMAGES.reshape(4, 6).tolist()
    assert dataset.labels.tolist() == [1, 0, 1, 0]
    assert dataset.classes == ("3", "7")


def test_read_npz__train_and_test_part__reads_the_part_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:2], y_test=LABELS[:2])
    assert read_npz(path).samples == 4
    assert read_npz(path, keys=("x_test", "y_test")).samples == 2


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64, np.bool_])
def test_read_npz__other_numbers__become_float32_unscaled(tmp_path: Path, kind: type) -> None:
    values = IMAGES.reshape(4, 6).astype(kind)
    dataset = read_npz(write(tmp_path, x=values, y=np.array(["b", "a", "b", "a"])))
    assert dataset.features.dtype == np.float32
    assert dataset.features.tolist() == values.astype(np.float32).tolist()
    assert dataset.classes == ("a", "b")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": LABELS}, "expected arrays x and y or x_train and y_train, got 'a'"),
        ({}, "expected arrays x and y or x_train and y_train, got no array"),
        (
            {"x": LABELS, "y": LABELS},
            "expected numbers of shape (n, …) under x, got uint8 of shape (4,)",
        ),
        (
            {"x": IMAGES.astype(str), "y": LABELS},
            "expected numbers of shape (n, …) under x, got <U3 of shape (4, 2, 3)",
        ),
        (
            {"x": IMAGES, "y": LABELS[:3]},
            "expected 4 integers or texts under y, got uint8 of shape (3,)",
        ),
        (
            {"x": IMAGES, "y": LABELS / 2},
            "expected 4 integers or texts under y, got float64 of shape (4,)",
        ),
        ({"x": IMAGES, "y": LABELS * 0}, "array y: expected at least 2 classes, got 1"),
        (
            {"x": IMAGES, "y": np.array(["a", "", "a", "b"])},
            "array y, row 2: expected a class, got an empty text",
        ),
        (
            {"x": np.where(IMAGES == 20, np.nan, IMAGES), "y": LABELS},
            "array x, row 4, column 3: expected a number that is finite as float32, got nan",
        ),
        (
            {"x": IMAGES * 1e300, "y": LABELS},
            "array x, row 1, column 2: expected a number that is finite as float32, got 1e+300",
        ),
    ],
)
def test_read_npz__arrays_that_are_no_data_set__says_why(
    tmp_path: Path, arrays: dict, message: str
) -> None:
    path = write(tmp_path, **arrays)
    with pytest.raises(DataError) as caught:
        read_npz(path)
    assert str(caught.value) == f"{path}: {message}"


def test_read_npz__pickled_objects__are_not_unpickled(tmp_path: Path) -> None:
    objects = np.array([{"a": 1}] * 4, dtype=object)
    path = tmp_path / "own.npz"
    np.savez(path, x=IMAGES, y=objects)
    with pytest.raises(UnreadableFile, match="archive of plain arrays, got Object arrays"):
        read_npz(path)


def test_read_npz__single_array_file__is_no_archive(tmp_path: Path) -> None:
    with (tmp_path / "own.npz").open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(UnreadableFile) as caught:
        read_npz(tmp_path / "own.npz")
    assert str(caught.value) == (
        f"{tmp_path / 'own.npz'}: expected a whole .npz archive of plain arrays, "
        "got File is not a zip file"
    )


@settings(max_examples=300)
@given(data=st.data())
def test_read_npz__truncated_or_flipped__is_one_clear_error_or_the_same_data(
    data: st.DataObject,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), x=IMAGES, y=LABELS)
        whole = path.read_bytes()
        if data.draw(st.booleans(), label="truncate"):
            path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        else:
            damaged = bytearray(whole)
            damaged[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
            path.write_bytes(damaged)
        try:
            dataset = read_npz(path)
        except DataError as error:
            message = str(error)
        else:
            message = f"{path}: expected "
            assert dataset.features.tolist() == IMAGES.reshape(4, 6).tolist()
            assert dataset.labels.tolist() == [1, 0, 1, 0]
    assert message.startswith(f"{path}: expected ")
    assert "\n" not in message


def test_read_npz__many_classes_in_few_rows__are_read_and_remarked_upon(tmp_path: Path) -> None:
    labels = np.array([*range(10), *range(5)])
    path = write(tmp_path, x=np.ones((15, 2), np.uint8), y=labels)
    told = "10 classes in 15 rows: labels that measure something are no classes"
    assert read_npz(path).recipe.remarks == (told,)
    training, held_out = Share(str(path), None, None, "iid", 0.2, seed=0).load()
    assert training is not None
    assert held_out is not None
    assert training.samples + held_out.samples == 15
    assert read_npz(write(tmp_path, x=IMAGES, y=LABELS)).recipe.remarks == ()
