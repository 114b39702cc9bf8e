"""Read a data set from a Parquet file of the user's own. pyarrow is an extra (`parquet`)."""

from pathlib import Path
from typing import Any

from node.data.cells import Table
from node.data.dataset import Dataset
from node.data.errors import MissingPackage, UnreadableFile
from node.data.schema import Schema
from node.data.table import build_dataset

INDEX = "__index_level_"
"""So pandas calls an index that it writes as a column."""


def read_parquet(path: Path, *, label: str | None = None, schema: Schema | None = None) -> Dataset:
    """Return a Parquet file as a data set, by the rules of `read_csv`. A null and a NaN are missing
    values; rows are counted from 1.

    Raises MissingPackage, InvalidCell, UnreadableFile and InvalidSchema.
    """
    arrow, parquet = _import(path)
    try:
        with path.open("rb") as file:
            found = parquet.read_table(file)
            cells = [column.to_pylist() for column in found.columns]
    except FileNotFoundError as error:
        raise UnreadableFile(str(path), expected="a file", got="none of that name") from error
    except (OSError, ValueError, arrow.ArrowException) as error:
        got = " ".join(str(error).split())
        raise UnreadableFile(str(path), expected="a whole Parquet file", got=got) from error
    columns = list(found.column_names)
    if len(columns) < 2 or len(set(columns)) < len(columns):
        raise UnreadableFile(
            str(path), expected="at least two columns of different names", got=", ".join(columns)
        )
    if "" in columns:
        got = f"none for column {columns.index('') + 1}"
        raise UnreadableFile(str(path), "a name for every column", got)
    if not found.num_rows:
        raise UnreadableFile(str(path), expected="rows", got="none")
    declared = schema.columns if schema is not None else {}
    index = [name for name in columns if name.startswith(INDEX) and name not in declared]
    if index:
        got = f'{index[0]} (write it without, or declare {index[0]} = "ignore")'
        raise UnreadableFile(str(path), "columns without the index of pandas", got)
    places = [f"row {row}" for row in range(1, found.num_rows + 1)]
    rows = list(zip(*cells, strict=True))
    return build_dataset(Table(path, columns, places, rows), label, schema or Schema())


def _import(path: Path) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingPackage(
            f"data set {path}",
            expected="pyarrow (pip install 'holdfast[parquet]')",
            got=str(error),
        ) from error
    return pyarrow, pyarrow.parquet
