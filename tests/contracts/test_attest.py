"""`attest`: approval voting; two thirds of the power at the opening move the head."""

import pytest
from federation_lab import ETHER, Lab, OpenLab

from chain.types import Agreed, Attested, Opened


def test_attest__short_of_two_thirds__counts_and_tells(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    genesis = lab.head
    lab.propose(0, proposal)
    assert lab.attest(3, proposal.key).events == (Attested(proposal.key, 3),)
    assert lab.federation.get_tally(proposal.key) == (0b1001, 1, 2 * ETHER)
    assert lab.head == genesis


def test_attest__reaches_two_thirds__moves_the_head_in_the_same_transaction(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.attest(1, proposal.key)
    mined = lab.attest(2, proposal.key)
    assert mined.events == (Attested(proposal.key, 2), Agreed(1, proposal.key, 1, 0))
    assert lab.federation.get_head() == (proposal.key, 1, 1, mined.timestamp)
    assert lab.commit_ends_at == 0


@pytest.mark.parametrize(("missing", "is_agreed"), [(0, True), (1, False)])
def test_attest__two_thirds_exactly_and_one_wei_less__agrees_or_not(
    open_lab: OpenLab, missing: int, is_agreed: bool
) -> None:
    # Of 9 ether the first two have 6, or one wei less.
    lab = open_lab((4 * ETHER, 2 * ETHER - missing, 3 * ETHER + missing))
    proposal = lab.open_votes(1, range(3))
    lab.propose(0, proposal)
    lab.attest(1, proposal.key)
    assert (lab.head == proposal.key) == is_agreed


@pytest.mark.parametrize("power", [3 * ETHER + 1, 3 * ETHER + 2])
def test_attest__power_not_a_multiple_of_three__two_thirds_are_not_rounded_down(
    open_lab: OpenLab, power: int
) -> None:
    lab = open_lab((ETHER, ETHER, power - 2 * ETHER))
    proposal = lab.open_votes(1, range(3))
    lab.propose(0, proposal)
    lab.attest(1, proposal.key)
    assert lab.head != proposal.key


def test_attest__not_the_owner__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    with lab.refused("seats: not the owner"):
        lab.attest(1, proposal.key, by=2)
    with lab.refused("seats: no such seat"):
        lab.attest(128, proposal.key, by=2)


def test_attest__a_key_nobody_proposed__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    for key in (proposal.key, bytes(32), lab.head):
        with lab.refused("rounds: no such result"):
            lab.attest(0, key)


def test_attest__twice__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    with lab.refused("rounds: already approved"):
        lab.attest(0, proposal.key)


def test_attest__seat_that_does_not_count__refused(lab: Lab) -> None:
    lab.commit(0, 1)
    lab.join(4)
    proposal = lab.open_votes(1, (1, 2, 3))
    lab.propose(0, proposal)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.attest(4, proposal.key)


@pytest.mark.parametrize("late", [0, 1])
def test_attest__at_the_end_of_the_votes__refused_and_the_round_lapses(lab: Lab, late: int) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.attest(1, proposal.key)
    lab.next_at(lab.commit_ends_at + 299 + late)
    if not late:
        lab.attest(2, proposal.key).only(Agreed)
        return
    with lab.refused("rounds: the vote on this result is over"):
        lab.attest(2, proposal.key)
    genesis = lab.head
    assert lab.commit(0, 2).only(Opened).parent == genesis
    with lab.refused("rounds: the vote on this result is over"):
        lab.attest(2, proposal.key)


def test_attest__two_keys_by_one_seat__counts_for_both(lab: Lab) -> None:
    first = lab.open_votes(1)
    second = lab.make_proposal(1, model=1)
    lab.propose(0, first)
    lab.propose(1, second)
    lab.attest(0, second.key)
    lab.attest(1, first.key)
    assert lab.federation.get_tally(first.key) == (0b11, 1, 2 * ETHER)
    assert lab.federation.get_tally(second.key) == (0b11, 1, 2 * ETHER)
    lab.attest(2, second.key).only(Agreed)
    assert lab.head == second.key


def test_attest__the_head_until_its_successor_is_agreed__counts_and_moves_nothing(
    lab: Lab,
) -> None:
    key = lab.agree(1)
    proposal = lab.open_votes(2)
    assert lab.attest(3, key).events == (Attested(key, 3),)
    assert lab.federation.get_tally(key) == (0b1111, 1, 4 * ETHER)
    assert lab.federation.get_head()[:3] == (key, 1, 1)
    lab.propose(0, proposal)
    for seat in (1, 2):
        lab.attest(seat, proposal.key)
    assert lab.head == proposal.key
    lab.attest(3, proposal.key)


def test_attest__a_former_head__refused(lab: Lab) -> None:
    key = lab.agree(1)
    lab.agree(2)
    with lab.refused("rounds: the vote on this result is over"):
        lab.attest(3, key)


def test_attest__left_the_federation_after_the_opening__still_has_its_vote(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    for seat in (1, 2, 3):
        lab.leave(seat)
    lab.attest(1, proposal.key)
    assert lab.head != proposal.key, "two of four are not two thirds, whoever left since"
    lab.attest(2, proposal.key).only(Agreed)


def test_attest__roll_changes_after_the_opening__two_thirds_are_of_the_power_at_the_opening(
    open_lab: OpenLab,
) -> None:
    lab = open_lab(3)
    lab.commit(0, 1)
    lab.join(3, 100 * ETHER)
    lab.leave(2)
    lab.commit_all(1, (1, 2))
    lab.close_commits()
    proposal = lab.make_proposal(1)
    lab.propose(0, proposal)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.attest(3, proposal.key)
    lab.attest(1, proposal.key).only(Agreed)
