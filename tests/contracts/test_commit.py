"""`commit`: an update, hung off the result that it was trained on."""

import pytest
from federation_lab import ETHER, Lab, OpenLab, make_root

from chain.keys import compute_running_hash
from chain.types import Agreed, Closing, Committed, Opened


def test_commit__first_on_the_head__opens_the_round_and_tells(lab: Lab) -> None:
    root, genesis = make_root(0, 1), lab.head
    mined = lab.commit(0, 1, samples=77)
    ends_at = mined.timestamp + 600
    assert mined.events == (
        Committed(1, 0, genesis, root, 77, 5),
        Opened(1, genesis, 4 * ETHER, 4, ends_at),
    )
    number, named, end, power, active, agreed, ran = lab.federation.read("round")
    assert (number, named, end, power, active) == (1, 1, ends_at, 4 * ETHER, 4)
    assert (agreed, ran) == (0, 0)
    row = lab.federation.get_row(genesis, 1)
    assert row == (compute_running_hash(genesis, 1, ((mined.events[0], ETHER),)), 1, ETHER)


def test_commit__several_seats__running_hash_in_the_chains_order(lab: Lab) -> None:
    genesis, told = lab.head, []
    for seat in (2, 0, 3):
        told.append((lab.commit(seat, 1).only(Committed), ETHER))
    running, committed, stake = lab.federation.get_row(genesis, 1)
    assert running == compute_running_hash(genesis, 1, tuple(told))
    assert (committed, stake) == (0b1101, 3 * ETHER)


@pytest.mark.parametrize(("weighting", "weight"), [(0, ETHER), (1, 1), (2, 2**64 - 1)])
def test_commit__each_weighting__hashes_stake_one_or_samples(
    open_lab: OpenLab, weighting: int, weight: int
) -> None:
    lab = open_lab(3, weighting=weighting, faults_bps=0)
    genesis = lab.head
    event = lab.commit(0, 1, samples=2**64 - 1).only(Committed)
    running = lab.federation.get_row(genesis, 1)[0]
    assert running == compute_running_hash(genesis, 1, ((event, weight),))


def test_commit__not_the_owner__refused(lab: Lab) -> None:
    with lab.refused("seats: not the owner"):
        lab.commit(0, 1, by=1)
    with lab.refused("seats: no such seat"):
        lab.commit(128, 1, by=1)


def test_commit__twice__refused(lab: Lab) -> None:
    lab.commit(0, 1)
    with lab.refused("rounds: already committed"):
        lab.commit(0, 1, root=make_root(9))


def test_commit__an_empty_root__refused(lab: Lab) -> None:
    with lab.refused("rounds: an empty root"):
        lab.commit(0, 1, root=bytes(32))


@pytest.mark.parametrize("number", [0, 2, 3, 2**255])
def test_commit__another_round_than_the_next__refused(lab: Lab, number: int) -> None:
    with lab.refused(
        "rounds: not a round to commit to"
        if number
        else "rounds: the seat does not count in this round"
    ):
        lab.commit(0, number, root=make_root(1))


def test_commit__too_few_active_seats__refused(open_lab: OpenLab) -> None:
    lab = open_lab(2)
    with lab.refused("rounds: too few active seats"):
        lab.commit(0, 1)
    lab.join(2)
    lab.commit(0, 1).only(Opened)


def test_commit__last_second__accepted_and_at_the_deadline_refused(lab: Lab) -> None:
    lab.commit_all(1, [0, 1])
    end = lab.commit_ends_at
    lab.next_at(end - 1)
    lab.commit(2, 1)
    lab.next_at(end)
    with lab.refused("rounds: not a round to commit to"):
        lab.commit(3, 1)


def test_commit__stake_reaches_all_but_the_faulty__grace_begins(open_lab: OpenLab) -> None:
    # 10 ether of power, 2000 bps of faults: 8 ether are enough.
    lab = open_lab((5 * ETHER, 3 * ETHER - 1, ETHER + 1, ETHER))
    lab.commit(0, 1)
    assert lab.commit(1, 1).events[1:] == ()
    mined = lab.commit(2, 1)
    assert mined.only(Closing) == Closing(1, mined.timestamp + 30)
    assert lab.commit_ends_at == mined.timestamp + 30
    lab.next_at(mined.timestamp + 29)
    lab.commit(3, 1)


def test_commit__stake_reaches_the_grace_exactly__grace_begins(open_lab: OpenLab) -> None:
    lab = open_lab((5 * ETHER, 3 * ETHER, ETHER, ETHER))
    lab.commit(0, 1)
    mined = lab.commit(1, 1)
    assert mined.only(Closing).commit_ends_at == mined.timestamp + 30
    # A further commitment does not lengthen it.
    lab.next_at(mined.timestamp + 20)
    assert lab.commit(2, 1).events[1:] == ()
    lab.next_at(mined.timestamp + 30)
    with lab.refused("rounds: not a round to commit to"):
        lab.commit(3, 1)


def test_commit__grace_beyond_the_deadline__the_deadline_holds(open_lab: OpenLab) -> None:
    lab = open_lab((5 * ETHER, 3 * ETHER, ETHER, ETHER))
    end = lab.commit(0, 1).only(Opened).commit_ends_at
    lab.next_at(end - 10)
    assert lab.commit(1, 1).events[1:] == ()
    assert lab.commit_ends_at == end


def test_commit__all_have_committed__ends_at_once(lab: Lab) -> None:
    lab.commit_all(1, [0, 1, 2])
    mined = lab.commit(3, 1)
    assert mined.only(Closing) == Closing(1, mined.timestamp)
    lab.propose(0, lab.make_proposal(1))


