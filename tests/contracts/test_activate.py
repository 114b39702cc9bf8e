"""`activate`: a retired seat counts again, with its whole stake."""

import pytest
from federation_lab import ETHER, Lab, OpenLab
from retirement_lab import (
    QUICK,
    SILENT,
    activate,
    agree_without,
    read_records,
    retire,
    retire_silent,
    retire_withholder,
    state,
    watch,
)

from chain.types import Activated, Attested, Left, Opened, Retired, ToppedUp, Unbonding


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    """Seat 3 is retired in round 4, which still counts it."""
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    retire_silent(lab, 2)
    return lab


def test_activate__its_rounds_are_over__counts_from_the_first_unnamed_round(lab: Lab) -> None:
    lab.let_lapse()
    assert activate(lab).events == (Activated(SILENT, ETHER, 5),)
    seat = state(lab)
    assert (seat.stake_wei, seat.earlier_wei, seat.changed_from) == (ETHER, 0, 5)
    assert (seat.until, seat.since, seat.ran, seat.begun, seat.free_at) == (0, 0, 0, 5, 0)
    event = lab.commit(SILENT, 5).only(Opened)
    assert (event.power_wei, event.active) == (4 * ETHER, 4)
    lab.commit_all(5, range(3))
    lab.close_commits()
    proposal = lab.make_proposal(5)
    lab.propose(SILENT, proposal).only(Attested)


@pytest.mark.parametrize("early", [1, 0])
def test_activate__a_round_may_count_it__refused_until_its_votes_are_over(
    lab: Lab, early: int
) -> None:
    lab.next_at(lab.commit_ends_at + lab.parameters.attest_seconds - early)
    if early:
        with lab.refused("seats: a round may still count the seat"):
            activate(lab)
    else:
        activate(lab).only(Activated)


def test_activate__a_named_round_that_has_not_opened__waits_for_it(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    watch(lab)
    for number in (2, 3):
        lab.agree(number, range(3))
    proposal = lab.open_votes(4, range(3))
    lab.propose(0, proposal)
    lab.commit(0, 5, proposal.key)
    assert retire(lab).only(Retired).counts_until == 6
    lab.let_lapse()
    with lab.refused("seats: a round may still count the seat"):
        activate(lab)
    # As with a seat that left: it counts in that round, so it can open it by itself.
    lab.commit(SILENT, 5).only(Opened)
    lab.let_lapse()
    assert activate(lab).only(Activated).counts_from == 6


def test_activate__not_the_owner__refused(lab: Lab) -> None:
    lab.let_lapse()
    with lab.refused("seats: not the owner"):
        activate(lab, by=0)
    with lab.refused("seats: no such seat"):
        activate(lab, 128)


def test_activate__not_retired__refused(lab: Lab) -> None:
    lab.let_lapse()
    activate(lab)
    with lab.refused("seats: not retired"):
        activate(lab)
    lab.commit(0, 5)
    watch(lab, 0)
    with lab.refused("seats: not retired"):
        activate(lab, 0, by=0)
    lab.leave(0)
    with lab.refused("seats: not retired"):
        activate(lab, 0, by=0)


def test_activate__unbonding__refused_for_good(lab: Lab) -> None:
    lab.let_lapse()
    free_at = lab.withdraw(SILENT).only(Unbonding).free_at
    seat = state(lab)
    assert (seat.since, seat.ran, seat.free_at, seat.is_retired) == (0, 0, free_at, False)
    with lab.refused("seats: not retired"):
        activate(lab)
    with lab.refused("seats: leaving"):
        lab.leave(SILENT)
    with lab.refused("seats: leaving"):
        retire(lab)
    with lab.refused("seats: leaving"):
        lab.top_up(SILENT, ETHER)


def test_activate__left_before_it_counted__waits_for_nobody(lab: Lab) -> None:
    lab.let_lapse()
    activate(lab)
    assert lab.leave(SILENT).only(Left).counts_until == 5
    lab.withdraw(SILENT).only(Unbonding)
    assert lab.commit(0, 5).only(Opened).power_wei == 3 * ETHER


def test_activate__not_counted_yet__cannot_be_watched(lab: Lab) -> None:
    lab.let_lapse()
    activate(lab)
    with lab.refused("seats: not counted yet"):
        retire(lab)
    lab.commit(0, 5)
    watch(lab)


def test_activate__late_approval_of_the_head__counts_no_more(lab: Lab) -> None:
    """Before its activation it could still have given it; now nothing earlier counts."""
    lab.let_lapse()
    activate(lab)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.attest(SILENT, lab.head)


def test_activate__topped_up_before__counts_with_all_of_it(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    lab.top_up(SILENT, ETHER)
    lab.commit(0, 2)
    watch(lab)
    for number in (3, 4):
        lab.commit_all(number - 1, range(4) if number > 3 else (1, 2))
        lab.let_lapse()
        lab.commit(0, number) if number == 4 else None
    retire(lab).only(Retired)
    lab.let_lapse()
    assert activate(lab).only(Activated).stake_wei == 2 * ETHER
    assert lab.commit(0, 5).only(Opened).power_wei == 5 * ETHER


def test_activate__total_of_95_bits__refuses_a_wei_too_much(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.devnet.building.GENESIS_BALANCE_WEI", 2**97)
    for missing in (0, 1):
        # The sum is 2**95 wei, or one less.
        lab = open_lab((ETHER, ETHER, ETHER, 2**94), **QUICK, attest_seconds=10, faults_bps=0)
        lab.commit_all(1, range(3))
        watch(lab)
        for number in (2, 3):
            lab.let_lapse()
            lab.commit_all(number, range(3))
        retire(lab).only(Retired)
        lab.join(5, 2**94 - 3 * ETHER - missing)
        lab.let_lapse()
        if missing:
            activate(lab).only(Activated)
        else:
            with lab.refused("seats: total stake of 2**95 wei or more"):
                activate(lab)


def test_activate__results_from_before__are_forgiven(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    for number in (1, 2):
        agree_without(lab, number)
    retire_withholder(lab, read_records(lab)).only(Retired)
    activate(lab)
    with lab.refused("seats: older than the seat"):
        retire_withholder(lab, read_records(lab))
    # Nor after a top-up, when the seat remembers two stakes.
    lab.agree(3, range(3))
    assert lab.top_up(SILENT, ETHER).only(ToppedUp).counts_from == 4
    assert (state(lab).changed_from, state(lab).begun) == (4, 3)
    with lab.refused("seats: older than the seat"):
        retire_withholder(lab, read_records(lab))


def test_activate__silent_again__retired_again(lab: Lab) -> None:
    lab.let_lapse()
    activate(lab)
    lab.agree(5, range(3))
    assert retire_silent(lab, 6).counts_until == 9
    lab.let_lapse()
    assert activate(lab).only(Activated).counts_from == 9
