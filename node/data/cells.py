"""What one cell of a table holds: a number, a text, or nothing; and what to do where it is another.

Each error says where the cell stands, what was expected, what came, and which line of the data page
(`--data-page`, or the founder's page) would read it otherwise.
"""

import json
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from node.data.errors import InvalidCell

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "?"})
"""A cell that holds one of these, in any case, holds nothing; None and NaN of code and of Parquet
are two of them. A category that declares one as a value has it as that."""
NO_TEXT = (bytes, bytearray, memoryview, list, tuple, set, dict, np.ndarray)
"""What `str` turns into Python's own words, which nobody means as a category or a class."""
WITH_COMMA = re.compile(r"[-+]?[\d.]*\d,[\d.,]*\d")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Table:
    """Cells as they were read, by row; `places` says where each row stands, as "line 3". `rows` is
    not empty, and each has a cell for every column."""

    path: Path
    columns: Sequence[str]
    places: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def name_cell(self, row: int, column: str) -> str:
        """Return where a cell stands."""
        return f"{self.path}, {self.places[row]}, column {column}"


def is_missing(cell: object, values: Collection[str] = ()) -> bool:
    """Return whether a cell holds nothing; `values`: those declared for its category."""
    if isinstance(cell, str):
        return cell.strip().casefold() in MISSING and cell not in values
    if cell is None or isinstance(cell, float | np.floating | Decimal):
        return cell is None or math.isnan(cell)
    # Other libraries have a word of their own for it (pandas has two), and compare it with nothing.
    return type(cell).__name__ in ("NAType", "NaTType")


def to_number(cell: object) -> float | None:
    """Return the number that a cell is, or None.

    >>> to_number("1e3"), to_number("1_000"), to_number(True)
    (1000.0, None, 1.0)
    """
    if isinstance(cell, str) and "_" in cell:
        return None  # Python reads 1_000 as a number; nobody who writes tables does
    if not isinstance(cell, str | Real | Decimal | np.bool_):
        return None
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def read_number(table: Table, row: int, column: str, cell: object, *, is_target: bool) -> float:
    """Return the number of a cell. Raises InvalidCell."""
    number = None if is_missing(cell) else to_number(cell)
    if number is None or not math.isfinite(number):
        what = _describe_missing(cell, is_target=is_target)
        got = what or f"{_shorten(cell)}{_advise(column, cell, is_target=is_target)}"
        raise InvalidCell(table.name_cell(row, column), "a number", got)
    return number


def read_texts(
    table: Table,
    column: str,
    cells: Sequence[Any],
    expected: str,
    *,
    values: Collection[str] = (),
    is_target: bool = True,
    is_empty_fine: bool = False,
) -> list[str]:
    """Return cells as texts; "" for one that holds nothing. Raises InvalidCell."""
    texts = []
    for row, cell in enumerate(cells):
        is_empty = is_missing(cell, values)
        if (is_empty and not is_empty_fine) or isinstance(cell, NO_TEXT):
            got = _describe_missing(cell, is_target=is_target) if is_empty else _shorten(cell)
            raise InvalidCell(table.name_cell(row, column), expected, got)
        texts.append("" if is_empty else str(cell))
    return texts


def write_key(name: str) -> str:
    """Return a column's name as a page has it.

    >>> write_key("age"), write_key("blood pressure")
    ('age', '"blood pressure"')
    """
    return name if BARE_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _describe_missing(cell: object, *, is_target: bool) -> str:
    """Return what an empty cell is, and the remedy; "" for one that is not empty."""
    if not is_missing(cell):
        return ""
    is_blank = cell is None or not str(cell).strip()
    what = "an empty cell" if is_blank else f"an empty cell, written {cell}"
    ways = 'missing = "drop"' if is_target else 'missing = "fill" or missing = "drop"'
    return f"{what} ({ways} under [data] of the data page)"


def _advise(column: str, cell: object, *, is_target: bool) -> str:
    if not isinstance(cell, str) or to_number(cell) is not None:
        return ""
    if WITH_COMMA.fullmatch(cell.strip()):
        return " (numbers are written 1234.5: a point before decimals, no comma in them)"
    if is_target:
        return ' (target = "class" under [data] of the data page learns classes)'
    return (
        f' (text: {write_key(column)} = "category" or {write_key(column)} = "ignore" '
        "under [data.columns] of the data page)"
    )


SHOWN = 60


def _shorten(cell: object) -> str:
    """Return a cell on one line, as much of it as anybody reads."""
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) > 10**SHOWN:
        return f"an integer of more than {SHOWN} digits"
    text = " ".join(repr(cell).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
