"""Events of retirement and of disputes that cannot stand where they do. The other kinds are for
test_audit.py."""

import pytest
from peers_lab import PARAMETERS

from chain.ledger import Ledger
from chain.types import (
    Activated,
    Agreed,
    Answered,
    Challenged,
    Closed,
    Created,
    Event,
    Joined,
    Left,
    Logged,
    Parameters,
    Position,
    Refuted,
    Retired,
    Slashed,
    Voided,
    Watched,
)
from node.history import find_misplacement, find_void

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


KEY = b"\x07" * 32
ASKED = Challenged(3, KEY, 0, 0, 1, "0xc", 5, 2000)
ANSWERED, CLOSED = Answered(3, 0, 0, 1, "0xa"), Closed(3, 0, 0, 1, 5)
SLASHED, REFUTED = Slashed(3, 0b1, 1, 10, 5), Refuted(3, 9, "0xc", 5)


def agree(number: int, height: int) -> Agreed:
    return Agreed(number, bytes([number]) * 32, height, 0)


@pytest.mark.parametrize(
    ("before", "event", "what"),
    [
        ((), Voided(3, 2), None),
        ((), Voided(2, 1), None),
        ((), Voided(2, 2), "it does not stand at height 2"),
        ((), Voided(3, 3), "it does not stand at height 3"),
        ((), Voided(3, 0), "it does not stand at height 0"),
        ((), SLASHED, None),
        ((), Slashed(3, 0b11, 1, 10, 5), "a seat is slashed for round 3 that never joined"),
        ((SLASHED,), REFUTED, None),
        ((), REFUTED, "round 3 is refuted, and nobody was slashed"),
        ((ASKED,), ANSWERED, None),
        ((), ANSWERED, "an answer about round 3 that nobody waits for"),
        ((ASKED, ANSWERED), ANSWERED, "an answer about round 3 that nobody waits for"),
        ((ASKED,), CLOSED, None),
        ((ASKED, ANSWERED, SLASHED, REFUTED), CLOSED, None),
        ((ASKED, ANSWERED), CLOSED, "a challenge of round 3 is closed that is not open"),
        ((), CLOSED, "a challenge of round 3 is closed that is not open"),
        ((ASKED, CLOSED), CLOSED, "a challenge of round 3 is closed that is not open"),
    ],
)
def test_find_misplacement__disputes__only_where_the_contract_emits_them(
    before: tuple[Event, ...], event: Event, what: str | None
) -> None:
    ledger = Ledger(b"\x01" * 32)
    agreed = (agree(2, 1), agree(3, 2))
    for index, each in enumerate((*BEGINNING, *agreed, *before)):
        ledger.apply(Logged(each, Position(index, 0, bytes(32)), 1000))
    found = find_misplacement(ledger, event)
    assert (found is None) == (what is None)
    assert what is None or what in found


def test_find_void__cut_and_agreed_anew__are_those_that_do_not_stand() -> None:
    events = (
        *(agree(1, 1), agree(2, 2), agree(3, 3), Voided(2, 2), agree(6, 2), agree(7, 3)),
        *(Voided(7, 3), agree(9, 3)),
    )
    history = [Logged(e, Position(i, 0, bytes(32)), 1000) for i, e in enumerate(events)]
    assert find_void(history) == {bytes([number]) * 32 for number in (2, 3, 7)}
    assert find_void(history[:3]) == frozenset()
