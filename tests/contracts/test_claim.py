"""`fund` and `claim`: what results earn, for whom it is set aside, and when it is paid."""

from __future__ import annotations

import pytest
from dispute_lab import open_court
from federation_lab import ETHER, PAIR, Lab, Mined, OpenLab

from chain.observer import Observer
from chain.rewards import Claim, compute_earned, compute_pool, find_claim
from chain.types import Agreed, Claimed, Funded, Seat

RATE = 10**15
MOST_SECONDS = 900
"""Commitments and votes together, as PARAMETERS have them."""
ABSENT = (0x10000).to_bytes(4, "big") + bytes(4)
"""Coefficients of an update without a weight."""


@pytest.fixture
def paid(open_lab: OpenLab) -> Lab:
    """Four seats, and a pool that nothing exhausts."""
    lab = open_lab(4, reward_wei_per_second=RATE)
    fund(lab, 1_000 * ETHER)
    return lab


def fund(lab: Lab, value: int) -> Mined:
    return lab.act("fund", by=9, value_wei=value)


def claim(lab: Lab, seat: int, *keys: bytes, by: int | None = None) -> Mined:
    return lab.act("claim", seat, list(keys), by=seat if by is None else by)


def let_settle(lab: Lab) -> None:
    """Let the next block be the first in which the head is settled."""
    lab.next_at(lab.federation.get_head()[3] + lab.parameters.challenge_seconds)


def share_of(lab: Lab, key: bytes) -> int:
    (agreed,) = (
        e.event for e in lab.events() if isinstance(e.event, Agreed) and e.event.key == key
    )
    return agreed.share_wei


def test_fund__some_ether__is_in_the_pool_and_told(open_lab: OpenLab) -> None:
    lab = open_lab(2, reward_wei_per_second=RATE)
    mined = fund(lab, 3)
    assert mined.events == (Funded(lab.address(9), 3),)
    assert lab.federation.get_pool() == (3, 0)
    assert lab.balance_wei == 2 * ETHER + 3


def test_fund__nothing_or_where_nothing_is_paid__refused(lab: Lab, paid: Lab) -> None:
    with paid.refused("rewards: nothing sent"):
        fund(paid, 0)
    with lab.refused("rewards: none are paid here"):
        fund(lab, 1)


def test_agreement__the_first__earns_the_most_there_is(paid: Lab) -> None:
    key = paid.agree(1)
    assert share_of(paid, key) == RATE * MOST_SECONDS // 4
    assert paid.federation.get_pool()[1] == 4 * share_of(paid, key)


