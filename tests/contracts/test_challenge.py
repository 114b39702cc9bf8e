"""`challenge`, `answer`, `close`, `collect`: data is forced out, or its absence is paid for."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from dispute_lab import WATCHER, Case, Court, open_court
from federation_lab import ETHER, Lab, Mined, OpenLab

from chain.disputes import NEW_MODEL, OLD_MODEL
from chain.types import Answered, Challenged, Closed, Collected, Refuted, Revealed, Slashed, Voided
from node.merkle import slice_chunk

BOND = ETHER // 100
ASKER, HELPER = 9, 10


@pytest.fixture
def court(open_lab: OpenLab) -> Court:
    """Updates of five leaves, models of ten."""
    return open_court(open_lab, coordinates=640)


def ask(
    lab: Lab, case: Case, which: int, first: int = 0, count: int = 1, value: int = BOND
) -> Mined:
    arguments = (astuple(case.record), which, first, count)
    return lab.act("challenge", *arguments, by=ASKER, value_wei=value)


def answer(lab: Lab, case: Case, which: int, first: int = 0, count: int = 1, **by: bytes) -> Mined:
    data = by.get("data", case.answer(which, first, count))
    return lab.act("answer", astuple(case.record), which, first, count, data, by=HELPER)


def close(lab: Lab, case: Case, which: int, first: int = 0, count: int = 1) -> Mined:
    return lab.act("close", astuple(case.record), which, first, count, by=HELPER)


def owed(lab: Lab, account: int) -> int:
    return int(lab.federation.read("owed", lab.address(account)))


def test_challenge__data_of_an_update__is_told(court: Court) -> None:
    lab, case = court.lab, court.agree(1)
    before = lab.balance_wei
    mined = ask(lab, case, 2, 4, 4)
    until = mined.timestamp + 900
    told = Challenged(1, case.key, 2, 4, 4, lab.address(ASKER), BOND, until)
    assert mined.events == (told,)
    assert lab.balance_wei == before + BOND


@pytest.mark.parametrize(
    ("which", "first", "count"),
    [(2, 0, 1), (3, 4, 1), (0, 0, 8), (1, 4, 4), (OLD_MODEL, 8, 8), (NEW_MODEL, 0, 16)],
)
def test_answer__by_anybody__earns_the_deposit_and_tells_the_leaves(
    court: Court, which: int, first: int, count: int
) -> None:
    lab = court.lab
    court.agree(1)
    case = court.agree(2)
    ask(lab, case, which, first, count)
    mined = answer(lab, case, which, first, count)
    payload = {OLD_MODEL: case.old, NEW_MODEL: case.new}.get(which) or case.updates[which]  # type: ignore[index]
    reached = range(first, min(first + count, -(-len(payload) // 256)))
    assert mined.events == (
        *(Revealed(2, which, leaf, slice_chunk(payload, leaf)) for leaf in reached),
        Answered(2, which, first, count, lab.address(HELPER)),
    )
    assert owed(lab, HELPER) == BOND
    lab.next_at(lab.now + 10_000)
    with lab.refused("disputes: nothing to pay back"):
        close(lab, case, which, first, count)


def test_answer__the_first_model__is_known_without_a_record(court: Court) -> None:
    case = court.agree(1)
    ask(court.lab, case, OLD_MODEL, 9)
    answer(court.lab, case, OLD_MODEL, 9).only(Answered)


def test_answer__anything_but_the_truth__refused(court: Court) -> None:
    lab = court.lab
    court.agree(1)
    case = court.agree(2)
    for which, reason in (
        (2, "evidence: not the commitments"),
        (OLD_MODEL, "evidence: not the parent's record"),
        (NEW_MODEL, "merkle: not a leaf of the tree"),
    ):
        ask(lab, case, which, 0, 2)
        right = case.answer(which, 0, 2)
        for position, told in ((1, reason), (-1, "merkle: not a leaf of the tree")):
            wrong = bytearray(right)
            wrong[position] ^= 1
            with lab.refused(told):
                answer(lab, case, which, 0, 2, data=bytes(wrong))
        answer(lab, case, which, 0, 2).only(Answered)
        with lab.refused("disputes: not challenged"):
            answer(lab, case, which, 0, 2)


@pytest.mark.parametrize(
    ("which", "first", "count"),
    [
        (4, 0, 1),
        (130, 0, 1),
        (2**256 - 1, 0, 1),
        (0, 5, 1),
        (0, 0, 0),
        (0, 0, 3),
        (0, 2, 4),
        (0, 0, 16),
        (NEW_MODEL, 10, 1),
        (NEW_MODEL, 0, 128),
    ],
)
def test_challenge__leaves_that_there_are_not__refused(
    court: Court, which: int, first: int, count: int
) -> None:
    case = court.agree(1)
    with court.lab.refused("evidence: no such leaves"):
        ask(court.lab, case, which, first, count)


def test_challenge__deposit__at_least_the_minimum_and_twice_an_answer(open_lab: OpenLab) -> None:
    court = open_court(open_lab)
    case = court.agree(1)
    with court.lab.refused("disputes: deposit out of range"):
        ask(court.lab, case, 0, value=BOND - 1)
    ask(court.lab, case, 0, value=BOND)
    cheap = open_court(open_lab, bond_wei=1)
    case = cheap.agree(1)
    header = cheap.lab.web3.eth.get_block("latest")
    least = 2 * (120_000 + 14_000 + 2_500 * 4) * int(header["baseFeePerGas"] * 7 / 8)
    with cheap.lab.refused("disputes: deposit out of range"):
        ask(cheap.lab, case, 0, value=least // 2)
    ask(cheap.lab, case, 0, value=2 * least)


def test_challenge__twice__refused(court: Court) -> None:
    case = court.agree(1)
    ask(court.lab, case, 0)
    with court.lab.refused("disputes: challenged before"):
        ask(court.lab, case, 0)
    answer(court.lab, case, 0)
    with court.lab.refused("disputes: challenged before"):
        ask(court.lab, case, 0)


@pytest.mark.parametrize("late", [0, 1])
def test_challenge__the_last_second_and_the_one_after__asks_or_refused(
    court: Court, late: int
) -> None:
    case = court.agree(1)
    court.lab.next_at(court.lab.now + 3599 + late)
    if late:
        with court.lab.refused("disputes: too late"):
            ask(court.lab, case, 0)
    else:
        ask(court.lab, case, 0).only(Challenged)


def test_challenge__prolongs_the_time_to_refute__once(court: Court) -> None:
    lab = court.lab
    case = court.agree(1, lie=lambda model: model.__setitem__(9, 1 + model[9] // 2))
    agreed_at = lab.federation.get_head()[3]
    ask(lab, case, 0)
    answer(lab, case, 0)
    lab.next_at(agreed_at + 3600 + 1800 - 1)
    court.refute(case, 9).only(Refuted)


@pytest.mark.parametrize("late", [0, 1])
def test_close__unanswered__voids_and_takes_a_fifth_of_each_voter(court: Court, late: int) -> None:
    lab = court.lab
    first = court.agree(1)
    case = court.agree(2)
    court.agree(3)
    asked = ask(lab, case, 1).only(Challenged)
    lab.next_at(asked.answer_until - 1 + late)
    if not late:
        with lab.refused("disputes: still to be answered"):
            close(lab, case, 1)
        return
    with lab.refused("disputes: too late"):
        answer(lab, case, 1)
    mined = close(lab, case, 1)
    taken = 3 * (ETHER // 5)
    assert mined.events == (
        Voided(2, 2),
        Slashed(2, 0b0111, 5, taken, taken - BOND),
        Closed(2, 1, 0, 1, 2 * BOND),
    )
    assert lab.head == first.key
    assert [lab.read_seat(s)[1] for s in range(4)] == [ETHER * 4 // 5] * 3 + [ETHER]
    assert owed(lab, ASKER) == 2 * BOND
    assert lab.balance_wei == 4 * ETHER - taken + 2 * BOND
    with lab.refused("disputes: nothing to pay back"):
        close(lab, case, 1)


def test_close__what_was_built_on_a_void_result__gives_the_deposit_back(court: Court) -> None:
    lab = court.lab
    case = court.agree(1)
    above = court.agree(2)
    ask(lab, above, 0)
    ask(lab, case, 0)
    lab.next_at(lab.now + 900)
    close(lab, case, 0)
    with lab.refused("disputes: the result is void"):
        answer(lab, above, 0)
    with lab.refused("disputes: the result is void"):
        ask(lab, above, 1)
    assert close(lab, above, 0).events == (Closed(2, 0, 0, 1, BOND),)
    assert owed(lab, ASKER) == 3 * BOND


def test_close__answered_and_then_refuted__pays_the_lost_deposits_up_to_the_cap(
    open_lab: OpenLab,
) -> None:
    court = open_court(open_lab, challenger_cap_wei=BOND * 3 // 2)
    lab = court.lab
    case = court.agree(1, lie=lambda model: model.__setitem__(9, 1 + model[9] // 2))
    for which in (0, 1):
        ask(lab, case, which)
        answer(lab, case, which)
    slashed = court.refute(case, 9).only(Slashed)
    assert slashed.burned_wei == 3 * ETHER - 2 * (BOND * 3 // 2)
    assert close(lab, case, 0).only(Closed).paid_wei == BOND
    assert close(lab, case, 1).only(Closed).paid_wei == BOND // 2
    assert (owed(lab, ASKER), owed(lab, HELPER)) == (BOND * 3 // 2, 2 * BOND)
    assert owed(lab, WATCHER) == BOND * 3 // 2


def test_dispute__a_record_that_nobody_agreed_on__refused(court: Court) -> None:
    case = court.agree(1)
    other = (*astuple(case.record)[:4], b"\7" * 32, case.record.coefficients_hash)
    for function, data in (("challenge", ()), ("answer", (b"",)), ("close", ())):
        with court.lab.refused("disputes: not an agreed result"):
            court.lab.act(function, other, 0, 0, 1, *data, by=ASKER)


def test_collect__what_is_owed__once(court: Court) -> None:
    lab, case = court.lab, court.agree(1)
    ask(lab, case, 0)
    answer(lab, case, 0)
    before = lab.balance_wei
    mined = lab.act("collect", by=HELPER)
    assert mined.events == (Collected(lab.address(HELPER), BOND),)
    assert lab.balance_wei == before - BOND
    with lab.refused("disputes: nothing to collect"):
        lab.act("collect", by=HELPER)


def test_commit__as_many_unsettled_as_may_be__waits_for_the_oldest(open_lab: OpenLab) -> None:
    court = open_court(open_lab, max_unsettled=2)
    lab = court.lab
    settles_at = [court.agree(1) and lab.now + 3600]
    proposal = lab.open_votes(2)
    lab.propose(0, proposal)
    with lab.refused("rounds: too many unsettled results"):
        lab.commit(0, 3, proposal.key)
    for seat in (1, 2):
        lab.attest(seat, proposal.key)
    with lab.refused("rounds: too many unsettled results"):
        lab.commit(0, 3)
    lab.next_at(settles_at[0] - 1)
    with lab.refused("rounds: too many unsettled results"):
        lab.commit(0, 3)
    lab.commit(0, 3)
    assert lab.federation.read("head")[4] == 1


def test_withdraw__while_a_result_of_the_seat_can_be_disputed__waits(open_lab: OpenLab) -> None:
    court = open_court(open_lab)
    lab, case = court.lab, court.agree(1)
    lab.leave(0)
    lab.withdraw(0)
    lab.next_at(lab.now + 3599 - 2)
    ask(lab, case, 1)
    lab.next_at(lab.now + 3 * 3600)
    with lab.refused("seats: still unbonding"):
        lab.withdraw(0)
    close(lab, case, 1)
    lab.withdraw(0)
    assert lab.read_seat(0)[1] == 0


def test_views__archive__tells_of_rounds_and_heights(court: Court) -> None:
    lab, case = court.lab, court.agree(1)
    at, block = lab.now, lab.web3.eth.block_number
    ask(lab, case, 0)
    assert lab.federation.read("archived", 1) == (1, at, block, 1, True, False)
    assert [lab.federation.read("canonical", height) for height in (0, 1, 2)] == [0, 1, 0]
    assert lab.federation.read("archived", 2) == (0, 0, 0, 0, False, False)
