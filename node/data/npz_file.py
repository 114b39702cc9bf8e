"""Read a data set from a `.npz` archive of the user's own."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset, encode_labels, remark_classes
from node.data.errors import InvalidCell, UnreadableFile
from node.data.recipe import recipe_of_arrays

KEY_PAIRS = (("x", "y"), ("x_train", "y_train"))

# All that numpy, zipfile and zlib were seen to raise on damaged archives.
DAMAGE = (OSError, ValueError, EOFError, KeyError, RuntimeError, MemoryError, OverflowError)
DAMAGE_OF_ZIP = (zipfile.BadZipFile, zlib.error)


def read_npz(path: Path, *, keys: tuple[str, str] | None = None) -> Dataset:
    """Return the features and labels that an archive holds under `keys`.

    Without `keys` they are `x` and `y`, or else `x_train` and `y_train`: of an archive that
    brings a test part (`x_test`, `y_test`, as MNIST's does) that part stays unread, because what
    peers are judged on is cut from the data they share (`stratified_holdout`); whoever wants the
    test part asks for it by its keys.

    Features of shape (n, …) are flattened to (n, k). uint8 is kept (intensities, see `Dataset`);
    every other real type becomes float32, unscaled. Labels: integers or text, (n,).
    Nothing in the archive is unpickled. Raises UnreadableFile and InvalidCell; rows and columns are
    counted from 1.
    """
    features, labels, found = _read_arrays(path, keys)
    subject = str(path)
    if features.ndim < 2 or features.size == 0 or features.dtype.kind not in "buif":
        raise UnreadableFile(
            subject,
            expected=f"numbers of shape (n, …) under {found[0]}",
            got=f"{features.dtype} of shape {features.shape}",
        )
    if labels.shape != features.shape[:1] or labels.dtype.kind not in "buiU":
        raise UnreadableFile(
            subject,
            expected=f"{features.shape[0]} integers or texts under {found[1]}",
            got=f"{labels.dtype} of shape {labels.shape}",
        )
    if labels.dtype.kind == "U" and (labels == "").any():
        row = int(np.flatnonzero(labels == "")[0]) + 1
        raise InvalidCell(f"{subject}: array {found[1]}, row {row}", "a class", "an empty text")
    indices, classes = encode_labels(labels)
    remarks = remark_classes(f"{subject}: array {found[1]}", len(labels), classes)
    flat = features.reshape(len(features), -1)
    if flat.dtype != np.uint8:
        flat = _narrow(f"{subject}: array {found[0]}", flat)
    recipe = recipe_of_arrays(flat, remarks)
    return Dataset(name=path.name, features=flat, labels=indices, classes=classes, recipe=recipe)


def _read_arrays(
    path: Path, keys: tuple[str, str] | None
) -> tuple[NDArray[Any], NDArray[Any], tuple[str, str]]:
    # Not np.load: on a damaged archive it raises and leaves the file open.
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
            candidates = KEY_PAIRS if keys is None else (keys,)
            found = next((pair for pair in candidates if names.issuperset(pair)), None)
            if found is not None:
                return _read_array(archive, found[0]), _read_array(archive, found[1]), found
    except FileNotFoundError as error:
        raise UnreadableFile(str(path), expected="a file", got="none of that name") from error
    except (*DAMAGE, *DAMAGE_OF_ZIP) as error:
        raise UnreadableFile(
            str(path), expected="a whole .npz archive of plain arrays", got=_one_line(error)
        ) from error
    raise UnreadableFile(
        str(path),
        expected="arrays " + " or ".join(f"{x} and {y}" for x, y in candidates),
        got=", ".join(repr(name) for name in sorted(names)) or "no array",
    )


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _narrow(subject: str, features: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        narrow = features.astype(np.float32)
    bad_rows = np.flatnonzero(~np.isfinite(narrow).all(axis=1))
    if bad_rows.size:
        row = int(bad_rows[0])
        column = int(np.flatnonzero(~np.isfinite(narrow[row]))[0])
        raise InvalidCell(
            f"{subject}, row {row + 1}, column {column + 1}",
            expected="a number that is finite as float32",
            got=str(features[row, column]),
        )
    return narrow


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
