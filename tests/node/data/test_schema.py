"""What columns are declared to be."""

import re
import tomllib
from pathlib import Path

import pytest

from node.data.errors import InvalidSchema
from node.data.schema import (
    TABLE_ENTRIES,
    Column,
    Kind,
    Missing,
    Scaling,
    Schema,
    Target,
    check_heeded,
    parse_schema,
)
from node.data.schema import describe_schema as describe

ENTRIES = {
    "columns": {
        "age": {"kind": "number", "mean": 50.0, "deviation": 20.0},
        "sex": ["f", "m"],
        "ward": "category",
        "clinic": "group",
        "name": "ignore",
    },
    "missing": "fill",
    "scaling": "range",
    "target": "number",
    "image": [8, 9],
    "colour": True,
}


def test_parse_schema__every_entry__is_what_it_says_and_back():
    schema = parse_schema(ENTRIES)
    assert schema.find("age") == Column(Kind.NUMBER, (), 50.0, 20.0)
    assert schema.find("sex") == Column(Kind.CATEGORY, ("f", "m"))
    assert schema.find("elsewhere") == Column()
    assert (schema.missing, schema.scaling) == (Missing.FILL, Scaling.RANGE)
    assert (schema.target, schema.image) == (Target.NUMBER, (8, 9))
    assert describe(schema) == ENTRIES
    assert parse_schema(describe(schema)) == schema


def test_describe_schema__the_usual__is_nothing():
    assert describe(Schema()) == {}
    assert parse_schema({}) == Schema()


def test_parse_schema__the_page_of_the_documents__is_one():
    text = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
    (page,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    table = tomllib.loads(page)["data"]
    schema = parse_schema({k: v for k, v in table.items() if k not in ("source", "label")})
    assert schema.find("hospital").kind is Kind.GROUP
    assert schema.find("age").deviation == 20.0


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (
            {"rows": 3},
            "data: expected columns, missing, scaling, target, image, colour, got 'rows'",
        ),
        ({"columns": ["a"]}, "data: columns: expected a table of columns"),
        ({"columns": {"a": "text"}}, "columns.a: expected number, category, group, ignore, got"),
        ({"columns": {"a": 3}}, "columns.a: expected a kind, a list of values, or a table"),
        ({"columns": {"a": {"unit": "m"}}}, "columns.a: expected a kind"),
        ({"columns": {"a": ["x", "x"]}}, "columns.a: expected values that differ"),
        ({"columns": {"a": [1]}}, "columns.a: expected a list of texts"),
        ({"columns": {"a": {"mean": "x"}}}, "columns.a.mean: expected a number"),
        ({"columns": {"a": {"deviation": 0}}}, "columns.a.deviation: expected a number above 0"),
        ({"columns": {"a": []}}, "columns.a: expected at least one value, got an empty list"),
        ({"columns": {"a": ["x", ""]}}, "columns.a: expected values that are not empty"),
        (
            {"columns": {"a": {"kind": "group", "values": ["x"]}}},
            "columns.a: expected values with a category alone, got a group",
        ),
        (
            {"columns": {"a": {"kind": "category", "mean": 1}}},
            "columns.a: expected mean and deviation with a number, got a category",
        ),
        ({"missing": "guess"}, "missing: expected refuse, drop, fill, got 'guess'"),
        ({"scaling": 3}, "scaling: expected standard, range, none, got 3"),
        ({"target": "rank"}, "target: expected class, number, got 'rank'"),
        ({"image": [8]}, "image: expected [height, width], got [8]"),
        ({"image": [8, 0]}, "image: expected [height, width]"),
        ({"colour": 1}, "colour: expected true or false, got 1"),
    ],
)
def test_parse_schema__an_entry_that_cannot_be_meant__is_named(entries, told):
    with pytest.raises(InvalidSchema) as caught:
        parse_schema(entries)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("entries", "heeded", "told"),
    [
        (
            {"scaling": "standard"},
            (),
            "expected none: it is used as it is, got scaling = 'standard'",
        ),
        (
            {"image": [2, 3]},
            TABLE_ENTRIES,
            "expected only columns, missing, scaling, target, got",
        ),
    ],
)
def test_check_heeded__what_a_source_would_pass_over__is_refused(entries, heeded, told):
    with pytest.raises(InvalidSchema) as caught:
        check_heeded("own.npz", parse_schema(entries), heeded)
    assert "own.npz, entries of [data]: " + told in str(caught.value)
    check_heeded("own.npz", parse_schema({"scaling": "none"}), ())
