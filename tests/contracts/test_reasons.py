"""Revert strings: those in the sources, those that become typed errors, and those tested."""

import re
from pathlib import Path

import pytest
from federation_counters import AFTER_CREATION
from test_creation import EDGES

import contracts
from chain.errors import REASONS, ParametersRefused, Reverted, revert_error

SOURCES = sorted(Path(contracts.__file__).parent.rglob("*.vy"))
TESTS = sorted(Path(__file__).parent.glob("test_*.py"))
REASON = re.compile(r'^\s*(?:assert .*, |raise |check\._that\(.*, )"([^"]+)"\)?$', re.MULTILINE)


TOPICS = {
    "admission": ("seats",),
    "membership": ("seats",),
    "retirement": ("seats",),
    "judge": ("disputes", "evidence"),
}
"""What a module's reasons are about, where it is not the module itself."""


def find_reasons() -> set[str]:
    return {reason for path in SOURCES for reason in REASON.findall(path.read_text())}


def test_reasons__in_the_sources__are_those_that_have_types() -> None:
    assert find_reasons() == set(REASONS)


def test_reasons__each_assert__has_one() -> None:
    for path in SOURCES:
        # There the reason is an argument.
        if path.stem == "check":
            continue
        for line in path.read_text().splitlines():
            if line.strip().startswith(("assert ", "raise ")):
                assert REASON.match(line), (path.name, line)


def test_reasons__each_one__starts_with_its_topic() -> None:
    for path in SOURCES:
        for reason in REASON.findall(path.read_text()):
            assert reason.split(": ")[0] in (*TOPICS.get(path.stem, ()), path.stem, "merkle")


def test_reasons__each_one__is_expected_by_a_test() -> None:
    texts = "".join(p.read_text() for p in TESTS if p != Path(__file__))
    assert [reason for reason in REASONS if f'"{reason}"' not in texts] == []


def test_reasons__none__is_the_end_of_another() -> None:
    for one in REASONS:
        assert [other for other in REASONS if other.endswith(one)] == [one]


@pytest.mark.parametrize(("reason", "kind"), REASONS.items())
def test_revert_error__whatever_a_node_puts_before__is_typed(
    reason: str, kind: type[Reverted]
) -> None:
    for prefix in ("", "execution reverted: ", "VM Exception: revert: "):
        error = revert_error(prefix + reason)
        assert type(error) is kind
        assert error.got == str(error) == reason


def test_revert_error__unknown_reason__is_plainly_reverted() -> None:
    error = revert_error("execution reverted")
    assert type(error) is Reverted
    assert not isinstance(error, ParametersRefused)


def test_reasons__those_of_the_creation_and_those_of_the_machine__are_all() -> None:
    at_creation = {reason for reason, _, _ in EDGES} | {"disputes: not the judge"}
    assert at_creation | set(AFTER_CREATION) == set(REASONS)
    assert {reason for reason, _, _ in EDGES}.isdisjoint(AFTER_CREATION)
