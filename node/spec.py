"""The spec: one page of TOML that says what is learned. Its exact bytes are what the chain records.

Everything that must be the same at all peers and is not arithmetic stands here; the arithmetic is
in the contract's parameters, so nothing is said twice.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from chain.types import Parameters
from node.algorithms.algorithm import Algorithm
from node.algorithms.catalogue import (
    USUAL,
    build_algorithm,
    describe_algorithm,
    split_algorithm,
)
from node.algorithms.errors import AlgorithmRefused
from node.data.schema import Schema, describe_schema, parse_schema
from node.data.share import OWN
from node.encoding import Layout
from node.errors import LayoutRefused, SpecRefused
from node.learning.keeping import Kept
from node.rule.parameters import Rule, Selection, Weighting
from node.tables import Table, find_misfit

VERSION = 1


class LearnerTable(Table):
    """Which learner: one that comes with Holdfast, or one's own as `module:factory`."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


def name_learner(entry: object) -> object:
    """Return a learner's table where a page has its name alone: `learner = "module:factory"`."""
    return {"name": entry} if isinstance(entry, str) else entry


NAMED = Field(description="a name, module:factory, or a table")
"""What a page's learner is."""


class AlgorithmTable(Table):
    """How peers learn together; without it federated averaging."""

    name: str = USUAL.name
    options: dict[str, Any] = Field(default_factory=dict)

    def build(self) -> Algorithm:
        """Return the algorithm. Raises AlgorithmRefused."""
        return build_algorithm(self.name, self.options)


def name_algorithm(entry: object) -> object:
    """Return an algorithm's table where a page has a text: `algorithm = "fedprox:0.1"`."""
    if not isinstance(entry, str):
        return entry
    name, options = split_algorithm(entry)
    return {"name": name, "options": options}


AlgorithmEntry = Annotated[
    AlgorithmTable,
    BeforeValidator(name_algorithm),
    Field(description="a text such as fedprox:0.1, or a table"),
]


class DataTable(Table):
    """What the data are like, and how much of it is only judged on."""

    source: str = OWN
    label: str | None = None
    partition: str = "iid"
    held_out: float = Field(default=0.2, gt=0, lt=1)
    columns: dict[str, Any] = Field(default_factory=dict)
    missing: str | None = None
    scaling: str | None = None
    target: str | None = None
    image: list[int] | None = None
    colour: bool | None = None

    def build_schema(self) -> Schema:
        """Return what is declared of the columns. Raises InvalidSchema."""
        entries = {
            name: getattr(self, name)
            for name in ("columns", "missing", "scaling", "target", "image", "colour")
        }
        return parse_schema({name: each for name, each in entries.items() if each is not None})


class _Array(Table):
    name: str
    shape: list[int]
    dtype: str


class _Kept(_Array):
    at: int = Field(ge=0)


class ModelTable(Table):
    """The arrays that are learned together, and those that stay with each peer."""

    arrays: list[_Array]
    kept: list[_Kept] = Field(default_factory=list)

    def build_layout(self) -> Layout:
        """Return the layout of what is learned together. Raises LayoutRefused."""
        return Layout.from_dict({"arrays": [each.model_dump() for each in self.arrays]})

    def build_kept(self) -> tuple[Kept, ...]:
        """Return what stays. Raises LayoutRefused for what are no arrays beside the others."""
        rows = [*self.arrays, *self.kept]
        # Kept ones may be of truth values, which no coordinate is.
        as_numbers = {"dtype": "uint8"}
        numbers = [r.model_dump() | (as_numbers if r.dtype == "bool" else {}) for r in rows]
        Layout.from_dict({"arrays": numbers})
        return tuple(Kept(k.name, tuple(k.shape), k.dtype, k.at) for k in self.kept)


class _Document(Table):
    holdfast: int
    name: str
    seed: int = Field(ge=0)
    learner: Annotated[LearnerTable, BeforeValidator(name_learner), NAMED]
    algorithm: AlgorithmEntry = Field(default_factory=AlgorithmTable)
    data: DataTable = Field(default_factory=DataTable)
    model: ModelTable


@dataclass(frozen=True)
class Spec:
    """A task: the learner and its options, where its data come from, the seed, the model's layout,
    what of the learner's arrays is not in it, and the algorithm."""

    name: str
    seed: int
    learner: str
    options: Mapping[str, Any]
    source: str
    label: str | None
    partition: str
    held_out: float
    layout: Layout
    kept: tuple[Kept, ...] = ()
    schema: Schema = Schema()
    algorithm: Algorithm = USUAL


