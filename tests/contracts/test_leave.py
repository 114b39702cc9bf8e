"""`leave`: the seat ends with the first round that nobody has named."""

from federation_lab import ETHER, Lab, OpenLab
from retirement_lab import QUICK, SILENT, activate, retire_silent, state, watch

from chain.types import Joined, Left, Opened


def test_leave__between_rounds__ends_at_once_and_tells(lab: Lab) -> None:
    assert lab.leave(3).only(Left) == Left(3, 1)
    assert lab.read_seat(3)[1:] == (ETHER, 0, 1, 1, 0)
    assert lab.balance_wei == 4 * ETHER
    with lab.refused("rounds: the seat does not count in this round"):
        lab.commit(3, 1)
    event = lab.commit(0, 1).only(Opened)
    assert (event.power_wei, event.active) == (3 * ETHER, 3)


def test_leave__not_the_owner__refused(lab: Lab) -> None:
    with lab.refused("seats: not the owner"):
        lab.leave(0, by=1)
    with lab.refused("seats: no such seat"):
        lab.leave(2**255, by=1)


def test_leave__twice__refused(lab: Lab) -> None:
    lab.leave(0)
    with lab.refused("seats: leaving"):
        lab.leave(0)


def test_leave__in_an_open_round__counts_to_its_end(lab: Lab) -> None:
    lab.commit(0, 1)
    assert lab.leave(3).only(Left).counts_until == 2
    assert lab.federation.get_round().power_wei == 4 * ETHER
    lab.commit_all(1, [1, 2, 3])
    lab.close_commits()
    proposal = lab.make_proposal(1)
    lab.propose(3, proposal)
    lab.attest(2, proposal.key)
    lab.attest(1, proposal.key)
    assert lab.head == proposal.key
    with lab.refused("rounds: the seat does not count in this round"):
        lab.commit(3, 2)
    assert lab.commit(0, 2).only(Opened).power_wei == 3 * ETHER


def test_leave__after_an_early_commit_named_the_next_round__counts_in_it_too(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.commit(0, 2, proposal.key)
    assert lab.leave(3).only(Left).counts_until == 3
    lab.commit(3, 2, proposal.key)
    lab.attest(1, proposal.key)
    assert lab.attest(2, proposal.key).only(Opened).power_wei == 4 * ETHER


def test_leave__late_approval_of_the_head__still_counts(lab: Lab) -> None:
    key = lab.agree(1)
    lab.leave(3)
    lab.attest(3, key)
    assert lab.federation.get_tally(key)[0] == 0b1111


def test_leave__too_few_are_left__no_round_is_named_until_others_join(lab: Lab) -> None:
    """Found by review: an early commitment could name a round that could never open, which froze
    the stakes of all who left afterwards."""
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.leave(2)
    lab.leave(3)
    with lab.refused("rounds: too few active seats"):
        lab.commit(0, 2, proposal.key)
    with lab.refused("rounds: too few active seats"):
        lab.attest_and_commit(1, proposal.key, 2)
    lab.let_lapse()
    with lab.refused("rounds: too few active seats"):
        lab.commit(0, 2)
    assert lab.join(5).only(Joined).counts_from == 2
    assert lab.commit(0, 2).only(Opened).active == 3


def test_leave__watched__ends_the_watch(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    watch(lab)
    assert lab.leave(SILENT).only(Left).counts_until == 2
    seat = state(lab)
    assert (seat.until, seat.since, seat.ran, seat.is_retired) == (2, 0, 0, False)
    with lab.refused("seats: not retired"):
        activate(lab)


def test_leave__retired__refused(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    retire_silent(lab, 2)
    with lab.refused("seats: retired"):
        lab.leave(SILENT)
