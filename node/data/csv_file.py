"""Read a data set from a CSV file of the user's own."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from node.data.dataset import Dataset
from node.data.errors import UnreadableFile
from node.data.schema import Schema
from node.data.table import Table, build_dataset, to_number

Record = tuple[int, list[str]]  # the line of the file on which it starts, from 1, and its cells


def read_csv(path: Path, *, label: str | None = None, schema: Schema | None = None) -> Dataset:
    """Return a comma-separated UTF-8 file as a data set, features standardised.

    The first line names the columns. `label` names the column of the classes, the last one by
    default: text or integers, classes in sorted order. All others hold numbers, unless the schema
    says otherwise; so an empty cell, a NaN or an infinity is refused, for a guess at a missing
    value would be part of the model.

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
    rows = records[1:]
    for line, cells in rows:
        if len(cells) != len(columns):
            raise UnreadableFile(
                f"{path}, line {line}", expected=f"{len(columns)} cells", got=str(len(cells))
            )
    places = [f"line {line}" for line, _ in rows]
    table = Table(path, columns, places, [cells for _, cells in rows])
    return build_dataset(table, label, schema or Schema())


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
    if all(to_number(column) is not None for column in columns):
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