@pytest.mark.parametrize(
    ("after", "earned"), [(600, 600), (MOST_SECONDS - 1, MOST_SECONDS - 1), (5000, MOST_SECONDS)]
)
def test_agreement__so_long_after_its_parent__earns_by_the_second(
    paid: Lab, after: int, earned: int
) -> None:
    paid.agree(1)
    before = paid.federation.get_head()[3]
    paid.next_at(before + after - 100)
    proposal = paid.open_votes(2)
    paid.propose(0, proposal)
    paid.attest(1, proposal.key)
    paid.next_at(before + after)
    told = paid.attest(2, proposal.key).only(Agreed)
    assert told == Agreed(2, proposal.key, 2, RATE * earned // 4)


def test_agreement__pool_that_does_not_cover_it__is_divided_by_all_who_counted(
    open_lab: OpenLab,
) -> None:
    lab = open_lab(4, reward_wei_per_second=RATE)
    fund(lab, 1001)
    assert share_of(lab, lab.agree(1)) == 250
    assert lab.federation.get_pool() == (1001, 1000)
    # What seat 3 did not vote for is there again.
    assert share_of(lab, lab.agree(2)) == (1001 - 750) // 4
    fund(lab, 10)
    assert lab.federation.get_pool() == (1011, 750 + 4 * 62)


def test_agreement__short_pool_and_seats_left_out__the_others_earn_no_more_by_it(
    open_lab: OpenLab,
) -> None:
    lab = open_lab(4, reward_wei_per_second=RATE)
    fund(lab, 1001)
    lab.commit_all(1, range(4))
    lab.close_commits()
    some = lab.make_proposal(1, included=0b0111, coefficients=3 * PAIR)
    lab.propose(0, some)
    lab.attest(1, some.key)
    assert lab.attest(2, some.key).only(Agreed).share_wei == 250
    assert lab.federation.get_pool() == (1001, 750)


def test_agreement__update_without_a_weight__has_no_share(paid: Lab) -> None:
    proposal = paid.open_votes(1)
    weightless = paid.make_proposal(1, coefficients=3 * PAIR + ABSENT)
    assert weightless.included == proposal.included == 0b1111
    for seat in (3, 1):
        paid.propose(seat, weightless) if seat == 3 else paid.attest(seat, weightless.key)
    share = paid.attest(2, weightless.key).only(Agreed).share_wei
    assert share == RATE * MOST_SECONDS // 4
    assert paid.federation.get_pool()[1] == 3 * share
    let_settle(paid)
    with paid.refused("rewards: nothing to claim"):
        claim(paid, 3, weightless.key)
    assert claim(paid, 1, weightless.key).only(Claimed).amount_wei == share


def test_claim__settled_results__pays_the_owner_once_and_tells(paid: Lab) -> None:
    keys = [paid.agree(number) for number in (1, 2, 3)]
    amount = sum(share_of(paid, key) for key in keys)
    let_settle(paid)
    held = paid.balance_wei
    mined = claim(paid, 1, *keys)
    assert mined.events == (Claimed(1, 3, amount),)
    assert paid.balance_wei == held - amount
    for key in keys:
        with paid.refused("rewards: not in ascending order"):
            claim(paid, 1, key)
    assert claim(paid, 0, *keys).only(Claimed).amount_wei == amount


@pytest.mark.parametrize(("seconds", "is_paid"), [(-1, False), (0, True)])
def test_claim__either_side_of_the_window__refused_or_paid(
    paid: Lab, seconds: int, is_paid: bool
) -> None:
    key = paid.agree(1)
    let_settle(paid)
    paid.next_at(paid.clock.at + seconds)
    if is_paid:
        assert claim(paid, 0, key).only(Claimed).round == 1
        return
    with paid.refused("rewards: not a settled result"):
        claim(paid, 0, key)


def test_claim__by_another_or_of_anything_else__refused(paid: Lab) -> None:
    first, second = paid.agree(1), paid.agree(2)
    proposal = paid.open_votes(3)
    paid.propose(0, proposal)
    let_settle(paid)
    with paid.refused("seats: not the owner"):
        claim(paid, 0, first, by=1)
    with paid.refused("seats: no such seat"):
        claim(paid, 128, first, by=1)
    with paid.refused("rewards: not in ascending order"):
        claim(paid, 0, second, first)
    with paid.refused("rewards: not in ascending order"):
        claim(paid, 0, bytes(32))
    with paid.refused("rewards: not a settled result"):
        claim(paid, 0, first, proposal.key)
    with paid.refused("rewards: nothing to claim"):
        claim(paid, 0)


def test_claim__seat_that_did_not_vote__has_nothing_and_its_share_comes_back(paid: Lab) -> None:
    key = paid.agree(1)
    share = share_of(paid, key)
    assert paid.federation.get_pool()[1] == 4 * share, "seat 3 may still vote"
    second = paid.agree(2)
    assert paid.federation.get_pool()[1] == 3 * share + 4 * share_of(paid, second)
    let_settle(paid)
    with paid.refused("rewards: nothing to claim"):
        claim(paid, 3, key)


def test_claim__seat_that_voted_late__is_paid_like_the_others(paid: Lab) -> None:
    key = paid.agree(1)
    share = share_of(paid, key)
    let_settle(paid)
    assert claim(paid, 0, key).only(Claimed).amount_wei == share
    paid.attest(3, key)
    assert claim(paid, 3, key).only(Claimed).amount_wei == share
    second = paid.agree(2)
    assert paid.federation.get_pool()[1] == 4 * (share + share_of(paid, second))


def test_claim__new_owner_of_an_index__is_not_paid_for_the_old_one(paid: Lab) -> None:
    key = paid.agree(1)
    paid.leave(0)
    second = paid.agree(2, (1, 2, 3))
    paid.next_at(paid.withdraw(0).timestamp + 5400)
    paid.withdraw(0)
    paid.join(8)
    third = paid.agree(3, (1, 2, 3))
    let_settle(paid)
    for each in (key, second):
        with paid.refused("rewards: not in ascending order"):
            claim(paid, 0, each, by=8)
    with paid.refused("rewards: nothing to claim"):
        claim(paid, 0, third, by=8)
    with paid.refused("seats: not the owner"):
        claim(paid, 0, key)


def test_refute__two_results__what_they_earned_is_in_the_pool_again(open_lab: OpenLab) -> None:
    court = open_court(open_lab, reward_wei_per_second=RATE)
    lab = court.lab
    fund(lab, 1_000 * ETHER)
    right = court.agree(1)
    wrong = court.agree(2, lie=lambda model: model.__setitem__(9, model[9] // 2 + 1))
    above = court.agree(3)
    court.refute(wrong, 9)
    share = share_of(lab, right.key)
    # Seat 3 had its time for a late vote, until the lie was agreed.
    assert lab.federation.get_pool()[1] == 3 * share
    for seat in range(3):
        lab.act("activate", seat, by=seat, value_wei=ETHER)
    again = court.agree(4)
    assert lab.federation.get_pool()[1] == 3 * share + 4 * share_of(lab, again.key)
    let_settle(lab)
    for case in (wrong, above):
        with lab.refused("rewards: not a settled result"):
            claim(lab, 0, case.key)
    paid_wei = claim(lab, 0, right.key, again.key).only(Claimed).amount_wei
    assert paid_wei == share + share_of(lab, again.key)


def test_find_claim__as_results_settle__is_what_the_contract_pays(paid: Lab) -> None:
    keys = tuple(paid.agree(number) for number in (1, 2, 3))
    observer = Observer(paid.federation, created_at=paid.created_at)
    observer.poll()
    ledger = observer.ledger
    assert compute_earned(ledger) == paid.federation.get_pool()[1]
    assert compute_pool(ledger) == 1_000 * ETHER - compute_earned(ledger)
    assert find_claim(ledger, Seat(0), 0, 64) == Claim((), 0)
    assert find_claim(ledger, Seat(0), 3, 2).keys == keys[:2]
    assert find_claim(ledger, Seat(3), 3, 64) == Claim((), 0), "it has not voted"
    let_settle(paid)
    found = find_claim(ledger, Seat(0), 2, 64)
    assert found.keys == keys[:2]
    assert claim(paid, 0, *found.keys).only(Claimed).amount_wei == found.amount_wei
    observer.poll()
    assert find_claim(ledger, Seat(0), 3, 64).keys == keys[2:]
