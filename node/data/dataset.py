"""The one shape that data has in here: rows of features, an integer label each."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.errors import InvalidDataset, UnreadableFile
from node.data.recipe import Recipe

FEATURE_TYPES = (np.dtype(np.uint8), np.dtype(np.float32))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled samples, read-only.

    `features`: (n, k) uint8 or float32. uint8 stands for intensities, 255 being one: whoever
    computes divides by 255, batch by batch, so that a large set of images is held at a byte a
    pixel. float32 is used as it is: the source has scaled it, and every entry is finite.
    `labels`: (n,) int64, indices into `classes`; a part of a data set keeps all its classes, the
    ones it has no sample of included, so that all parts ask for a model of one shape.
    `targets`: (n,) float32, where a number is learned and not a class; `labels` are then strata of
    it, by which rows are split and dealt. `groups`: (n,) int64, whose row each is; None: unknown.
    `columns`: for each feature the column that it comes of, of which a category makes several; ():
    they have no names. `recipe`: how the rows were made, and what of them should be told.
    Raises InvalidDataset when the parts do not fit together; n and k are at least 1.
    """

    name: str
    features: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    targets: NDArray[np.float32] | None = None
    groups: NDArray[np.int64] | None = None
    columns: tuple[str, ...] = ()
    recipe: Recipe = Recipe()

    def __post_init__(self) -> None:
        _check_dataset(self)
        for column in ("features", "labels", *self._extras()):
            view = getattr(self, column).view()
            view.flags.writeable = False
            object.__setattr__(self, column, view)

    @property
    def samples(self) -> int:
        """Number of rows, n."""
        return int(self.features.shape[0])

    @property
    def width(self) -> int:
        """Number of features of a row, k."""
        return int(self.features.shape[1])

    def take(self, indices: NDArray[np.int64]) -> "Dataset":
        """Return the rows at `indices`, in that order, as a copy of their own."""
        extras = {name: getattr(self, name)[indices] for name in self._extras()}
        features, labels = self.features[indices], self.labels[indices]
        return replace(self, features=features, labels=labels, **extras)

    def fingerprint(self) -> str:
        """Return SHA-256 over features, labels and classes, as hexadecimal."""
        digest = sha256(repr((self.features.dtype.str, self.features.shape, self.classes)).encode())
        digest.update(self.features.tobytes())
        digest.update(self.labels.tobytes())
        for name in self._extras():
            digest.update(getattr(self, name).tobytes())
        return digest.hexdigest()

    def group_columns(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Return each column's name and the features that come of it, in order.

        Without names each feature is a column, and called by its place, counted from 0.
        """
        names = self.columns or tuple(f"column {place}" for place in range(self.width))
        found: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            found.setdefault(name, []).append(place)
        return tuple((name, tuple(places)) for name, places in found.items())

    def _extras(self) -> list[str]:
        return [name for name in ("targets", "groups") if getattr(self, name) is not None]

    def class_counts(self) -> NDArray[np.int64]:
        """Return (classes,) int64: how many samples each class has."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)


def encode_labels(values: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return labels as indices into the sorted distinct values, and those values as text.

    Integers sort by value, text by code point.

    >>> encode_labels(np.array([10, 9, 10]))
    (array([1, 0, 1]), ('9', '10'))
    """
    distinct, labels = np.unique(values, return_inverse=True)
    return labels.astype(np.int64), tuple(str(value) for value in distinct)


def check_classes(subject: str, rows: int, classes: tuple[str, ...], remedy: str) -> None:
    """Raise UnreadableFile unless labels are such as classes have: more than half as many as rows
    are measurements. `remedy`: what to do about it."""
    most = count_most_classes(rows)
    if not 2 <= len(classes) <= most:
        got = f"{len(classes)} ({remedy})"
        raise UnreadableFile(subject, f"from 2 to {most} classes in {rows} rows", got)


def remark_classes(subject: str, rows: int, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return what to say of as many classes as measurements have, where nothing can be declared.
    Raises UnreadableFile for fewer than two."""
    if len(classes) < 2:
        raise UnreadableFile(subject, "at least 2 classes", str(len(classes)))
    if len(classes) <= count_most_classes(rows):
        return ()
    return (f"{len(classes)} classes in {rows} rows: labels that measure something are no classes",)


def count_most_classes(rows: int) -> int:
    """Return how many classes as many rows have at most, where none are declared."""
    return max(2, rows // 2)


def _check_dataset(dataset: Dataset) -> None:
    features, labels, classes = dataset.features, dataset.labels, dataset.classes
    subject = f"data set {dataset.name}"
    if features.ndim != 2 or 0 in features.shape:
        raise InvalidDataset(
            subject,
            expected="features of shape (n, k), n and k at least 1",
            got=f"shape {features.shape}",
        )
    if features.dtype not in FEATURE_TYPES:
        raise InvalidDataset(
            subject, expected="features of type uint8 or float32", got=str(features.dtype)
        )
    if labels.shape != features.shape[:1] or labels.dtype != np.int64:
        raise InvalidDataset(
            subject,
            expected=f"labels of shape ({features.shape[0]},) and type int64",
            got=f"shape {labels.shape}, {labels.dtype}",
        )
    for name, dtype in (("targets", np.float32), ("groups", np.int64)):
        extra = getattr(dataset, name)
        if extra is not None and (extra.shape != labels.shape or extra.dtype != dtype):
            raise InvalidDataset(
                subject,
                expected=f"{name} of shape {labels.shape} and type {np.dtype(dtype)}",
                got=f"shape {extra.shape}, {extra.dtype}",
            )
    if dataset.columns and len(dataset.columns) != features.shape[1]:
        raise InvalidDataset(
            subject, expected=f"{features.shape[1]} names of columns", got=str(len(dataset.columns))
        )
    makings = dataset.recipe.features
    if makings and len(makings) != features.shape[1]:
        raise InvalidDataset(
            subject, expected=f"{features.shape[1]} makings of features", got=str(len(makings))
        )
    if len(classes) < 2:
        raise InvalidDataset(subject, expected="at least two classes", got=", ".join(classes))
    if labels.min() < 0 or labels.max() >= len(classes):
        raise InvalidDataset(
            subject,
            expected=f"labels from 0 to {len(classes) - 1}",
            got=f"{labels.min()} to {labels.max()}",
        )
    # A sum that is finite proves every term finite without a mask as large as the features.
    if features.dtype == np.float32 and not np.isfinite(features.sum(dtype=np.float64)):
        bad_rows = np.flatnonzero(~np.isfinite(features).all(axis=1))
        raise InvalidDataset(
            subject, expected="finite features", got=f"NaN or infinity in row {bad_rows[0]}"
        )
