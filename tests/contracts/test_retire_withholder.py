"""`retire_withholder`: a seat that commits and does not serve is retired by the results that left
it out."""

import pytest
from federation_lab import ETHER, Lab, OpenLab
from retirement_lab import (
    QUICK,
    SILENT,
    activate,
    agree_without,
    read_records,
    retire_withholder,
    state,
    watch,
)

from chain.errors import Reverted
from chain.types import Joined, Opened, Retired, ToppedUp, Unbonding


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    """Four seats; left out of two results in a row is too much."""
    return open_lab(4, **QUICK)


def test_retire_withholder__left_out_often_enough__counts_no_more_and_tells(lab: Lab) -> None:
    for number in (1, 2):
        agree_without(lab, number)
    balance = lab.balance_wei
    mined = retire_withholder(lab, read_records(lab))
    assert mined.events == (Retired(SILENT, 3),)
    seat = state(lab)
    assert (seat.until, seat.since, seat.stake_wei) == (3, mined.timestamp, ETHER)
    assert seat.is_retired
    assert lab.balance_wei == balance
    event = lab.commit(0, 3).only(Opened)
    assert (event.power_wei, event.active) == (3 * ETHER, 3)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.commit(SILENT, 3)


def test_retire_withholder__once_too_few__refused(lab: Lab) -> None:
    agree_without(lab, 1)
    with lab.refused("seats: too few results left the seat out"):
        retire_withholder(lab, read_records(lab))
    agree_without(lab, 2)
    with lab.refused("seats: too few results left the seat out"):
        retire_withholder(lab, read_records(lab)[:1])
    retire_withholder(lab, read_records(lab)).only(Retired)


def test_retire_withholder__no_records__refused(lab: Lab) -> None:
    with lab.refused("seats: too few results left the seat out"):
        retire_withholder(lab, ())


def test_retire_withholder__more_records_than_needed__retires(lab: Lab) -> None:
    for number in range(1, 5):
        agree_without(lab, number)
    retire_withholder(lab, read_records(lab)).only(Retired)


@pytest.mark.parametrize("change", ["round", "commitments", "included", "model_root"])
def test_retire_withholder__not_the_heads_record__refused(lab: Lab, change: str) -> None:
    from dataclasses import replace
    from typing import Any, cast

    for number in (1, 2):
        agree_without(lab, number)
    first, second = read_records(lab)
    value: object = bytes(32) if change in ("commitments", "model_root") else 1
    with lab.refused("seats: not the head's record"):
        retire_withholder(lab, (replace(first, **cast(Any, {change: value})), second))
    with lab.refused("seats: not the head's record"):
        retire_withholder(lab, (second, first))


def test_retire_withholder__a_gap_or_a_repetition__refused(lab: Lab) -> None:
    for number in (1, 2, 3):
        agree_without(lab, number)
    first, _, third = read_records(lab)
    with lab.refused("seats: not the parent's record"):
        retire_withholder(lab, (first, third))
    with lab.refused("seats: not the parent's record"):
        retire_withholder(lab, (first, first))


def test_retire_withholder__a_list_that_was_overtaken__refused(lab: Lab) -> None:
    for number in (1, 2):
        agree_without(lab, number)
    records = read_records(lab)
    agree_without(lab, 3)
    with lab.refused("seats: not the head's record"):
        retire_withholder(lab, records)


@pytest.mark.parametrize("included_in", [1, 2, 3])
def test_retire_withholder__included_once_in_between__refused(lab: Lab, included_in: int) -> None:
    for number in (1, 2, 3):
        if number == included_in:
            lab.agree(number)
        else:
            agree_without(lab, number)
    with lab.refused("seats: the seat was included"):
        retire_withholder(lab, read_records(lab))
    if included_in == 1:
        # What it did before the row of results that left it out is not asked.
        retire_withholder(lab, read_records(lab)[:2]).only(Retired)


def test_retire_withholder__results_to_which_it_had_not_committed__are_passed_over(
    lab: Lab,
) -> None:
    agree_without(lab, 1)
    lab.agree(2, range(3))
    with lab.refused("seats: too few results left the seat out"):
        retire_withholder(lab, read_records(lab))
    agree_without(lab, 3)
    lab.agree(4, range(3))
    retire_withholder(lab, read_records(lab)).only(Retired)


