"""What ends a watch that `retire` began: any vote that the contract counts, and nothing else."""

from collections.abc import Callable

import pytest
from federation_lab import ETHER, Lab, OpenLab
from retirement_lab import QUICK, SILENT, agree_without, read_slot, retire, state, watch

from chain.errors import Reverted
from chain.types import Agreed, Attested, Retired, Watched

VARIES = 255
FIRST_DEED = 3
"""Storage slot of seat 0's first word, see docs/protocol.md."""


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    """Four seats; two rounds and 100 seconds of silence are too much."""
    return open_lab(4, **QUICK)


def by_attest(lab: Lab) -> None:
    proposal = lab.open_votes(2)
    lab.propose(0, proposal)
    watch(lab)
    lab.attest(SILENT, proposal.key).only(Attested)


def by_attest_and_commit(lab: Lab) -> None:
    proposal = lab.open_votes(2)
    lab.propose(0, proposal)
    watch(lab)
    lab.attest_and_commit(SILENT, proposal.key, 3).only(Attested)


def by_propose(lab: Lab) -> None:
    proposal = lab.open_votes(2)
    watch(lab)
    lab.propose(SILENT, proposal).only(Attested)


def by_the_vote_that_agrees(lab: Lab) -> None:
    proposal = lab.open_votes(2)
    lab.propose(0, proposal)
    watch(lab)
    lab.attest(1, proposal.key)
    lab.attest(SILENT, proposal.key).only(Agreed)


def by_a_late_approval_of_the_head(lab: Lab) -> None:
    watch(lab)
    lab.attest(SILENT, lab.head).only(Attested)


def by_a_vote_after_commitments(lab: Lab) -> None:
    """A commitment puts the stake back among those that are not looked at twice, but not while
    the seat is watched: its vote would go unseen, and an honest seat would be retired."""
    watch(lab)
    for number in (2, 3):
        agree_without(lab, number)
    proposal = lab.open_votes(4)
    lab.propose(0, proposal)
    assert state(lab).is_watched
    lab.attest(SILENT, proposal.key)


@pytest.mark.parametrize(
    "vote",
    [
        by_attest,
        by_attest_and_commit,
        by_propose,
        by_the_vote_that_agrees,
        by_a_late_approval_of_the_head,
        by_a_vote_after_commitments,
    ],
)
def test_retire__the_seat_votes__is_not_watched_any_more(
    lab: Lab, vote: Callable[[Lab], None]
) -> None:
    lab.agree(1)
    vote(lab)
    seat = state(lab)
    assert (seat.since, seat.ran, seat.is_watched) == (0, 0, False)
    assert (seat.stake_wei, seat.until, seat.begun) == (ETHER, 0, 1)
    lab.next_at(lab.now + 10_000)
    retire(lab).only(Watched)


def test_retire__the_seat_only_commits__stays_watched_and_is_retired(lab: Lab) -> None:
    lab.agree(1)
    since = watch(lab).since
    for number in (2, 3):
        lab.agree(number)
    lab.commit(SILENT, 4)
    assert state(lab).since == since
    lab.next_at(since + 10_000)
    retire(lab).only(Retired)


def test_retire__its_vote_is_refused__stays_watched(lab: Lab) -> None:
    key = lab.agree(1)
    lab.agree(2)
    since = watch(lab).since
    with lab.refused("rounds: the vote on this result is over"):
        lab.attest(SILENT, key)
    assert state(lab).since == since


def test_retire__others_vote__stays_watched(lab: Lab) -> None:
    lab.agree(1)
    since = watch(lab).since
    lab.agree(2)
    assert state(lab).since == since


def test_retire__watched_by_everybody_who_votes_each_round__retires_nobody(lab: Lab) -> None:
    """A watch right after each vote, as an attacker would place it, and every call in between."""
    lab.agree(1, range(4))
    for number in range(2, 8):
        for seat in range(4):
            if not state(lab, seat).is_watched:
                watch(lab, seat)
        lab.next_at(lab.now + 10_000)
        proposal = lab.open_votes(number)
        for seat in range(4):
            with pytest.raises(Reverted) as caught:
                retire(lab, seat)
            assert caught.value.got == "seats: too few rounds missed"
        lab.propose(0, proposal)
        for seat in range(1, 4):
            lab.attest(seat, proposal.key)
    assert lab.federation.get_head()[1] == 7


def test_retire__a_watch_that_ended__costs_its_votes_nothing_later(lab: Lab) -> None:
    lab.agree(1)
    by_attest(lab)
    lab.attest(1, lab.make_proposal(2).key)
    assert read_slot(lab, FIRST_DEED + SILENT) >> VARIES == 1
    lab.agree(3)
    assert read_slot(lab, FIRST_DEED + SILENT) >> VARIES == 0
