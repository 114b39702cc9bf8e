"""From the cells of a table to a data set, as its schema declares: a CSV file's, or Parquet's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.cells import Table, is_missing, read_number, read_texts, to_number, write_key
from node.data.dataset import Dataset, check_classes, encode_labels
from node.data.errors import InvalidCell, InvalidSchema, UnreadableFile
from node.data.recipe import OF_OWNER, SOURCE, Feature, Recipe
from node.data.scaling import TELL_SCALING, is_reproduced, scale_column
from node.data.schema import Column, Kind, Missing, Scaling, Schema, Target

STRATA = 10
"""By rank, of a number that is learned: what splits and partitions take for classes."""
TELL_MISSING = {
    Missing.REFUSE: "empty cells refused",
    Missing.DROP: "rows with an empty cell left out",
    Missing.FILL: "empty cells filled",
}
MOST_VALUES = 1000
"""Of a category that declares none: each is a feature, and a column of names would fill memory."""
COUNTING_ROWS = 10
"""From so many on, numbers that run on by one look like the rows' own."""
NAMED = 5
"""Columns that a remark names."""


@dataclass(frozen=True)
class _Block:
    """What one column becomes: `(n, features)`, what made it, and how many cells were filled.
    `is_coarse`: the two numbers that made it do not make it again."""

    values: NDArray[np.float32]
    features: tuple[Feature, ...]
    filled: int = 0
    is_coarse: bool = False


def build_dataset(table: Table, label: str | None, schema: Schema) -> Dataset:
    """Return the data set that a table is. `label` names the column to learn; None: the last, but
    none where the schema declares all others, as for files of many organisations.

    Raises InvalidCell (file, line or row, column, text), UnreadableFile and InvalidSchema.
    """
    target = _find_target(table, label, schema)
    _check_declared(table, target, schema)
    used = _order_columns(table, target, schema)
    rows_before = len(table.rows)
    if schema.missing is Missing.DROP:
        table = _drop_incomplete(table, [*used, target], schema)
    cells = dict(zip(table.columns, zip(*table.rows, strict=True), strict=True))
    blocks, groups, group = list[_Block](), None, None
    for name in used:
        column = schema.find(name)
        if column.kind is Kind.GROUP:
            group = name
            groups, _ = encode_labels(np.array(read_texts(table, name, cells[name], "a group")))
        elif column.kind is Kind.CATEGORY:
            blocks.append(_encode_category(table, name, cells[name], column, schema))
        else:
            blocks.append(_encode_number(table, name, cells[name], column, schema))
    if not blocks:
        raise UnreadableFile(str(table.path), "a column beside the target", "none")
    labels, classes, targets = _read_target(table, target, cells[target], schema)
    features = tuple(feature for block in blocks for feature in block.features)
    dropped = rows_before - len(table.rows)
    remarks = (*_remark_missing(dropped, blocks), *_remark(cells, blocks), *_remark_coarse(blocks))
    return Dataset(
        name=table.path.name,
        features=np.concatenate([each.values for each in blocks], axis=1, dtype=np.float32),
        labels=labels,
        classes=classes,
        targets=targets,
        groups=groups,
        columns=tuple(each.column for each in features),
        recipe=Recipe(
            features,
            target,
            group,
            _tell_treatment(schema, features),
            remarks,
            own=(SOURCE,) if targets is not None or schema.find(target).values else OF_OWNER,
        ),
    )


def _find_target(table: Table, label: str | None, schema: Schema) -> str:
    if label is None:
        if all(name in schema.columns for name in table.columns[:-1]):
            # So begins a federation of many files, which may have another column last each.
            raise UnreadableFile(
                f"{table.path}, column to learn",
                "its name, as all others are declared and files may have any order "
                '(label = "..." under [data] of the page, or --label)',
                "none",
            )
        return table.columns[-1]
    if label not in table.columns:
        known = ", ".join(table.columns)
        raise UnreadableFile(str(table.path), f"a label column out of {known}", repr(label))
    return label


