"""The fold over events: what it keeps when seats come and go. That it equals the contract's state
is for the machine in tests/contracts."""

import pytest
from federation_lab import ETHER, Lab

from chain.ledger import Ledger, SeatRecord
from chain.observer import Observer
from chain.states import Head, OpenRound


def fold(lab: Lab) -> Ledger:
    observer = Observer(lab.federation, created_at=lab.created_at)
    observer.poll()
    return observer.ledger


def test_ledger__before_any_round__head_is_the_genesis(lab: Lab) -> None:
    ledger = fold(lab)
    assert ledger.head() == Head(lab.head, 0, 0, lab.parameters.genesis)
    assert ledger.round == OpenRound(0, 0, 0, 0, 0)
    assert (ledger.spec, ledger.parameters) == (b"a spec", lab.parameters)
    assert ledger.active(1) == (0, 1, 2, 3)
    assert ledger.active(0) == ()
    assert ledger.candidates() == ()


def test_ledger__a_round__tells_row_candidates_votes_and_head(lab: Lab) -> None:
    first = lab.open_votes(1)
    second = lab.make_proposal(1, model=1)
    lab.propose(2, first)
    lab.propose(3, second)
    lab.attest(2, second.key)
    ledger = fold(lab)
    assert [c.seat for c in ledger.commitments(first.parent, 1)] == [0, 1, 2, 3]
    assert [p.key for p in ledger.candidates()] == [first.key, second.key]
    assert ledger.stake_behind(second.key) == 2 * ETHER
    assert set(ledger.votes[second.key]) == {2, 3}
    lab.attest(0, second.key)
    head = fold(lab).head()
    assert head == Head(second.key, 1, 1, second.model_root)
    assert ledger.openings[1].power_wei == 4 * ETHER


def test_ledger__a_voter_withdrew__stake_behind_stays_as_on_the_chain(lab: Lab) -> None:
    key = lab.agree(1)
    lab.leave(0)
    lab.withdraw(0)
    lab.next_at(lab.now + 10_000)
    lab.withdraw(0)
    ledger = fold(lab)
    assert 0 not in ledger.seats
    assert ledger.stake_behind(key) == 3 * ETHER == lab.federation.get_tally(key)[2]
    lab.join(9, 5 * ETHER)
    assert fold(lab).stake_behind(key) == 3 * ETHER


def test_ledger__endpoints__the_last_one(lab: Lab) -> None:
    lab.act("set_endpoint", 2, "there", by=2)
    assert fold(lab).seats[2].endpoint == "there"


@pytest.mark.parametrize(
    ("round_id", "stake"), [(1, 0), (2, 10), (4, 10), (5, 30), (8, 30), (9, 0), (99, 0)]
)
def test_stake_in__joined_topped_up_and_left__by_round(round_id: int, stake: int) -> None:
    record = SeatRecord("0x", "x", ((2, 10), (5, 30)), until=9)
    assert record.stake_in(round_id) == stake


def test_stake_in__a_seat_that_never_was__counts_nothing(lab: Lab) -> None:
    assert fold(lab).stake_in(99, 1) == 0
