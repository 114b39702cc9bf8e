"""A data set from code of the user's own: `module:function`, which gives rows.

Only a learner's process calls this: whatever the code does, it does there.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset, encode_labels
from node.data.errors import InvalidCell, UnreadableFile

PAIR = 2


def read_iterator(name: str, call: Callable[[], Iterable[Any]]) -> Dataset:
    """Return the rows that a function gives: an iterator of (features, label), or one pair of
    arrays, (n, …) and (n,).

    Features of a row are numbers, of any shape, the same in all; bytes (uint8) stand for
    intensities. Labels are texts or integers. Rows are counted from 1. Raises UnreadableFile and
    InvalidCell; what the function raises itself goes through.
    """
    found: Any = call()
    if isinstance(found, tuple) and len(found) == PAIR and isinstance(found[0], np.ndarray):
        found = zip(*found, strict=True)
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
