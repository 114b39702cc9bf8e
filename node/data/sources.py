"""From the name of a data set to the data set."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from node.data.csv_file import read_csv
from node.data.dataset import Dataset
from node.data.errors import UnknownSource
from node.data.image_folder import read_image_folder
from node.data.npz_file import read_npz
from node.data.parquet_file import read_parquet
from node.data.schema import PICTURE_ENTRIES, TABLE_ENTRIES, Schema, check_heeded
from node.data.sklearn_sets import read_breast_cancer, read_digits

TABLES: Mapping[str, Callable[..., Dataset]] = MappingProxyType(
    {".csv": read_csv, ".parquet": read_parquet}
)
BUILT_IN: Mapping[str, Callable[[], Dataset]] = MappingProxyType(
    {"digits": read_digits, "breast_cancer": read_breast_cancer}
)


def load(source: str, *, label: str | None = None, schema: Schema | None = None) -> Dataset:
    """Return the data set called `source`: a built-in name, or the path of a .npz, .csv or .parquet
    file, or of a folder of pictures.

    `label` names the label column of a table (by default its last), `schema` declares its columns;
    no other source has any to choose, but a folder of pictures their size. Names may be written
    with a hyphen for the underscore. The same source always gives the same samples in the same
    order. Raises UnknownSource and what the reader of the source raises: MissingPackage,
    UnreadableFile, InvalidCell, InvalidSchema.
    """
    path = Path(source)
    read_table = TABLES.get(path.suffix.lower())
    if read_table is not None:
        check_heeded(source, schema, TABLE_ENTRIES)
        return read_table(path, label=label, schema=schema)
    if label is not None:
        expected = f"a {' or '.join(TABLES)} file"
        raise UnknownSource(f"label column {label!r}", expected=expected, got=source)
    if schema is not None and schema.columns:
        expected = f"a {' or '.join(TABLES)} file"
        raise UnknownSource("columns declared", expected=expected, got=source)
    if path.suffix.lower() == ".npz":
        check_heeded(source, schema, ())
        return read_npz(path)
    read = BUILT_IN.get(source.replace("-", "_"))
    if read is not None:
        check_heeded(source, schema, ())
        return read()
    if source and path.is_dir():
        check_heeded(source, schema, PICTURE_ENTRIES)
        return read_image_folder(path, schema=schema)
    known = ", ".join(BUILT_IN)
    expected = f"{known}, a folder of pictures, or a path ending in {', '.join(TABLES)} or .npz"
    raise UnknownSource("data set", expected=expected, got=repr(source))


def is_file(source: str) -> bool:
    """Whether a source is a path, and no built-in name and no code."""
    return source.replace("-", "_") not in BUILT_IN and ":" not in source
