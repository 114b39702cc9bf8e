"""Mistakes in somebody's module, each told in a line that leads to them."""

import pytest

from node.learning.errors import UnknownLearner, UnknownShape
from node.learning.failures import describe_failure
from node.learning.hosting import Place
from node.learning.reference import load_factory
from node.learning.shapes import recognise


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return lambda name, text: (tmp_path / name).write_text(text)


def test_describe_failure__no_python__has_the_line_that_is_none(write):
    write("unwritten.py", "import os\ndef make(context)\n    return None\n")
    with pytest.raises(SyntaxError) as caught:
        load_factory("unwritten:make")
    # The innermost line is Python's own, which imported it; that of the caller is this test's.
    told = describe_failure(caught.value, None)
    assert told.startswith("SyntaxError: expected ':' (unwritten.py, line 2) (test_failures.py")


def test_describe_failure__raised_below_a_line_of_the_users__names_that_line(write):
    write("reading.py", "import json\n\n\ndef make(context):\n    return json.loads(context)\n")
    with pytest.raises(ValueError, match="Expecting value") as caught:
        load_factory("reading:make")("patients")
    assert describe_failure(caught.value, None).endswith("(reading.py line 5)")


def test_load_factory__the_name_of_a_file__says_what_its_module_is_called():
    with pytest.raises(UnknownLearner, match=r"'absent' .* \(of absent\.py it is absent:make\)"):
        load_factory("absent.py:make")


class Learner:
    """Has the three methods."""

    def get_parameters(self, config):
        return []

    def fit(self, parameters, config):
        return [], 1, {}

    def evaluate(self, parameters, config):
        return 0.0, 1, {}


def test_recognise__a_class__is_not_taken_for_one_of_it():
    one = Learner()
    assert recognise(one, {}, Place(), None) is one
    with pytest.raises(UnknownShape, match=r"the class Learner itself \(return Learner\(...\)\)"):
        recognise(Learner, {}, Place(), None)
