"""From cells to a data set as declared, with errors that say where."""

import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from node.data.cells import Table
from node.data.errors import DataError, InvalidCell, InvalidSchema, UnreadableFile
from node.data.schema import parse_schema
from node.data.table import build_dataset

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


def test_build_dataset__all_columns_declared__are_in_the_pages_order_whatever_the_files():
    columns = {**DECLARED["columns"], "age": {"mean": 50.0, "deviation": 10.0}}
    declared = {**DECLARED, "columns": columns}
    turned = Table(PATH, COLUMNS[::-1], ["line 2"] * len(ROWS), [each[::-1] for each in ROWS])
    one, other = (
        build(label="dose", **declared),
        build_dataset(turned, "dose", parse_schema(declared)),
    )
    assert one.fingerprint() == other.fingerprint()
    assert [name for name, _ in one.group_columns()] == ["sex", "age"]


def test_build_dataset__all_others_declared_and_no_label__is_refused_with_the_remedy():
    columns = {**DECLARED["columns"], "age": "number"}
    with pytest.raises(UnreadableFile) as caught:
        build(**{**DECLARED, "columns": columns})
    assert str(caught.value) == (
        "own.csv, column to learn: expected its name, as all others are declared and files may "
        'have any order (label = "..." under [data] of the page, or --label), got none'
    )
    assert build(label="dose", **{**DECLARED, "columns": columns}).width == 4


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
    assert build(label="dose", **declared).features[:, -1].tolist() == [-2, -1, 0, 1]
    # So a file of other rows comes to the same numbers for the same ages.
    assert build(ROWS[:3], label="dose", **declared).features[:, -1].tolist() == [-2, -1, 0]


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


def test_build_dataset__its_recipe__makes_the_same_features_again():
    declared = {**DECLARED["columns"], "age": {"mean": 50.0, "deviation": 10.0}, "note": "number"}
    rows = [
        [*each[:3], str(place) if place != 2 else "NA", each[4]] for place, each in enumerate(ROWS)
    ]
    data = build(rows, "dose", columns=declared, target="number", missing="fill")
    recipe = data.recipe
    again = [[make(row, each) for each in recipe.features] for row in rows]
    assert np.allclose(again, data.features, atol=1e-6)
    assert (recipe.label, recipe.group) == ("dose", "clinic")
    assert [each.own for each in recipe.features] == [
        (),
        (),
        (),
        ("minus", "fill", "divided_by"),
        (),
    ]
    assert recipe.told == (
        "numbers scaled to mean 0 and deviation 1, 1 as declared, empty cells filled"
    )


@pytest.mark.parametrize(
    ("missing", "told"),
    [("fill", "empty cells filled: 1"), ("drop", "rows left out for an empty cell: 1")],
)
def test_build_dataset__empty_cells__are_counted(missing, told):
    assert told in build(with_cell(1, "age", "?"), **DECLARED, missing=missing).recipe.remarks
    assert build(**DECLARED, missing=missing).recipe.remarks == ()


def make(row, feature):
    cell = row[COLUMNS.index(feature.column)]
    if feature.value is not None:
        return float(cell == feature.value)
    number = feature.fill if cell == "NA" else float(cell)
    return (number - feature.minus) / feature.divided_by


def test_build_dataset__columns_that_say_nothing__are_remarked_upon():
    rows = [["a", str(place), "f", str(place % 3), str(place % 2)] for place in range(10)]
    (constant, counting) = build(
        rows, columns={"clinic": "category", "sex": ["f", "m"]}
    ).recipe.remarks
    assert constant == "the same in every row: clinic, sex"
    assert counting.startswith('column age counts the rows: if it measures nothing, age = "ignore"')


def test_build_dataset__values_too_large_for_their_steps__are_remarked_upon():
    def ages(first, step):
        rows = [with_cell(row, "age", repr(first + step * (row**2)))[row] for row in range(4)]
        return build(rows, **DECLARED | {"scaling": "standard"}).recipe.remarks

    (remark,) = ages(2.0**53, 2.0)
    assert remark.startswith("values too large for their steps: age: subtract a constant from")
    assert ages(1e6, 0.01) == ages(0.0, 1e-300) == ages(-1e300, 1e299) == ()


def test_build_dataset__classes_that_the_label_lists__are_these_in_this_order():
    rows = [["n", "1", "f", "2", sick] for sick in ("yes", "no", "yes")]
    used = {"clinic": "ignore", "sex": "ignore", "dose": ["yes", "no", "NA"]}
    data = build(rows, columns=used)
    assert (data.classes, data.labels.tolist()) == (("yes", "no", "NA"), [0, 1, 0])
    with pytest.raises(
        InvalidCell, match="line 4, column dose: expected one of no, maybe, got 'ye"
    ):
        build([rows[1], rows[1], rows[0]], columns={**used, "dose": ["no", "maybe"]})


@pytest.mark.parametrize("nothing", [np.float32("nan"), Decimal("NaN"), "NaT", "<NA>"])
def test_build_dataset__other_words_for_nothing__are_empty_cells(nothing):
    for column in ("age", "sex"):
        assert build(with_cell(1, column, nothing), **DECLARED, missing="drop").samples == 3


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("age", b"30", "column age: expected a number, got b'30'"),
        ("age", 10**400, "expected a number, got an integer of more than 60 digits"),
        ("age", "1e300", "column age: expected a number within 3.4e38, once scaled, got '1e300'"),
        ("age", datetime.date(2020, 1, 2), "expected a number, got datetime.date(2020, 1, 2)"),
        ("dose", "1e300", "column dose: expected a number within 3.4e38, got '1e300'"),
        ("dose", "1,5", "got '1,5' (numbers are written 1234.5"),
        ("dose", "much", """got 'much' (target = "class" under [data] of the data page"""),
        ("sex", ["f"], "column sex: expected a category, got ['f']"),
        ("sex", b"f", "column sex: expected a category, got b'f'"),
    ],
)
def test_build_dataset__a_cell_of_another_kind__is_named(column, cell, told):
    with pytest.raises(InvalidCell) as caught:
        build(with_cell(2, column, cell), **DECLARED)
    assert f"own.csv, line 4, column {column}: expected " in str(caught.value)
    assert told in str(caught.value)


def test_build_dataset__a_category_of_names__is_refused_before_it_fills_memory():
    rows = [["n", "1", f"name {place}", "2", "x"] for place in range(1001)]
    with pytest.raises(
        UnreadableFile, match=r"column sex: expected 1 to 1000 categories .* got 1001"
    ):
        build(rows, columns={"clinic": "ignore", "sex": "category"})


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
            ROWS,
            {"columns": {"clinic": "group", "sex": "group"}},
            InvalidSchema,
            "own.csv, columns declared: expected one group, got clinic and sex",
        ),
        (
            ROWS,
            {"columns": {"dose": "ignore"}},
            InvalidSchema,
            "label column dose: expected a number, a category or the list of classes, got ignore",
        ),
        (
            ROWS,
            {"columns": {"dose": ["1.5"]}},
            InvalidSchema,
            "label column dose: expected a number, since the target is one, got a list of classes",
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