def test_retire_withholder__another_seat__is_not_meant(lab: Lab) -> None:
    for number in (1, 2):
        agree_without(lab, number)
    with lab.refused("seats: the seat was included"):
        retire_withholder(lab, read_records(lab), seat=0)


def test_retire_withholder__lapsed_rounds_between__do_not_matter(lab: Lab) -> None:
    agree_without(lab, 1)
    lab.commit_all(2, range(4))
    lab.let_lapse()
    agree_without(lab, 3)
    retire_withholder(lab, read_records(lab)).only(Retired)


def test_retire_withholder__no_such_seat__refused(lab: Lab) -> None:
    for number in (1, 2):
        agree_without(lab, number)
    for seat in (4, 127, 128, 2**255):
        with lab.refused("seats: no such seat"):
            retire_withholder(lab, read_records(lab), seat)


def test_retire_withholder__left_and_gone__refused_and_the_roll_stands(lab: Lab) -> None:
    """The results of a former owner are still there; were they to retire a free seat, the number of
    active seats would be one too low for ever."""
    for number in (1, 2):
        agree_without(lab, number)
    lab.leave(SILENT)
    with lab.refused("seats: leaving"):
        retire_withholder(lab, read_records(lab))
    lab.next_at(lab.withdraw(SILENT).only(Unbonding).free_at)
    lab.withdraw(SILENT)
    with lab.refused("seats: no such seat"):
        retire_withholder(lab, read_records(lab))
    assert lab.commit(0, 3).only(Opened).active == 3


def test_retire_withholder__the_next_owner_of_the_index__is_not_blamed(lab: Lab) -> None:
    for number in (1, 2):
        agree_without(lab, number)
    lab.leave(SILENT)
    lab.next_at(lab.withdraw(SILENT).only(Unbonding).free_at)
    lab.withdraw(SILENT)
    event = lab.join(7).only(Joined)
    assert (event.seat, event.counts_from) == (SILENT, 3)
    with lab.refused("seats: older than the seat"):
        retire_withholder(lab, read_records(lab))
    # Nor once it remembers two stakes.
    lab.agree(3, range(3))
    lab.top_up(SILENT, ETHER, by=7)
    assert (state(lab).earlier_wei, state(lab).begun) == (ETHER, 3)
    with lab.refused("seats: older than the seat"):
        retire_withholder(lab, read_records(lab))


def test_retire_withholder__topped_up_in_between__does_not_get_away(lab: Lab) -> None:
    agree_without(lab, 1)
    assert lab.top_up(SILENT, 1).only(ToppedUp).counts_from == 2
    agree_without(lab, 2)
    retire_withholder(lab, read_records(lab)).only(Retired)
    assert lab.commit(0, 3).only(Opened).power_wei == 3 * ETHER


def test_retire_withholder__retired_already__refused(lab: Lab) -> None:
    for number in (1, 2):
        agree_without(lab, number)
    retire_withholder(lab, read_records(lab))
    with lab.refused("seats: retired"):
        retire_withholder(lab, read_records(lab))


def test_retire_withholder__watched__keeps_the_time_of_its_watch(lab: Lab) -> None:
    agree_without(lab, 1)
    since = watch(lab).since
    agree_without(lab, 2)
    retire_withholder(lab, read_records(lab)).only(Retired)
    assert state(lab).since == since


def test_retire_withholder__may_come_back__and_go_again(lab: Lab) -> None:
    for number in (1, 2):
        agree_without(lab, number)
    retire_withholder(lab, read_records(lab))
    activate(lab)
    for number in (3, 4):
        agree_without(lab, number)
    with lab.refused("seats: older than the seat"):
        retire_withholder(lab, read_records(lab))
    retire_withholder(lab, read_records(lab)[:2]).only(Retired)


@pytest.mark.slow
def test_retire_withholder__the_longest_list__fits_a_transaction(open_lab: OpenLab) -> None:
    lab = open_lab(4, retire_seconds=100, max_missed=64)
    for number in range(1, 65):
        agree_without(lab, number)
    mined = retire_withholder(lab, read_records(lab))
    mined.only(Retired)
    assert mined.gas_used < 1_000_000


def test_retire_withholder__more_than_64_records__refused(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    for number in (1, 2):
        agree_without(lab, number)
    with pytest.raises(Reverted):
        retire_withholder(lab, (*read_records(lab), *read_records(lab) * 32))
