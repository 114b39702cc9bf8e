"""Events of retirement that cannot stand where they do. The other kinds are for test_audit.py."""

import pytest
from peers_lab import PARAMETERS

from chain.ledger import Ledger
from chain.types import (
    Activated,
    Created,
    Event,
    Joined,
    Left,
    Logged,
    Parameters,
    Position,
    Retired,
    Watched,
)
from node.history import find_misplacement

BEGINNING = (Created(b"", Parameters(**PARAMETERS)), Joined(0, "0x0", 10, 1, "x"))
WATCHED, RETIRED, ACTIVATED = Watched(0, 1000, 0), Retired(0, 5), Activated(0, 10, 6)


@pytest.mark.parametrize(
    ("before", "event", "what"),
    [
        ((), WATCHED, None),
        ((), RETIRED, None),  # by the results that left it out
        ((WATCHED,), RETIRED, None),
        ((RETIRED,), ACTIVATED, None),
        ((RETIRED, ACTIVATED), WATCHED, None),
        ((), Watched(1, 1000, 0), "seat 1 never joined"),
        ((), Retired(1, 5), "seat 1 never joined"),
        ((), Activated(1, 10, 6), "seat 1 never joined"),
        ((WATCHED,), WATCHED, "is watched, though"),
        ((RETIRED,), WATCHED, "is watched, though"),
        ((RETIRED,), RETIRED, "is retired, though"),
        ((Left(0, 4),), RETIRED, "is retired, though"),
        ((), ACTIVATED, "is activated, though"),
        ((WATCHED,), ACTIVATED, "is activated, though"),
        ((Left(0, 4),), ACTIVATED, "is activated, though"),
    ],
)
def test_find_misplacement__retirement__only_where_the_contract_emits_it(
    before: tuple[Event, ...], event: Event, what: str | None
) -> None:
    ledger = Ledger(b"\x01" * 32)
    for index, each in enumerate((*BEGINNING, *before)):
        ledger.apply(Logged(each, Position(index, 0, bytes(32)), 1000))
    found = find_misplacement(ledger, event)
    assert (found is None) == (what is None)
    assert what is None or what in found