def _check_declared(table: Table, target: str, schema: Schema) -> None:
    """Raise InvalidSchema for columns that the table lacks, or that cannot be what they should."""
    for name in schema.columns:
        if name not in table.columns:
            known = ", ".join(table.columns)
            raise InvalidSchema(f"{table.path}, columns declared", f"some of {known}", repr(name))
    groups = [name for name, column in schema.columns.items() if column.kind is Kind.GROUP]
    if len(groups) > 1:
        raise InvalidSchema(f"{table.path}, columns declared", "one group", " and ".join(groups))
    learned = schema.columns.get(target)
    if learned is None:
        return
    where = f"{table.path}, label column {target}"
    if learned.kind in (Kind.GROUP, Kind.IGNORE):
        raise InvalidSchema(where, "a number, a category or the list of classes", learned.kind)
    if learned.values and schema.target is Target.NUMBER:
        raise InvalidSchema(where, "a number, since the target is one", "a list of classes")
    if learned.mean is not None or learned.deviation is not None:
        raise InvalidSchema(where, "no mean and no deviation: it is not scaled", "some")


def _order_columns(table: Table, target: str, schema: Schema) -> list[str]:
    """Return the columns that are read, beside the target: in the order of the page where it
    declares all of them, for organisations' files may have them in another."""
    names = [name for name in table.columns if name != target]
    if all(name in schema.columns for name in names):
        names = [name for name in schema.columns if name != target]
    return [name for name in names if schema.find(name).kind is not Kind.IGNORE]


def _drop_incomplete(table: Table, used: Sequence[str], schema: Schema) -> Table:
    places = [(table.columns.index(name), schema.find(name).values) for name in used]
    whole = [
        row
        for row, cells in enumerate(table.rows)
        if not any(is_missing(cells[place], values) for place, values in places)
    ]
    if not whole:
        raise UnreadableFile(str(table.path), "a row without an empty cell", "none")
    return Table(
        table.path,
        table.columns,
        [table.places[row] for row in whole],
        [table.rows[row] for row in whole],
    )


def _encode_number(
    table: Table, name: str, cells: Sequence[Any], column: Column, schema: Schema
) -> _Block:
    fills = schema.missing is Missing.FILL
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if not (fills and is_missing(cell)):
            values[row] = read_number(table, row, name, cell, is_target=False)
    is_there = ~np.isnan(values)
    fill = column.mean
    if fills and fill is None:
        if not is_there.any():
            raise UnreadableFile(f"{table.path}, column {name}", "a number in some row", "none")
        with np.errstate(over="ignore"):
            fill = float(values[is_there].mean())
    if not is_there.all():
        values[~is_there] = fill
    scaled = scale_column(values, schema.scaling or Scaling.STANDARD, column.mean, column.deviation)
    bad = np.flatnonzero(~np.isfinite(scaled.values))
    if bad.size:
        expected = "a number within 3.4e38, once scaled"
        raise InvalidCell(table.name_cell(bad[0], name), expected, repr(cells[bad[0]]))
    feature = Feature(
        name,
        minus=float(scaled.minus[0]),
        divided_by=float(scaled.divided_by[0]),
        fill=fill if fills else None,
        own=_find_own(column, schema),
    )
    is_coarse = not is_reproduced(scaled, values)
    return _Block(scaled.values, (feature,), int((~is_there).sum()), is_coarse)


def _find_own(column: Column, schema: Schema) -> tuple[str, ...]:
    """Return which numbers of a feature are taken from the rows."""
    is_scaled = schema.scaling is not Scaling.NONE or column.deviation is not None
    own = []
    if column.mean is None:
        own += ["minus"] if is_scaled else []
        own += ["fill"] if schema.missing is Missing.FILL else []
    if column.deviation is None and (is_scaled or column.mean is not None):
        own += ["divided_by"]
    return tuple(own)


def _encode_category(
    table: Table, name: str, cells: Sequence[Any], column: Column, schema: Schema
) -> _Block:
    """Return a column of ones and zeros for each value."""
    fills = schema.missing is Missing.FILL
    texts = read_texts(
        table,
        name,
        cells,
        "a category",
        values=column.values,
        is_target=False,
        is_empty_fine=fills,
    )
    values = column.values or tuple(sorted({text for text in texts if text}))
    if not 1 <= len(values) <= MOST_VALUES and not column.values:
        expected = f"1 to {MOST_VALUES} categories (more: declare them, or ignore the column)"
        raise UnreadableFile(f"{table.path}, column {name}", expected, str(len(values)))
    places = {value: place for place, value in enumerate(values)}
    encoded = np.zeros((len(texts), len(values)), dtype=np.float32)
    for row, text in enumerate(texts):
        if text in places:
            encoded[row, places[text]] = 1
        elif text:
            expected = f"one of {', '.join(values)}"
            raise InvalidCell(table.name_cell(row, name), expected, repr(text))
    own = () if column.values else ("value",)
    features = tuple(Feature(name, value, own=own) for value in values)
    return _Block(encoded, features, texts.count(""))


