"""A spec's bytes and what they say: each gives the other, and the unknown is refused by name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.data.schema import parse_schema
from node.encoding import Layout
from node.errors import SpecRefused
from node.learning.keeping import Kept
from node.spec import Spec, parse_spec, write_spec

LAYOUT = Layout(("weight", "bias"), ((2, 3), (3,)), ("float32", "float64"))
SPEC = Spec(
    name="digits, 3 peers",
    seed=7,
    learner="mlp",
    options={"hidden": [32], "learning_rate": 0.2},
    source="digits",
    label=None,
    partition="dirichlet:0.5",
    held_out=0.2,
    layout=LAYOUT,
)
TEXT = b"""\
# What this federation learns. Peers hash these bytes exactly as they are.
holdfast = 1
name = "digits, 3 peers"
seed = 7

[learner]
name = "mlp"
options = { "hidden" = [32], "learning_rate" = 0.2 }

[data]
source = "digits"
partition = "dirichlet:0.5"
held_out = 0.2

[model]
arrays = [
  { "name" = "weight", "shape" = [2, 3], "dtype" = "float32" },
  { "name" = "bias", "shape" = [3], "dtype" = "float64" },
]
"""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
LAYOUTS = st.lists(
    st.tuples(
        TEXTS,
        st.lists(st.integers(1, 5), max_size=3),
        st.sampled_from(["float16", "float32", "float64", "int64", "uint8"]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row[0],
).map(lambda rows: Layout(*zip(*((n, tuple(s), d) for n, s, d in rows), strict=True)))
SPECS = st.builds(
    Spec,
    name=TEXTS,
    seed=st.integers(0, 2**63 - 1),
    learner=TEXTS,
    options=st.dictionaries(TEXTS, VALUES, max_size=4),
    source=TEXTS,
    label=st.none() | TEXTS,
    partition=TEXTS,
    held_out=st.floats(0, 1, exclude_min=True, exclude_max=True),
    layout=LAYOUTS,
)


@given(SPECS)
def test_parse_spec__any_spec_written__is_that_spec(spec):
    assert parse_spec(write_spec(spec)) == spec


def test_write_spec__golden__to_the_byte():
    assert write_spec(SPEC) == TEXT


def test_write_spec__a_label__stands_with_the_data():
    text = write_spec(replace(SPEC, label="sick"))
    assert text == TEXT.replace(b'"digits"\n', b'"digits"\nlabel = "sick"\n')


def test_write_spec__kept_arrays_and_declared_columns__come_back():
    kept = (Kept("count", (), "int64", 1), Kept("mask", (3,), "bool", 0))
    schema = parse_schema({"columns": {"sex": ["f", "m"], "age": {"mean": 3.5}}, "missing": "drop"})
    spec = replace(SPEC, kept=kept, schema=schema)
    assert parse_spec(write_spec(spec)) == spec


def test_parse_spec__the_learners_name_alone__is_a_learner_on_its_own_data():
    start, end = TEXT.index(b"[learner]"), TEXT.index(b"[model]")
    text = TEXT[:start] + b'learner = "clinic.model:make"\n\n' + TEXT[end:]
    spec = parse_spec(text)
    assert (spec.learner, spec.options, spec.source) == ("clinic.model:make", {}, "own")


@pytest.mark.parametrize("value", [None, b"bytes", {1, 2}, object])
def test_write_spec__no_toml_value__is_refused(value):
    with pytest.raises(SpecRefused, match="spec: value"):
        write_spec(replace(SPEC, options={"hidden": [value]}))


def test_write_spec__half_a_character__is_refused():
    with pytest.raises(SpecRefused, match="spec: text"):
        write_spec(replace(SPEC, name="\ud800"))


@pytest.mark.parametrize(
    ("old", "new", "entry"),
    [
        (
            b"seed = 7",
            b"seed = 7\ncolour = 3",
            "spec: colour: expected one of holdfast, na",
        ),
        (
            b"[learner]",
            b"[learner]\noption = 3",
            r"option: .* \(perhaps options\), got an",
        ),
        (b"[data]", b"[data]\nrows = 3", "spec: data.rows"),
        (b"[model]", b"[model]\nsize = 3", "spec: model.size"),
        (
            b"[2, 3],",
            b'[2, 3], "order" = "F",',
            "arrays.0.order: expected one of name, sh",
        ),
        (b"seed = 7", b"", "spec: seed: expected a whole number, at least 0, got none"),
        (b"seed = 7", b"seed = -1", "spec: seed"),
        (b"seed = 7", b'seed = "7"', "spec: seed"),
        (b"seed = 7", b"seed = true", "spec: seed"),
        (
            b"held_out = 0.2",
            b"held_out = 1.0",
            "held_out: expected a number, more than 0, le",
        ),
        (
            b"[2, 3]",
            b"[2, true]",
            "spec: model.arrays.0.shape.1: expected a whole n",
        ),
        (b"[2, 3]", b"[2, -3]", "spec: model: encoding: shape of array 'weight'"),
        (b'"bias"', b'"weight"', "spec: model: encoding: names of the arrays"),
        (b'"float64"', b'"complex64"', "spec: model: encoding: dtype of array 'bias'"),
    ],
)
def test_parse_spec__entry_unknown_missing_or_wrong__is_refused_by_name(old, new, entry):
    assert TEXT.count(old) == 1 or old == b"[2, 3]"
    with pytest.raises(SpecRefused, match=entry):
        parse_spec(TEXT.replace(old, new))


def test_parse_spec__a_learner_that_is_none__is_told_what_it_may_be():
    start, end = TEXT.index(b"[learner]"), TEXT.index(b"[model]")
    text = TEXT[:start] + b"learner = 5\n\n" + TEXT[end:]
    told = "spec: learner: expected a name, module:factory, or a table, got 5"
    with pytest.raises(SpecRefused, match=f"^{told}$"):
        parse_spec(text)


@pytest.mark.parametrize(
    "text",
    [
        b"seed",
        b"\xff\xfe",
        b"seed = 7\nseed = 7",
        b"a = " + b"[" * 12_000,
        b"a = " + b"1" * 5000,
        TEXT[:-5],
    ],
    ids=["no value", "no utf-8", "twice", "brackets", "digits", "cut"],
)
def test_parse_spec__not_toml__is_refused(text):
    with pytest.raises(SpecRefused, match="spec: expected TOML"):
        parse_spec(text)


@pytest.mark.parametrize("version", [b"0", b"2", b'"1"'])
def test_parse_spec__another_version__is_refused_before_its_entries(version):
    text = TEXT.replace(b"holdfast = 1", b"holdfast = " + version + b"\nnovelty = 1")
    with pytest.raises(SpecRefused, match="spec: holdfast: expected version 1"):
        parse_spec(text)
