"""Read a data set from a CSV file of the user's own."""

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

from node.data.cells import Table, to_number
from node.data.dataset import Dataset
from node.data.errors import UnreadableFile
from node.data.schema import Schema
from node.data.table import build_dataset

Record = tuple[int, list[str]]  # the line of the file on which it starts, from 1, and its cells
INTEGER = re.compile(r"-?[0-9]+")
NAMED = 5
"""Columns that a remark names."""
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv(path: Path, *, label: str | None = None, schema: Schema | None = None) -> Dataset:
    """Return a comma-separated UTF-8 file as a data set, features standardised.

    The first line names the columns, also by integers that differ. `label` names the column of the
    classes, the last one by default: text or integers, classes in sorted order. All others hold
    numbers, unless the schema says otherwise; so an empty cell, a NaN or an infinity is refused,
    for a guess at a missing value would be part of the model.

    Raises InvalidCell (file, line from 1, column, text), UnreadableFile and InvalidSchema.
    """
    records = list(_read_records(path, StringIO(_read_text(path), newline="")))
    schema = schema or Schema()
    columns = _check_header(path, records, schema)
    rows = records[1:]
    for line, cells in rows:
        if len(cells) != len(columns):
            raise UnreadableFile(
                f"{path}, line {line}", expected=f"{len(columns)} cells", got=str(len(cells))
            )
    places = [f"line {line}" for line, _ in rows]
    table = Table(path, columns, places, [cells for _, cells in rows])
    dataset = build_dataset(table, label, schema)
    remarks = (*_remark_names(columns, schema), *dataset.recipe.remarks)
    return replace(dataset, recipe=replace(dataset.recipe, remarks=remarks))


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableFile(str(path), expected="a file", got="none of that name") from error
    except OSError as error:
        raise UnreadableFile(str(path), "CSV text in UTF-8", str(error)) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refuse_byte(path, content, error.start) from error
    # Of UTF-16 every other byte is one; and numpy ends a text at it.
    zero = content.find(b"\0")
    if zero >= 0:
        raise _refuse_byte(path, content, zero)
    return text


def _refuse_byte(path: Path, content: bytes, place: int) -> UnreadableFile:
    line = content.count(b"\n", 0, place) + 1
    got = f"byte 0x{content[place]:02x} (save the file as UTF-8)"
    return UnreadableFile(f"{path}, line {line}", "CSV text in UTF-8", got)


def _read_records(path: Path, lines: Iterable[str]) -> Iterator[Record]:
    """Yield records with the line each starts on: a quoted cell may span several; skip blanks."""
    reader = csv.reader(lines, strict=True)
    start = 1
    try:
        for cells in reader:
            if cells:
                yield start, [cell.strip() for cell in cells]
            start = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(f"{path}, line {start}", "CSV", str(error)) from error


def _check_header(path: Path, records: list[Record], schema: Schema) -> list[str]:
    columns = records[0][1] if records else []
    header = ",".join(columns)
    others = [
        name for mark, name in SEPARATORS.items() if header.count(mark) >= max(1, len(columns))
    ]
    if len(columns) < 2 or others:
        remedy = f" (separated by {others[0]}: save it with commas)" if others else ""
        raise UnreadableFile(
            str(path),
            expected="a header line of at least two comma-separated columns",
            got=f"{header!r}{remedy}",
        )
    is_declared = bool(schema.columns) and set(schema.columns) <= set(columns)
    if not is_declared and _are_values(columns):
        raise UnreadableFile(
            str(path),
            expected="a header line that names the columns",
            got=f"{header} (numbers: put a line of names above the data)",
        )
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated and repeated[0]:
        raise UnreadableFile(
            str(path), expected="columns of different names", got=f"{repeated[0]!r} twice"
        )
    if "" in columns:
        # So begins what pandas writes with its index, which is no measurement.
        got = f"none for column {columns.index('') + 1}"
        raise UnreadableFile(str(path), "a name for every column", got)
    if len(records) == 1:
        raise UnreadableFile(str(path), expected="rows under the header", got="none")
    return columns


def _are_values(columns: list[str]) -> bool:
    """Return whether a first line is a row and no header: numbers, but for a label perhaps, that
    cannot all be names. Columns may be called by integers that differ, as by a year or a place."""
    numbers = _find_numbers(columns)
    if len(numbers) < len(columns) - 1:
        return False
    return len(set(numbers)) < len(numbers) or not all(INTEGER.fullmatch(each) for each in numbers)


def _remark_names(columns: list[str], schema: Schema) -> tuple[str, ...]:
    """Return what to say of integers that were taken for names, where nothing shows that they are:
    a file without a header would lose its first row."""
    numbers = _find_numbers(columns)
    is_shown = any(name in schema.columns for name in numbers)
    if is_shown or len(numbers) < len(columns) - 1 or _count_on(numbers):
        return ()
    shown = ", ".join(columns[:NAMED]) + (" …" if len(columns) > NAMED else "")
    return (f"the first line was taken for the names of the columns: {shown}",)


def _find_numbers(columns: list[str]) -> list[str]:
    found = ((name, to_number(name)) for name in columns)
    return [name for name, number in found if number is not None and math.isfinite(number)]


def _count_on(numbers: list[str]) -> bool:
    return all(int(each) == int(numbers[0]) + place for place, each in enumerate(numbers))
