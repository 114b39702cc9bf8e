"""What a table's columns are, declared once for all peers: kinds, missing values, target, scaling.

Organisations that bring a file each must turn it into the same model, so what one file alone would
say otherwise, such as which categories there are or what the mean is, can be declared here.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from node.data.errors import InvalidSchema

Choice = TypeVar("Choice", bound=StrEnum)


class Kind(StrEnum):
    """What a column holds. `GROUP`: whose row it is, for the partition `natural`; no feature."""

    NUMBER = "number"
    CATEGORY = "category"
    GROUP = "group"
    IGNORE = "ignore"


class Missing(StrEnum):
    """What becomes of an empty cell: an error, its row left out, or the column's mean (of a
    category: none of its values)."""

    REFUSE = "refuse"
    DROP = "drop"
    FILL = "fill"


class Scaling(StrEnum):
    """How a column of numbers is scaled: to mean 0 and deviation 1, to 0 to 1, or as it is."""

    STANDARD = "standard"
    RANGE = "range"
    NONE = "none"


class Target(StrEnum):
    """What is learned: to tell classes apart, or a number."""

    CLASS = "class"
    NUMBER = "number"


@dataclass(frozen=True)
class Column:
    """One column. `values`: all of a category, in order; none: those of the file, sorted. `mean`
    and `deviation`: what to scale a number by; None: what the file's are."""

    kind: Kind = Kind.NUMBER
    values: tuple[str, ...] = ()
    mean: float | None = None
    deviation: float | None = None


@dataclass(frozen=True)
class Schema:
    """The declaration; columns that it does not name hold numbers. `image`: height and width that
    pictures are brought to; None: as the first one. `has_colour`: three bytes a pixel, or one.
    `scaling` None: what is usual for the source, of a table's numbers STANDARD."""

    columns: Mapping[str, Column] = field(default_factory=dict)
    missing: Missing = Missing.REFUSE
    scaling: Scaling | None = None
    target: Target = Target.CLASS
    image: tuple[int, int] | None = None
    has_colour: bool = False

    def find(self, name: str) -> Column:
        """Return what a column is."""
        return self.columns.get(name, Column())


def parse_schema(table: Mapping[str, Any]) -> Schema:
    """Return the schema of a page's entries. Raises InvalidSchema, which names the entry.

    A column is written as its kind, as the list of a category's values, or as a table.

    >>> parse_schema({"columns": {"sex": ["f", "m"], "id": "ignore"}}).find("sex").values
    ('f', 'm')
    """
    known = ("columns", "missing", "scaling", "target", "image", "colour")
    for name in table:
        if name not in known:
            raise InvalidSchema("data", ", ".join(known), repr(name))
    columns = table.get("columns", {})
    if not isinstance(columns, Mapping):
        raise InvalidSchema("data: columns", "a table of columns", repr(columns))
    colour = table.get("colour", False)
    if not isinstance(colour, bool):
        raise InvalidSchema("data: colour", "true or false", repr(colour))
    return Schema(
        # A plain dictionary, which goes to a learner's process.
        columns={name: _parse_column(name, entry) for name, entry in columns.items()},
        missing=_choose(Missing, "missing", table.get("missing", Missing.REFUSE)),
        scaling=_choose(Scaling, "scaling", table["scaling"]) if "scaling" in table else None,
        target=_choose(Target, "target", table.get("target", Target.CLASS)),
        image=_parse_image(table.get("image")),
        has_colour=colour,
    )


def describe_schema(schema: Schema) -> dict[str, Any]:
    """Return the entries that differ from the usual; `parse_schema` gives the schema again."""
    usual, entries = Schema(), dict[str, Any]()
    if schema.columns:
        entries["columns"] = {name: _describe(each) for name, each in schema.columns.items()}
    for name in ("missing", "scaling", "target"):
        if getattr(schema, name) != getattr(usual, name):
            entries[name] = str(getattr(schema, name))
    if schema.image is not None:
        entries["image"] = list(schema.image)
    if schema.has_colour:
        entries["colour"] = True
    return entries


TABLE_ENTRIES = ("columns", "missing", "scaling", "target")
PICTURE_ENTRIES = ("image", "colour")


def check_heeded(subject: str, schema: Schema | None, heeded: Collection[str]) -> None:
    """Raise InvalidSchema for what is declared and a source of this kind would not heed."""
    for name, entry in describe_schema(schema or Schema()).items():
        is_what_comes = name == "scaling" and entry == Scaling.NONE
        if name not in heeded and not is_what_comes:
            expected = f"only {', '.join(heeded)}" if heeded else "none: it is used as it is"
            raise InvalidSchema(f"{subject}, entries of [data]", expected, f"{name} = {entry!r}")


def _parse_column(name: str, entry: object) -> Column:
    where = f"columns.{name}"
    if isinstance(entry, str):
        return Column(_choose(Kind, where, entry))
    if isinstance(entry, list | tuple):
        values = _parse_values(where, entry)
        if not values:
            raise InvalidSchema(f"data: {where}", "at least one value", "an empty list")
        return Column(Kind.CATEGORY, values)
    if not isinstance(entry, Mapping) or set(entry) - {"kind", "values", "mean", "deviation"}:
        expected = "a kind, a list of values, or a table of kind, values, mean, deviation"
        raise InvalidSchema(f"data: {where}", expected, repr(entry))
    values = _parse_values(where, entry.get("values", ()))
    kind = _choose(Kind, where, entry.get("kind", Kind.CATEGORY if values else Kind.NUMBER))
    if values and kind is not Kind.CATEGORY:
        raise InvalidSchema(f"data: {where}", "values with a category alone", f"a {kind}")
    mean, deviation = (_parse_number(where, entry, name) for name in ("mean", "deviation"))
    if kind is not Kind.NUMBER and (mean is not None or deviation is not None):
        raise InvalidSchema(f"data: {where}", "mean and deviation with a number", f"a {kind}")
    if deviation is not None and deviation <= 0:
        raise InvalidSchema(f"data: {where}.deviation", "a number above 0", repr(deviation))
    return Column(kind, values, mean, deviation)


def _parse_values(where: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise InvalidSchema(f"data: {where}", "a list of texts", repr(values))
    if "" in values:
        raise InvalidSchema(f"data: {where}", "values that are not empty", repr(values))
    if len(set(values)) != len(values):
        raise InvalidSchema(f"data: {where}", "values that differ", repr(values))
    return tuple(values)


def _parse_number(where: str, entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidSchema(f"data: {where}.{name}", "a number", repr(value))
    return float(value)


def _parse_image(entry: object) -> tuple[int, int] | None:
    if entry is None:
        return None
    match entry:
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
    raise InvalidSchema("data: image", "[height, width]", repr(entry))


def _choose(kind: type[Choice], where: str, value: object) -> Choice:
    try:
        return kind(value)  # type: ignore[arg-type]
    except ValueError as error:
        known = ", ".join(kind)
        raise InvalidSchema(f"data: {where}", known, repr(value)) from error


def _describe(column: Column) -> Any:
    numbers = {"mean": column.mean, "deviation": column.deviation}
    given = {name: value for name, value in numbers.items() if value is not None}
    if given:
        return {"kind": str(column.kind), **given}
    return list(column.values) if column.values else str(column.kind)