@pytest.mark.parametrize(("count", "lapses_at_commit_end"), [(2, True), (3, False)])
def test_commit__fewer_than_min_updates__the_round_lapses_with_its_commitments(
    lab: Lab, count: int, lapses_at_commit_end: bool
) -> None:
    lab.commit_all(1, range(count))
    lab.close_commits()
    if lapses_at_commit_end:
        assert lab.commit(3, 2).only(Opened).round == 2
        return
    with lab.refused("rounds: the parent is not a result to build on"):
        lab.commit(3, 2)
    lab.next_at(lab.commit_ends_at + 299)
    with lab.refused("rounds: the parent is not a result to build on"):
        lab.commit(3, 2)
    lab.next_at(lab.commit_ends_at + 300)
    assert lab.commit(3, 2).only(Opened).round == 2


def test_commit__after_a_lapse__a_new_number_on_the_same_head(lab: Lab) -> None:
    genesis = lab.head
    lab.commit(0, 1)
    lab.close_commits()
    with lab.refused("rounds: already committed"):
        lab.commit(0, 1)
    with lab.refused("rounds: not a round to commit to"):
        lab.commit(1, 1)
    event = lab.commit(0, 2).only(Opened)
    assert (event.round, event.parent) == (2, genesis)
    assert lab.federation.get_row(genesis, 2)[1] == 1
    lab.let_lapse()
    assert lab.commit(0, 3).only(Opened).round == 3
    with lab.refused("rounds: not a round to commit to"):
        lab.commit(1, 2)


def test_commit__early_under_a_proposed_key__opens_nothing(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    mined = lab.commit(0, 2, proposal.key)
    assert mined.events == (Committed(2, 0, proposal.key, make_root(0, 2), 10, 5),)
    assert lab.federation.get_round().number == 1
    assert lab.federation.get_round().named == 2


def test_commit__early_under_a_key_nobody_proposed__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    with lab.refused("rounds: the parent is not a result to build on"):
        lab.commit(0, 2, proposal.key)
    lab.propose(0, proposal)
    with lab.refused("rounds: not a round to commit to"):
        lab.commit(0, 3, proposal.key)
    lab.commit(0, 2, proposal.key)
    with lab.refused("rounds: already committed"):
        lab.commit(0, 2, proposal.key)


def test_commit__early_at_the_end_of_the_votes__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    end = lab.commit_ends_at + 300
    lab.next_at(end - 1)
    lab.commit(0, 2, proposal.key)
    lab.next_at(end)
    with lab.refused("rounds: the parent is not a result to build on"):
        lab.commit(1, 2, proposal.key)


def test_commit__early_under_two_keys__each_has_its_own_row(lab: Lab) -> None:
    first = lab.open_votes(1)
    second = lab.make_proposal(1, model=1)
    lab.propose(0, first)
    lab.propose(1, second)
    lab.commit(0, 2, first.key)
    lab.commit(0, 2, second.key)
    assert lab.federation.get_row(first.key, 2)[1:] == (1, ETHER)
    assert lab.federation.get_row(second.key, 2)[1:] == (1, ETHER)


def test_commit__early_under_the_agreed_key__open_the_round_at_the_agreement(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    for seat in (0, 1, 3):
        lab.commit(seat, 2, proposal.key)
    lab.attest(1, proposal.key)
    mined = lab.attest(2, proposal.key)
    assert mined.events[1:] == (
        Agreed(1, proposal.key, 1, 0),
        Opened(2, proposal.key, 4 * ETHER, 4, mined.timestamp + 600),
    )
    # Three of four are not 80 % of the stake; the fourth ends it.
    mined = lab.commit(2, 2)
    assert mined.only(Closing).commit_ends_at == mined.timestamp


def test_commit__all_early_under_the_agreed_key__votes_may_begin_at_the_agreement(
    lab: Lab,
) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.commit_all(2, range(4), proposal.key)
    lab.attest(1, proposal.key)
    mined = lab.attest(2, proposal.key)
    assert mined.only(Opened).commit_ends_at == mined.timestamp
    lab.propose(0, lab.make_proposal(2))


def test_commit__early_under_another_key_than_the_agreed__do_nothing(lab: Lab) -> None:
    agreed = lab.open_votes(1)
    other = lab.make_proposal(1, model=1)
    lab.propose(0, agreed)
    lab.propose(3, other)
    lab.commit_all(2, range(4), other.key)
    lab.attest(1, agreed.key)
    assert lab.attest(2, agreed.key).events[1:] == (Agreed(1, agreed.key, 1, 0),)
    assert lab.commit_ends_at == 0
    with lab.refused("rounds: already committed"):
        lab.commit(0, 2, other.key)
    with lab.refused("rounds: not a round to commit to"):
        lab.commit(0, 3, other.key)
    assert lab.commit(0, 2).only(Opened).parent == agreed.key
    assert lab.federation.get_row(agreed.key, 2)[1] == 1


def test_commit__on_the_head_while_its_successor_is_voted_on__refused(lab: Lab) -> None:
    lab.agree(1)
    lab.open_votes(2)
    with lab.refused("rounds: the parent is not a result to build on"):
        lab.commit(0, 3)


def test_commit__after_a_halt_of_years__costs_no_empty_round(lab: Lab) -> None:
    lab.agree(1)
    lab.next_at(lab.now + 10**9)
    assert lab.commit(0, 2).only(Opened).round == 2


def test_commit__joined_later__change_never_counts_in_a_round_before_it(lab: Lab) -> None:
    """The flag that saves a cold read must not make the seat count in the head's round: found by
    review, it did after a lapse."""
    key = lab.agree(1)
    lab.commit(0, 2)
    lab.join(4)
    lab.let_lapse()
    lab.commit(4, 3)
    lab.let_lapse()
    lab.commit(4, 4)
    lab.let_lapse()
    lab.commit(4, 5)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.attest(4, key)
