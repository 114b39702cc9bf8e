import sys
from pathlib import Path

import numpy as np
import pytest

from node.data.errors import MissingPackage, UnknownSource, UnreadableFile
from node.data.sources import load


def test_load__digits__has_intensities_and_ten_classes() -> None:
    dataset = load("digits")
    assert (dataset.name, dataset.samples, dataset.width) == ("digits", 1797, 64)
    assert dataset.classes == tuple("0123456789")
    assert (dataset.features.min(), dataset.features.max()) == (0.0, 1.0)
    assert dataset.class_counts().min() == 174


@pytest.mark.parametrize("source", ["breast_cancer", "breast-cancer"])
def test_load__breast_cancer__is_standardised(source: str) -> None:
    dataset = load(source)
    assert (dataset.name, dataset.samples, dataset.width) == ("breast_cancer", 569, 30)
    assert dataset.classes == ("malignant", "benign")
    assert np.allclose(dataset.features.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(dataset.features.std(axis=0), 1, atol=1e-5)


def test_load__same_source_twice__is_the_same_data() -> None:
    first, second = load("digits"), load("digits")
    assert first.features.tobytes() == second.features.tobytes()
    assert first.labels.tobytes() == second.labels.tobytes()


@pytest.mark.parametrize("source", ["irs", "", "digits.txt", "csv"])
def test_load__unknown_name__lists_the_known(source: str) -> None:
    with pytest.raises(UnknownSource) as caught:
        load(source)
    assert str(caught.value) == (
        "data set: expected digits, breast_cancer, a folder of pictures, or a path ending in "
        ".csv, .parquet or .npz, "
        f"got {source!r}"
    )


def test_load__label_column_of_no_table__is_refused() -> None:
    with pytest.raises(UnknownSource) as caught:
        load("digits", label="class")
    assert str(caught.value) == "label column 'class': expected a .csv or .parquet file, got digits"


def test_load__without_scikit_learn__says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingPackage) as caught:
        load("digits")
    assert caught.value.expected == "scikit-learn (pip install 'holdfast[learn]')"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.csv", "absent.npz", "ABSENT.CSV"])
def test_load__absent_file__says_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        load(str(tmp_path / name))
    assert str(caught.value) == f"{tmp_path / name}: expected a file, got none of that name"


def test_load__files__are_read_by_their_ending(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2), np.uint8), y=np.array([0, 1, 0, 1]))
    (tmp_path / "a.csv").write_text("x,y,kind\n1,2,a\n2,1,b\n3,1,a\n1,4,b\n")
    assert load(str(tmp_path / "a.npz")).name == "a.npz"
    assert load(str(tmp_path / "a.csv")).classes == ("a", "b")
    assert load(str(tmp_path / "a.csv"), label="kind").width == 2