def _read_target(
    table: Table, name: str, cells: Sequence[Any], schema: Schema
) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float32] | None]:
    if schema.target is Target.NUMBER:
        return _read_numbers(table, name, cells)
    values = schema.find(name).values
    texts = read_texts(table, name, cells, "a class", values=values)
    if values:
        places = {value: place for place, value in enumerate(values)}
        for row, text in enumerate(texts):
            if text not in places:
                expected = f"one of {', '.join(values)}"
                raise InvalidCell(table.name_cell(row, name), expected, repr(text))
        return np.array([places[text] for text in texts], dtype=np.int64), values, None
    labels, classes = encode_labels(_as_integers(texts))
    remedy = 'another column: --label; a number to learn: target = "number" under [data]'
    check_classes(f"{table.path}, label column {name}", len(texts), classes, remedy)
    return labels, classes, None


def _read_numbers(
    table: Table, name: str, cells: Sequence[Any]
) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float32]]:
    numbers = [
        read_number(table, row, name, cell, is_target=True) for row, cell in enumerate(cells)
    ]
    targets = np.array(numbers, dtype=np.float64)
    with np.errstate(over="ignore"):
        narrow = targets.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(narrow))
    if bad.size:
        where = table.name_cell(bad[0], name)
        raise InvalidCell(where, "a number within 3.4e38", repr(cells[bad[0]]))
    edges = np.quantile(targets, np.arange(1, STRATA) / STRATA)
    strata, found = encode_labels(np.searchsorted(edges, targets))
    if len(found) < 2:
        raise UnreadableFile(
            f"{table.path}, label column {name}", "numbers that differ", "one number"
        )
    return strata, tuple(f"tenth {int(each) + 1}" for each in found), narrow


def _as_integers(texts: list[str]) -> NDArray[np.int64] | NDArray[np.str_]:
    """Return labels that are all plain integers as such, so that 9 sorts before 10; else text."""
    try:
        values = np.array([int(text) for text in texts], dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array(texts)
    # 07 and 7 are two classes: what does not read back as it was written is text.
    is_plain = all(str(value) == text for value, text in zip(values, texts, strict=True))
    return values if is_plain else np.array(texts)


def _tell_treatment(schema: Schema, features: Sequence[Feature]) -> str:
    """Return how numbers were scaled and what became of empty cells."""
    numbers = [each for each in features if each.value is None]
    declared = sum(_is_declared(schema.find(each.column)) for each in numbers)
    told = TELL_SCALING[schema.scaling or Scaling.STANDARD]
    if declared:
        whole = declared == len(numbers)
        told = "numbers scaled as declared" if whole else f"{told}, {declared} as declared"
    return f"{told}, {TELL_MISSING[schema.missing]}" if numbers else TELL_MISSING[schema.missing]


def _remark_missing(dropped: int, blocks: Sequence[_Block]) -> tuple[str, ...]:
    filled = sum(each.filled for each in blocks)
    return (
        *([f"rows left out for an empty cell: {dropped}"] if dropped else []),
        *([f"empty cells filled: {filled}"] if filled else []),
    )


def _remark(cells: Mapping[str, Sequence[Any]], blocks: Sequence[_Block]) -> tuple[str, ...]:
    """Return which columns look like none that anything is learned from."""
    constant, counting = [], []
    for block in blocks:
        name = block.features[0].column
        if (block.values == block.values[0]).all():
            constant.append(name)
        elif _counts_rows(cells[name]):
            counting.append(name)
    lines = [f"the same in every row: {_enumerate(constant)}"] if constant else []
    for name in counting[:NAMED]:
        lines.append(
            f"column {name} counts the rows: if it measures nothing, "
            f'{write_key(name)} = "ignore" under [data.columns] of the data page'
        )
    return tuple(lines)


def _remark_coarse(blocks: Sequence[_Block]) -> tuple[str, ...]:
    names = [each.features[0].column for each in blocks if each.is_coarse]
    remedy = (
        "subtract a constant from them in the file, or an exported model sees others than these"
    )
    return (f"values too large for their steps: {_enumerate(names)}: {remedy}",) if names else ()


def _is_declared(column: Column) -> bool:
    return column.mean is not None or column.deviation is not None


def _counts_rows(cells: Sequence[Any]) -> bool:
    first = to_number(cells[0])
    if first is None or len(cells) < COUNTING_ROWS or to_number(cells[1]) != first + 1:
        return False
    return [to_number(cell) for cell in cells] == [first + place for place in range(len(cells))]


def _enumerate(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
