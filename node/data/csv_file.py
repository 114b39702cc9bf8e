"""Read a data set from a CSV file of the user's own: numbers, and one column of labels."""

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset, encode_labels
from node.data.errors import InvalidCell, UnreadableFile
from node.data.scaling import standardise

Record = tuple[int, list[str]]  # the line of the file on which it starts, from 1, and its cells


def read_csv(path: Path, *, label: str | None = None) -> Dataset:
    """Return a comma-separated UTF-8 file as a data set, features standardised.

    The first line names the columns. `label` names the column of the classes, the last one by
    default: text or integers, classes in sorted order. All others hold numbers; an empty cell, a
    NaN or an infinity is refused, for a guess at a missing value would be part of the model.

    Raises InvalidCell (file, line from 1, column, text) and UnreadableFile.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            records = list(_read_records(lines))
    except FileNotFoundError as error:
        raise UnreadableFile(str(path), expected="a file", got="none of that name") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(str(path), expected="CSV text in UTF-8", got=str(error)) from error
    columns = _check_header(path, records)
    label_at = _find_label(path, columns, label)
    rows = records[1:]
    features = np.empty((len(rows), len(columns) - 1), dtype=np.float64)
    texts = []
    for index, (line, cells) in enumerate(rows):
        if len(cells) != len(columns):
            raise UnreadableFile(
                f"{path}, line {line}", expected=f"{len(columns)} cells", got=str(len(cells))
            )
        texts.append(_parse_label(path, line, columns[label_at], cells[label_at]))
        features[index] = [
            _parse_number(path, line, column, text)
            for at, (column, text) in enumerate(zip(columns, cells, strict=True))
            if at != label_at
        ]
    labels, classes = encode_labels(_as_integers(texts))
    _check_classes(path, columns[label_at], len(rows), classes)
    return Dataset(name=path.name, features=standardise(features), labels=labels, classes=classes)


def _read_records(lines: Iterable[str]) -> Iterator[Record]:
    """Yield records with the line each starts on: a quoted cell may span several; skip blanks."""
    reader = csv.reader(lines, strict=True)
    start = 1
    for cells in reader:
        if cells:
            yield start, [cell.strip() for cell in cells]
        start = reader.line_num + 1


def _check_header(path: Path, records: list[Record]) -> list[str]:
    columns = records[0][1] if records else []
    if len(columns) < 2:
        raise UnreadableFile(
            str(path),
            expected="a header line of at least two comma-separated columns",
            got=repr(",".join(columns)),
        )
    if all(_to_number(column) is not None for column in columns):
        raise UnreadableFile(
            str(path), expected="a header line that names the columns", got=",".join(columns)
        )
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise UnreadableFile(
            str(path), expected="columns of different names", got=f"{repeated[0]!r} twice"
        )
    if len(records) == 1:
        raise UnreadableFile(str(path), expected="rows under the header", got="none")
    return columns


def _find_label(path: Path, columns: list[str], label: str | None) -> int:
    if label is None:
        return len(columns) - 1
    if label not in columns:
        raise UnreadableFile(
            str(path), expected=f"a label column out of {', '.join(columns)}", got=repr(label)
        )
    return columns.index(label)


def _parse_number(path: Path, line: int, column: str, text: str) -> float:
    number = _to_number(text)
    if number is None or not math.isfinite(number):
        raise InvalidCell(
            f"{path}, line {line}, column {column}",
            expected="a number",
            got=repr(text) if text else "an empty cell",
        )
    return number


def _parse_label(path: Path, line: int, column: str, text: str) -> str:
    if not text:
        raise InvalidCell(
            f"{path}, line {line}, column {column}", expected="a class", got="an empty cell"
        )
    return text


def _to_number(text: str) -> float | None:
    if "_" in text:  # Python reads 1_000 as a number; nobody who writes CSV does
        return None
    try:
        return float(text)
    except ValueError:
        return None


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
