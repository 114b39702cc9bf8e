"""What is wrong with a page, in words of our own: every entry of every page."""

import pytest
from pydantic import ValidationError

from node import founding, settings, spec
from node.tables import Table, find_misfit, list_entries

PAGES = (founding._Page, settings._Page, spec._Document)
FOREIGN = ("Input", "should", "required", "permitted", "match", "a table")
TABLES = ("learner.options", "algorithm.options", "data.columns")
"""Entries that are tables of whatever a learner, or a file, has."""


class _Inner(Table):
    width: int


class _Outer(Table):
    inner: _Inner
    colour: str | None = None


def misfit_of(page, content):
    with pytest.raises(ValidationError) as caught:
        page.model_validate(content)
    return find_misfit(page, caught.value)


def set_entry(entry, value):
    for part in reversed(entry.split(".")):
        value = {part: value}
    return value


@pytest.mark.parametrize(
    ("page", "entry"), [(page, entry) for page in PAGES for entry, _ in list_entries(page)]
)
def test_find_misfit__an_entry_of_another_type__is_named_in_plain_words(page, entry):
    # No entry is a set; what is missing elsewhere is told by itself, so ask for this one alone.
    with pytest.raises(ValidationError) as caught:
        page.model_validate(set_entry(entry, {1}))
    (own,) = (e for e in caught.value.errors() if ".".join(map(str, e["loc"])) == entry)
    only = ValidationError.from_exception_data("page", [own])
    misfit = find_misfit(page, only)
    assert (misfit.entry, misfit.got) == (entry, "{1}")
    words = [word for word in FOREIGN if word in misfit.expected]
    assert words == (["a table"] if entry in TABLES else [])


@pytest.mark.parametrize(
    ("content", "expected", "got"),
    [
        ({"inner": {"widht": 1}}, "one of width (perhaps width)", "an unknown widht"),
        ({"width": 1}, "one of inner, colour (perhaps inner.width)", "an unknown width"),
        ({"xyz": 1}, "one of inner, colour", "an unknown xyz"),
    ],
)
def test_find_misfit__an_unknown_entry__names_those_that_are_known_and_the_nearest(
    content, expected, got
):
    whole = {"inner": {"width": 1}} | content
    if "inner" in content:
        whole["inner"] = {"width": 1} | content["inner"]
    misfit = misfit_of(_Outer, whole)
    assert (misfit.expected, misfit.got) == (expected, got)


def test_find_misfit__a_table_is_missing__says_that_it_is_one():
    assert misfit_of(_Outer, {}).expected == "a table"
