"""A data set from code of the user's own: `module:function`, which gives rows.

Only a learner's process calls this: whatever the code does, it does there.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset, encode_labels
from node.data.errors import InvalidCell, InvalidSchema, UnreadableFile
from node.data.schema import Schema
from node.data.table import Table, build_dataset

PAIR = 2


def read_iterator(
    name: str,
    call: Callable[[], Iterable[Any]],
    *,
    label: str | None = None,
    schema: Schema | None = None,
) -> Dataset:
    """Return the rows that a function gives: an iterator of (features, label), or of the columns of
    a table by their names, or one pair of arrays, (n, …) and (n,).

    Features of a row are numbers, of any shape, the same in all; bytes (uint8) stand for
    intensities. Labels are texts or integers. Named columns are read as those of `read_csv`, by
    `label` and `schema`, which no other rows have; None is an empty cell. Rows are counted from 1.
    Raises UnreadableFile, InvalidCell and InvalidSchema; what the function raises itself goes
    through.
    """
    found: Any = call()
    if isinstance(found, tuple) and len(found) == PAIR and isinstance(found[0], np.ndarray):
        found = zip(*found, strict=True)
    rows = iter(found)
    first = next(rows, None)
    if isinstance(first, Mapping):
        return build_dataset(_gather(name, chain([first], rows)), label, schema or Schema())
    if label is not None or (schema is not None and schema.columns):
        raise InvalidSchema(f"{name}, columns declared", "rows of named columns", "unnamed ones")
    return _read_pairs(name, rows if first is None else chain([first], rows))


def _gather(name: str, found: Iterable[Any]) -> Table:
    """Return named columns as a table. Raises UnreadableFile."""
    columns: tuple[str, ...] = ()
    rows = []
    for row, each in enumerate(found, 1):
        if not isinstance(each, Mapping):
            raise UnreadableFile(f"{name}, row {row}", "named columns", type(each).__name__)
        columns = columns or tuple(each)
        if set(each) != set(columns):
            raise UnreadableFile(f"{name}, row {row}", ", ".join(columns), ", ".join(each))
        rows.append([each[column] for column in columns])
    return Table(Path(name), columns, [f"row {row}" for row in range(1, len(rows) + 1)], rows)


def _read_pairs(name: str, found: Iterable[Any]) -> Dataset:
    rows: list[NDArray[Any]] = []
    labels: list[Any] = []
    for row, each in enumerate(found, 1):
        features, label = _split(name, row, each)
        if rows and features.shape != rows[0].shape:
            expected = f"{rows[0].size} features, as in row 1"
            raise UnreadableFile(f"{name}, row {row}", expected, str(features.size))
        rows.append(features)
        labels.append(label)
    if not rows:
        raise UnreadableFile(name, "rows of (features, label)", "none")
    indices, classes = encode_labels(np.array(labels))
    return Dataset(name=name, features=np.stack(rows), labels=indices, classes=classes)


def _split(name: str, row: int, each: Any) -> tuple[NDArray[Any], Any]:
    if not isinstance(each, tuple | list) or len(each) != PAIR:
        raise UnreadableFile(f"{name}, row {row}", "(features, label)", type(each).__name__)
    features, label = np.asarray(each[0]), each[1]
    if features.dtype.kind not in "buif" or not features.size:
        got = f"{features.dtype} of shape {features.shape}"
        raise UnreadableFile(f"{name}, row {row}", "numbers as features", got)
    flat = features.ravel()
    if flat.dtype != np.uint8:
        flat = flat.astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(flat))
        if bad.size:
            where = f"{name}, row {row}, column {bad[0] + 1}"
            raise InvalidCell(where, "a finite number", str(features.ravel()[bad[0]]))
    label = label.item() if isinstance(label, np.generic | np.ndarray) else label
    if isinstance(label, bool) or not isinstance(label, int | str):
        raise InvalidCell(f"{name}, row {row}, label", "a text or an integer", repr(label))
    return flat, label
