"""From cells to a data set as declared, with errors that say where."""

from pathlib import Path

import numpy as np
import pytest

from node.data.errors import DataError, InvalidCell, InvalidSchema, UnreadableFile
from node.data.schema import parse_schema
from node.data.table import Table, build_dataset

COLUMNS = ("clinic", "age", "sex", "note", "dose")
ROWS = [
    ["north", "30", "f", "x", "1.5"],
    ["south", "40", "m", "", "2.5"],
    ["north", "50", "f", "y", "0.5"],
    ["south", "60", "m", "z", "3.5"],
]
DECLARED = {
    "columns": {"clinic": "group", "sex": ["m", "f", "other"], "note": "ignore"},
    "scaling": "none",
    "target": "number",
}
PATH = Path("own.csv")


def build(rows=ROWS, label=None, **changes):
    places = [f"line {line}" for line in range(2, len(rows) + 2)]
    return build_dataset(Table(PATH, COLUMNS, places, rows), label, parse_schema(changes))


def with_cell(row, column, cell):
    rows = [list(each) for each in ROWS]
    rows[row][COLUMNS.index(column)] = cell
    return rows


def test_build_dataset__declared_columns__are_numbers_categories_groups_and_a_target():
    data = build(**DECLARED)
    assert data.features.tolist() == [[30, 0, 1, 0], [40, 1, 0, 0], [50, 0, 1, 0], [60, 1, 0, 0]]
    assert data.targets is not None
    assert data.targets.tolist() == [1.5, 2.5, 0.5, 3.5]
    assert data.targets.dtype == np.float32
    assert data.groups is not None
    assert data.groups.tolist() == [0, 1, 0, 1]
    assert data.labels.argsort().tolist() == [2, 0, 1, 3]


def test_take__some_rows__takes_targets_and_groups_along():
    part = build(**DECLARED).take(np.array([3, 0]))
    assert part.targets is not None
    assert part.groups is not None
    assert (part.targets.tolist(), part.groups.tolist()) == ([3.5, 1.5], [1, 0])


def test_build_dataset__categories_of_the_file__are_sorted():
    declared = {**DECLARED, "columns": {**DECLARED["columns"], "sex": "category"}}
    built = build(**declared)
    assert built.features[:, 1:].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert built.group_columns() == (("age", (0,)), ("sex", (1, 2)))


@pytest.mark.parametrize(
    ("scaling", "ages"),
    [("none", [30, 40, 50, 60]), ("range", [0, 1 / 3, 2 / 3, 1]), ("standard", None)],
)
def test_build_dataset__scaling__is_as_declared(scaling, ages):
    column = build(**{**DECLARED, "scaling": scaling}).features[:, 0]
    if ages is None:
        assert np.allclose([column.mean(), column.std()], [0, 1], atol=1e-6)
    else:
        assert np.allclose(column, ages)


def test_build_dataset__a_declared_mean_and_deviation__stand_for_the_files_own():
    declared = {**DECLARED, "scaling": "standard"}
    declared["columns"] = {**DECLARED["columns"], "age": {"mean": 50.0, "deviation": 10.0}}
    assert build(**declared).features[:, 0].tolist() == [-2, -1, 0, 1]
    # So a file of other rows comes to the same numbers for the same ages.
    assert build(ROWS[:3], **declared).features[:, 0].tolist() == [-2, -1, 0]


@pytest.mark.parametrize("empty", ["", None, float("nan")])
def test_build_dataset__a_missing_number__is_refused_dropped_or_filled(empty):
    rows = with_cell(1, "age", empty)
    with pytest.raises(InvalidCell, match=r"own.csv, line 3, column age: .* got an empty cell"):
        build(rows, **DECLARED)
    assert build(rows, **DECLARED, missing="drop").features[:, 0].tolist() == [30, 50, 60]
    filled = build(rows, **DECLARED, missing="fill").features[:, 0]
    assert np.allclose(filled, [30, 140 / 3, 50, 60])


def test_build_dataset__a_missing_category__is_none_of_them_where_it_is_filled():
    rows = with_cell(0, "sex", "")
    assert build(rows, **DECLARED, missing="fill").features[0, 1:].tolist() == [0, 0, 0]
    with pytest.raises(InvalidCell, match="line 2, column sex: expected a category, got an empty"):
        build(rows, **DECLARED)


@pytest.mark.parametrize("missing", ["refuse", "fill"])
def test_build_dataset__a_missing_target__is_never_guessed(missing):
    with pytest.raises(InvalidCell, match="line 4, column dose: expected a number"):
        build(with_cell(2, "dose", ""), **DECLARED, missing=missing)


@pytest.mark.parametrize(
    ("rows", "changes", "error", "told"),
    [
        (
            with_cell(2, "sex", "x"),
            {},
            InvalidCell,
            "own.csv, line 4, column sex: expected one of m, f, other, got 'x'",
        ),
        (
            with_cell(0, "age", "old"),
            {"missing": "fill"},
            InvalidCell,
            "own.csv, line 2, column age: expected a number, got 'old'",
        ),
        (with_cell(3, "clinic", ""), {}, InvalidCell, "column clinic: expected a group, got an"),
        (
            ROWS,
            {"columns": {"height": "number"}},
            InvalidSchema,
            "own.csv, columns declared: expected some of clinic, age",
        ),
        (
            [["a", "", "f", "", "1"]] * 2,
            {"missing": "drop"},
            UnreadableFile,
            "own.csv: expected a row without an empty cell, got none",
        ),
        (
            [["a", "", "f", "", "1"], ["a", "", "m", "", "2"]],
            {"missing": "fill"},
            UnreadableFile,
            "own.csv, column age: expected a number in some row, got none",
        ),
        (
            [["a", "1", "f", "", "1"]] * 3,
            {},
            UnreadableFile,
            "own.csv, label column dose: expected numbers that differ, got one number",
        ),
    ],
)
def test_build_dataset__what_is_not_as_declared__says_where(rows, changes, error, told):
    with pytest.raises(error) as caught:
        build(rows, **{**DECLARED, **changes})
    assert isinstance(caught.value, DataError)
    assert told in str(caught.value)
