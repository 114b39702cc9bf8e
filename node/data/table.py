"""From the cells of a table to a data set, as its schema declares: a CSV file's, or Parquet's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset, encode_labels
from node.data.errors import InvalidCell, InvalidSchema, UnreadableFile
from node.data.scaling import scale_column
from node.data.schema import Column, Kind, Missing, Schema, Target

STRATA = 10
"""By rank, of a number that is learned: what splits and partitions take for classes."""


@dataclass(frozen=True)
class Table:
    """Cells as they were read, by row; `places` says where each row stands, as "line 3". A cell
    that is empty is None or "". `rows` is not empty, and each has a cell for every column."""

    path: Path
    columns: Sequence[str]
    places: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def name_cell(self, row: int, column: str) -> str:
        """Return where a cell stands."""
        return f"{self.path}, {self.places[row]}, column {column}"


def build_dataset(table: Table, label: str | None, schema: Schema) -> Dataset:
    """Return the data set that a table is. `label` names the column to learn, the last by default.

    Raises InvalidCell (file, line or row, column, text), UnreadableFile and InvalidSchema.
    """
    target = _find_target(table, label)
    for name in schema.columns:
        if name not in table.columns:
            known = ", ".join(table.columns)
            raise InvalidSchema(f"{table.path}, columns declared", f"some of {known}", repr(name))
    used = [name for name in table.columns if schema.find(name).kind is not Kind.IGNORE]
    if schema.missing is Missing.DROP:
        table = _drop_incomplete(table, used)
    cells = dict(zip(table.columns, zip(*table.rows, strict=True), strict=True))
    blocks, names, groups = [], list[str](), None
    for name in used:
        column = schema.find(name)
        if name == target:
            continue
        if column.kind is Kind.GROUP:
            groups, _ = encode_labels(np.array(_read_texts(table, name, cells[name], "a group")))
        elif column.kind is Kind.CATEGORY:
            blocks.append(_encode_category(table, name, cells[name], column, schema))
        else:
            blocks.append(_encode_number(table, name, cells[name], column, schema))
        names += [name] * (sum(block.shape[1] for block in blocks) - len(names))
    if not blocks:
        raise UnreadableFile(str(table.path), "a column beside the target", "none")
    labels, classes, targets = _read_target(table, target, cells[target], schema)
    return Dataset(
        name=table.path.name,
        features=np.concatenate(blocks, axis=1, dtype=np.float32),
        labels=labels,
        classes=classes,
        targets=targets,
        groups=groups,
        columns=tuple(names),
    )


def to_number(cell: object) -> float | None:
    """Return the number that a cell is, or None."""
    if isinstance(cell, str) and "_" in cell:
        return None  # Python reads 1_000 as a number; nobody who writes tables does
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _find_target(table: Table, label: str | None) -> str:
    if label is None:
        return table.columns[-1]
    if label not in table.columns:
        known = ", ".join(table.columns)
        raise UnreadableFile(str(table.path), f"a label column out of {known}", repr(label))
    return label


def _drop_incomplete(table: Table, used: Sequence[str]) -> Table:
    places = [table.columns.index(name) for name in used]
    whole = [
        row
        for row, cells in enumerate(table.rows)
        if not any(_is_missing(cells[place]) for place in places)
    ]
    if not whole:
        raise UnreadableFile(str(table.path), "a row without an empty cell", "none")
    return Table(
        table.path,
        table.columns,
        [table.places[row] for row in whole],
        [table.rows[row] for row in whole],
    )


def _encode_number(
    table: Table, name: str, cells: Sequence[Any], column: Column, schema: Schema
) -> NDArray[np.float32]:
    values = np.empty(len(cells), dtype=np.float64)
    for row, cell in enumerate(cells):
        number = math.nan
        if not _is_missing(cell) or schema.missing is not Missing.FILL:
            number = _read_number(table, row, name, cell)
        values[row] = number
    is_there = ~np.isnan(values)
    if not is_there.all():
        if column.mean is None and not is_there.any():
            raise UnreadableFile(f"{table.path}, column {name}", "a number in some row", "none")
        values[~is_there] = values[is_there].mean() if column.mean is None else column.mean
    return scale_column(values, schema.scaling, column.mean, column.deviation)


def _encode_category(
    table: Table, name: str, cells: Sequence[Any], column: Column, schema: Schema
) -> NDArray[np.float32]:
    """Return a column of ones and zeros for each value."""
    fills = schema.missing is Missing.FILL
    texts = _read_texts(table, name, cells, "a category", is_empty_fine=fills)
    values = column.values or tuple(sorted({text for text in texts if text}))
    places = {value: place for place, value in enumerate(values)}
    encoded = np.zeros((len(texts), len(values)), dtype=np.float32)
    for row, text in enumerate(texts):
        if text in places:
            encoded[row, places[text]] = 1
        elif text:
            expected = f"one of {', '.join(values)}"
            raise InvalidCell(table.name_cell(row, name), expected, repr(text))
    return encoded


def _read_target(
    table: Table, name: str, cells: Sequence[Any], schema: Schema
) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float32] | None]:
    if schema.target is Target.NUMBER:
        numbers = [_read_number(table, row, name, cell) for row, cell in enumerate(cells)]
        targets = np.array(numbers, dtype=np.float64)
        edges = np.quantile(targets, np.arange(1, STRATA) / STRATA)
        strata, found = encode_labels(np.searchsorted(edges, targets))
        if len(found) < 2:
            raise UnreadableFile(
                f"{table.path}, label column {name}", "numbers that differ", "one number"
            )
        names = tuple(f"tenth {int(each) + 1}" for each in found)
        return strata, names, targets.astype(np.float32)
    texts = _read_texts(table, name, cells, "a class")
    labels, classes = encode_labels(_as_integers(texts))
    _check_classes(table.path, name, len(texts), classes)
    return labels, classes, None


def _read_number(table: Table, row: int, column: str, cell: object) -> float:
    number = None if _is_missing(cell) else to_number(cell)
    if number is None or not math.isfinite(number):
        got = "an empty cell" if _is_missing(cell) else repr(cell)
        raise InvalidCell(table.name_cell(row, column), "a number", got)
    return number


def _read_texts(
    table: Table, column: str, cells: Sequence[Any], expected: str, *, is_empty_fine: bool = False
) -> list[str]:
    texts = ["" if _is_missing(cell) else str(cell) for cell in cells]
    if not is_empty_fine and "" in texts:
        where = table.name_cell(texts.index(""), column)
        raise InvalidCell(where, expected, "an empty cell")
    return texts


def _is_missing(cell: object) -> bool:
    # A NaN of Parquet's is a missing value; one that somebody wrote as text is no number.
    return cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell))


def _as_integers(texts: list[str]) -> NDArray[np.int64] | NDArray[np.str_]:
    """Return labels that are all plain integers as such, so that 9 sorts before 10; else text."""
    try:
        values = np.array([int(text) for text in texts], dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array(texts)
    # 07 and 7 are two classes: what does not read back as it was written is text.
    is_plain = all(str(value) == text for value, text in zip(values, texts, strict=True))
    return values if is_plain else np.array(texts)


def _check_classes(path: Path, column: str, rows: int, classes: tuple[str, ...]) -> None:
    # More classes than half the rows is a column of measurements, not of classes.
    if not 2 <= len(classes) <= max(2, rows // 2):
        raise UnreadableFile(
            f"{path}, label column {column}",
            expected=f"from 2 to {max(2, rows // 2)} classes in {rows} rows",
            got=str(len(classes)),
        )
