"""A data set from code of the user's own: `module:function`, which gives rows.

Only a learner's process calls this: whatever the code does, it does there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.cells import Table, is_missing
from node.data.dataset import Dataset, encode_labels, remark_classes
from node.data.errors import InvalidCell, InvalidSchema, UnreadableFile
from node.data.recipe import recipe_of_arrays
from node.data.schema import TABLE_ENTRIES, Schema, check_heeded
from node.data.table import build_dataset

PAIR = 2
MOST_LABEL = 2**63
"""Of an integer beside others: what is larger becomes a float in their array, and not the same."""


def read_iterator(
    name: str,
    call: Callable[[], Iterable[Any]],
    *,
    label: str | None = None,
    schema: Schema | None = None,
) -> Dataset:
    """Return the rows that a function gives: an iterator of (features, label), or of the columns of
    a table by their names, or one pair of arrays, (n, …) and (n,).

    Features of a row are numbers, of any shape, the same in all, and used as they are: nothing is
    scaled or filled; bytes (uint8) stand for intensities. Labels are texts or integers. Named
    columns are read as those of `read_csv`, by `label` and `schema`, which no other rows have; None
    is an empty cell. Rows are counted from 1.
    Raises UnreadableFile, InvalidCell and InvalidSchema; what the function raises itself goes
    through.
    """
    found: Any = call()
    if isinstance(found, tuple) and len(found) == PAIR and isinstance(found[0], np.ndarray):
        found = _pair_up(name, *found)
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
        raise UnreadableFile(name, "rows, or two arrays", type(found).__name__)
    rows = iter(found)
    first = next(rows, None)
    if isinstance(first, Mapping):
        check_heeded(name, schema, TABLE_ENTRIES)
        return build_dataset(_gather(name, chain([first], rows)), label, schema or Schema())
    if label is not None or (schema is not None and schema.columns):
        raise InvalidSchema(f"{name}, columns declared", "rows of named columns", "unnamed ones")
    check_heeded(f"{name}, whose rows have no named columns", schema, ())
    return _read_pairs(name, rows if first is None else chain([first], rows))


def _pair_up(name: str, features: NDArray[Any], labels: Any) -> Iterator[tuple[Any, Any]]:
    if np.ndim(labels) != 1 or features.ndim < 1 or len(labels) != len(features):
        got = f"shapes {features.shape} and {np.shape(labels)}"
        raise UnreadableFile(name, "arrays of shape (n, …) and (n,)", got)
    return zip(features, labels, strict=True)


def _gather(name: str, found: Iterable[Any]) -> Table:
    """Return named columns as a table. Raises UnreadableFile."""
    columns: tuple[str, ...] = ()
    rows = []
    for row, each in enumerate(found, 1):
        if not isinstance(each, Mapping):
            raise UnreadableFile(f"{name}, row {row}", "named columns", type(each).__name__)
        columns = columns or _check_names(name, tuple(each))
        if set(each) != set(columns):
            got = ", ".join(map(str, each))
            raise UnreadableFile(f"{name}, row {row}", ", ".join(columns), got)
        rows.append([each[column] for column in columns])
    return Table(Path(name), columns, [f"row {row}" for row in range(1, len(rows) + 1)], rows)


def _check_names(name: str, columns: tuple[Any, ...]) -> tuple[str, ...]:
    if len(columns) < PAIR or not all(isinstance(each, str) and each for each in columns):
        got = ", ".join(map(repr, columns)) or "none"
        raise UnreadableFile(f"{name}, row 1", "two columns or more, each with a name", got)
    return columns


def _read_pairs(name: str, found: Iterable[Any]) -> Dataset:
    rows: list[NDArray[Any]] = []
    labels: list[Any] = []
    for row, each in enumerate(found, 1):
        features, label = _split(name, row, each)
        if rows and features.shape != rows[0].shape:
            expected = f"{rows[0].size} features, as in row 1"
            raise UnreadableFile(f"{name}, row {row}", expected, str(features.size))
        if rows and (features.dtype == np.uint8) != (rows[0].dtype == np.uint8):
            # A byte counts 255th parts, any other number is what it is.
            expected = f"{rows[0].dtype} features, as in row 1"
            raise UnreadableFile(f"{name}, row {row}", expected, str(features.dtype))
        if labels and isinstance(label, str) != isinstance(labels[0], str):
            expected = f"a label of type {type(labels[0]).__name__}, as in row 1"
            raise InvalidCell(f"{name}, row {row}, label", expected, repr(label))
        rows.append(features)
        labels.append(label)
    if not rows:
        raise UnreadableFile(name, "rows of (features, label)", "none")
    indices, classes = encode_labels(np.array(labels))
    remarks = remark_classes(f"{name}, labels", len(rows), classes)
    features = np.stack(rows)
    recipe = recipe_of_arrays(features, remarks)
    return Dataset(name=name, features=features, labels=indices, classes=classes, recipe=recipe)


def _split(name: str, row: int, each: Any) -> tuple[NDArray[Any], Any]:
    if not isinstance(each, tuple | list) or len(each) != PAIR:
        raise UnreadableFile(f"{name}, row {row}", "(features, label)", type(each).__name__)
    return _read_features(name, row, each[0]), _read_label(name, row, each[1])


def _read_features(name: str, row: int, given: Any) -> NDArray[Any]:
    try:
        features = np.asarray(given)
    except ValueError as error:
        got = "lists of unlike lengths"
        raise UnreadableFile(f"{name}, row {row}", "numbers as features", got) from error
    if features.dtype.kind not in "buif" or not features.size:
        got = f"{features.dtype} of shape {features.shape}"
        raise UnreadableFile(f"{name}, row {row}", "numbers as features", got)
    flat = features.ravel()
    if flat.dtype != np.uint8:
        with np.errstate(over="ignore"):
            flat = flat.astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(flat))
        if bad.size:
            where = f"{name}, row {row}, column {bad[0] + 1}"
            raise InvalidCell(where, "a finite number", str(features.ravel()[bad[0]]))
    return flat


def _read_label(name: str, row: int, given: Any) -> str | int:
    is_single = isinstance(given, np.generic) or (isinstance(given, np.ndarray) and given.size == 1)
    label: Any = given.item() if is_single else given
    is_one = isinstance(label, int) and not isinstance(label, bool) and abs(label) < MOST_LABEL
    if not is_one and (not isinstance(label, str) or is_missing(label)):
        got = " ".join(repr(label).split())
        raise InvalidCell(f"{name}, row {row}, label", "a text or an integer", got)
    read: str | int = label
    return read
