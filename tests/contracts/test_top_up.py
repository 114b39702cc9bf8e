"""`top_up`: more stake, which counts from the first round that nobody has named."""

from federation_lab import ETHER, Lab, OpenLab
from retirement_lab import QUICK, SILENT, retire, retire_silent, state, watch

from chain.types import Opened, Retired, ToppedUp


def test_top_up__before_any_round__counts_at_once_and_tells(lab: Lab) -> None:
    event = lab.top_up(0, ETHER).only(ToppedUp)
    assert event == ToppedUp(0, 2 * ETHER, 1)
    assert lab.read_seat(0)[1:] == (2 * ETHER, 0, 1, 0, 0)
    assert lab.balance_wei == 5 * ETHER
    assert lab.commit(0, 1).only(Opened).power_wei == 5 * ETHER


def test_top_up__not_the_owner__refused(lab: Lab) -> None:
    with lab.refused("seats: not the owner"):
        lab.top_up(0, ETHER, by=1)
    with lab.refused("seats: no such seat"):
        lab.top_up(128, ETHER, by=0)
    with lab.refused("seats: not the owner"):
        lab.top_up(127, ETHER, by=0)


def test_top_up__nothing_sent__refused(lab: Lab) -> None:
    with lab.refused("seats: nothing sent"):
        lab.top_up(0, 0)


def test_top_up__leaving__refused(lab: Lab) -> None:
    lab.leave(0)
    with lab.refused("seats: leaving"):
        lab.top_up(0, ETHER)


def test_top_up__equal_weights__refused(open_lab: OpenLab) -> None:
    lab = open_lab(3, weighting=1)
    with lab.refused("seats: equal weights need the minimum stake exactly"):
        lab.top_up(0, 1)


def test_top_up__in_an_open_round__its_vote_weighs_what_it_did_at_the_opening(
    open_lab: OpenLab,
) -> None:
    lab = open_lab(4)
    lab.agree(1)
    proposal = lab.open_votes(2)
    assert lab.top_up(0, 100 * ETHER).only(ToppedUp).counts_from == 3
    lab.propose(0, proposal)
    assert lab.federation.get_tally(proposal.key)[2] == ETHER
    assert lab.federation.get_row(proposal.parent, proposal.round)[2] == 4 * ETHER
    lab.attest(1, proposal.key)
    assert lab.head != proposal.key
    lab.attest(2, proposal.key)
    assert lab.head == proposal.key
    assert lab.commit(0, 3).only(Opened).power_wei == 104 * ETHER
    assert lab.federation.get_row(lab.head, 3)[2] == 101 * ETHER


def test_top_up__after_an_early_commit_named_the_next_round__counts_after_it(lab: Lab) -> None:
    lab.agree(1)
    proposal = lab.open_votes(2)
    lab.propose(0, proposal)
    lab.commit(0, 3, proposal.key)
    assert lab.top_up(1, ETHER).only(ToppedUp).counts_from == 4
    lab.commit(1, 3, proposal.key)
    assert lab.federation.get_row(proposal.key, 3)[2] == 2 * ETHER


def test_top_up__twice_before_a_round__adds_up(lab: Lab) -> None:
    lab.agree(1)
    lab.top_up(0, 1)
    assert lab.top_up(0, 2).only(ToppedUp) == ToppedUp(0, ETHER + 3, 2)
    assert lab.read_seat(0)[1:4] == (ETHER + 3, ETHER, 2)


def test_top_up__the_last_change_not_yet_in_an_agreed_round__refused(lab: Lab) -> None:
    lab.agree(1)
    lab.top_up(0, 1)
    proposal = lab.open_votes(2)
    with lab.refused("seats: the last change does not count yet"):
        lab.top_up(0, 1)
    lab.propose(0, proposal)
    lab.attest(1, proposal.key)
    with lab.refused("seats: the last change does not count yet"):
        lab.top_up(0, 1)
    lab.attest(2, proposal.key)
    assert lab.top_up(0, 1).only(ToppedUp) == ToppedUp(0, ETHER + 2, 3)


def test_top_up__after_rounds_that_lapsed__late_votes_still_weigh_as_in_the_heads_round(
    lab: Lab,
) -> None:
    """Found by review: a second change forgot the stake of the head's round, which late approvals
    still ask for."""
    key = lab.agree(1)
    lab.top_up(3, ETHER)
    lab.commit(0, 2)
    lab.let_lapse()
    lab.commit(0, 3)
    with lab.refused("seats: the last change does not count yet"):
        lab.top_up(3, ETHER)
    before = lab.federation.get_tally(key)[2]
    lab.attest(3, key)
    assert lab.federation.get_tally(key)[2] == before + ETHER


def test_top_up__watched__the_watch_goes_on(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    event = watch(lab)
    assert lab.top_up(SILENT, ETHER).only(ToppedUp).stake_wei == 2 * ETHER
    seat = state(lab)
    assert (seat.since, seat.ran, seat.stake_wei) == (event.since, event.ran, 2 * ETHER)
    for number in (2, 3):
        lab.commit_all(number, range(4))
        lab.let_lapse()
    lab.commit(0, 4)
    retire(lab).only(Retired)
    lab.let_lapse()
    assert lab.commit(0, 5).only(Opened).power_wei == 3 * ETHER, "the whole stake is off the roll"


def test_top_up__retired__refused(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    retire_silent(lab, 2)
    with lab.refused("seats: retired"):
        lab.top_up(SILENT, ETHER)
