"""Pages that people write, as tables whose every entry is known, and what is wrong with one said in
the page's own words: which entry, what was expected there, what came."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
LIMITS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}


class Table(BaseModel):
    """A table of a page: every entry known, every value of its own type.

    The description of a field says what is expected where its type does not say enough.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Misfit:
    """What does not fit a page: `entry` with its tables, as in `chain.rpc`."""

    entry: str
    expected: str
    got: str


def find_misfit(page: type[Table], error: ValidationError) -> Misfit:
    """Return the first of what pydantic has found wrong with a page."""
    first = error.errors()[0]
    where = first["loc"]
    entry = ".".join(map(str, where))
    if first["type"] == "extra_forbidden":
        return Misfit(entry, _describe_known(page, where), f"an unknown {where[-1]}")
    got = "none" if first["type"] == "missing" else repr(first["input"])
    return Misfit(entry, _describe_expected(page, where), got)


def list_entries(page: type[Table]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every entry of a page with its field; those of inner tables by their whole names."""
    for name, field in page.model_fields.items():
        inner = _strip(field.annotation)
        if isinstance(inner, type) and issubclass(inner, Table):
            yield from ((f"{name}.{rest}", each) for rest, each in list_entries(inner))
        else:
            yield name, field


def _describe_known(page: type[Table], where: tuple[int | str, ...]) -> str:
    """Return which entries there are beside an unknown one, and which one may be meant."""
    table, name = _find(page, where[:-1])[0], str(where[-1])
    assert issubclass(table, Table), "only a table has entries"
    beside = list(table.model_fields)
    elsewhere = {whole.rpartition(".")[2]: whole for whole, _ in list_entries(page)}
    near = get_close_matches(name, beside, 1) or [
        elsewhere[other] for other in get_close_matches(name, elsewhere, 1)
    ]
    return f"one of {', '.join(beside)}" + (f" (perhaps {near[0]})" if near else "")


def _describe_expected(page: type[Table], where: tuple[int | str, ...]) -> str:
    annotation, field = _find(page, where)
    if field is not None and field.description is not None:
        return field.description
    return _describe_type(annotation, [] if field is None else field.metadata)


def _find(page: type[Table], where: tuple[int | str, ...]) -> tuple[Any, FieldInfo | None]:
    """Return the type of an entry, and its field; None: it is an item of a list, or the page."""
    annotation: Any = page
    field: FieldInfo | None = None
    for part in where:
        if isinstance(part, int):
            annotation, field = get_args(annotation)[0], None
        else:
            field = annotation.model_fields[part]
            annotation = _strip(field.annotation)
    return annotation, field


def _strip(annotation: Any) -> Any:
    """Return a type without the None that stands for an entry left out."""
    if get_origin(annotation) is not UnionType:
        return annotation
    (kept,) = (each for each in get_args(annotation) if each is not NoneType)
    return kept


def _describe_type(annotation: Any, limits: list[Any]) -> str:
    if get_origin(annotation) is list:
        return "a list"
    told = [
        f", {words} {getattr(limit, name)}"
        for limit in limits
        for name, words in LIMITS.items()
        if hasattr(limit, name)
    ]
    return WORDS.get(annotation, "a table") + "".join(told)
