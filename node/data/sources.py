"""From the name of a data set to the data set."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from node.data.csv_file import read_csv
from node.data.dataset import Dataset
from node.data.errors import UnknownSource
from node.data.npz_file import read_npz
from node.data.sklearn_sets import read_breast_cancer, read_digits

BUILT_IN: Mapping[str, Callable[[], Dataset]] = MappingProxyType(
    {"digits": read_digits, "breast_cancer": read_breast_cancer}
)


def load(source: str, *, label: str | None = None) -> Dataset:
    """Return the data set called `source`: a built-in name, or the path of a .npz or .csv file.

    `label` names the label column of a CSV file (by default its last); no other source has one
    to choose. Names may be written with a hyphen for the underscore. The same source always gives
    the same samples in the same order. Raises UnknownSource and what the reader of the source
    raises: MissingPackage, UnreadableFile, InvalidCell.
    """
    path = Path(source)
    if path.suffix.lower() == ".csv":
        return read_csv(path, label=label)
    if label is not None:
        raise UnknownSource(f"label column {label!r}", expected="a .csv file", got=source)
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    read = BUILT_IN.get(source.replace("-", "_"))
    if read is None:
        known = ", ".join(BUILT_IN)
        raise UnknownSource(
            "data set", expected=f"{known}, or a path ending in .npz or .csv", got=repr(source)
        )
    return read()