def parse_spec(text: bytes) -> Spec:
    """Return what the bytes of a spec say. Raises SpecRefused, which names the entry."""
    document = _validate(_read(text))
    try:
        layout, kept = document.model.build_layout(), document.model.build_kept()
    except LayoutRefused as error:
        raise SpecRefused(f"spec: model: {error.reason}", error.expected, error.got) from error
    try:
        algorithm = document.algorithm.build()
    except AlgorithmRefused as error:
        raise SpecRefused(f"spec: {error.reason}", error.expected, error.got) from error
    return Spec(
        name=document.name,
        seed=document.seed,
        learner=document.learner.name,
        options=document.learner.options,
        source=document.data.source,
        label=document.data.label,
        partition=document.data.partition,
        held_out=document.data.held_out,
        layout=layout,
        kept=kept,
        schema=document.data.build_schema(),
        algorithm=algorithm,
    )


def _read(text: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(text.decode())
    # Bad TOML, bad UTF-8 or a number without end; and brackets without end.
    except (ValueError, RecursionError) as error:
        raise SpecRefused("spec", "TOML", str(error)) from error


def _validate(table: dict[str, Any]) -> _Document:
    # First of all: what is unknown here may be known to another version.
    version = table.get("holdfast", VERSION)
    if version != VERSION:
        raise SpecRefused("spec: holdfast", f"version {VERSION}", repr(version))
    try:
        return _Document.model_validate(table)
    except ValidationError as error:
        misfit = find_misfit(_Document, error)
        raise SpecRefused(f"spec: {misfit.entry}", misfit.expected, misfit.got) from error


def write_spec(spec: Spec) -> bytes:
    """Return a spec's bytes; `parse_spec` gives the spec again."""
    lines = [
        "# What this federation learns. Peers hash these bytes exactly as they are.",
        f"holdfast = {VERSION}",
        f"name = {to_toml(spec.name)}",
        f"seed = {spec.seed}",
        "",
        "[learner]",
        f"name = {to_toml(spec.learner)}",
        f"options = {to_toml(dict(spec.options))}",
        "",
        *write_algorithm(spec.algorithm),
        "[data]",
        f"source = {to_toml(spec.source)}",
        *([] if spec.label is None else [f"label = {to_toml(spec.label)}"]),
        f"partition = {to_toml(spec.partition)}",
        f"held_out = {to_toml(spec.held_out)}",
        *(f"{name} = {to_toml(each)}" for name, each in describe_schema(spec.schema).items()),
        "",
        *write_model(spec.layout, spec.kept),
    ]
    return ("\n".join(lines) + "\n").encode()


def write_algorithm(algorithm: Algorithm) -> list[str]:
    """Return the lines of a page's table of the algorithm; none for the usual one."""
    if algorithm == USUAL:
        return []
    name, options = describe_algorithm(algorithm)
    return ["[algorithm]", f"name = {to_toml(name)}", f"options = {to_toml(options)}", ""]


def write_model(layout: Layout, kept: Sequence[Kept]) -> list[str]:
    """Return the lines of a page's table of arrays."""
    shared = [f"  {to_toml(row)}," for row in layout.to_dict()["arrays"]]
    rows = [{**asdict(each), "shape": list(each.shape)} for each in kept]
    stays = ["kept = [", *(f"  {to_toml(row)}," for row in rows), "]"] if rows else []
    return ["[model]", "arrays = [", *shared, "]", *stays]


def rule_of(parameters: Parameters) -> Rule:
    """Return the rule that the contract's parameters describe."""
    return Rule(
        weighting=Weighting(parameters.weighting),
        selection=Selection(parameters.selection),
        trim_bps=parameters.trim_bps,
        faults_bps=parameters.faults_bps,
        clip=parameters.clip,
        update_bytes=parameters.update_bytes,
        update_bits=parameters.update_bits,
        model_bits=parameters.model_bits,
    )


def to_toml(value: object) -> str:
    """Return a value as TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _toml_text(value)
        case list() | tuple():
            return "[" + ", ".join(to_toml(item) for item in value) + "]"
        case Mapping():
            return (
                "{ " + ", ".join(f"{_toml_text(k)} = {to_toml(v)}" for k, v in value.items()) + " }"
            )
    raise SpecRefused("spec: value", "a string, number, list or table", repr(value))


def _toml_text(text: str) -> str:
    """Return a string as JSON writes it, which TOML reads the same.

    Letters stay as they are: JSON's escapes for those above U+FFFF come in pairs that TOML refuses.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SpecRefused("spec: text", "Unicode characters", repr(text)) from error
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
