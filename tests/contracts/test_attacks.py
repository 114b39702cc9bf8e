"""Attacks on what is promised: those that once worked, and some that must never work.

The promises: wei in is wei out; whoever attested only what it recomputed keeps its stake as long as
somebody answers; a wrong coordinate dies; nothing succeeds against a right one; no double pay.
"""

from __future__ import annotations

from dataclasses import astuple

import pytest
from dispute_lab import WATCHER, Case, Court, open_court
from federation_lab import ETHER, Lab, Mined, OpenLab

from chain.disputes import NEW_MODEL
from chain.errors import Reverted
from chain.federation import INPUTS, SELECTORS, Call, encode_call
from chain.types import Answered, Closed, Joined, Refuted, Revealed, Seat, Slashed
from node.evidence import Commitment, pack_commitments

BOND = ETHER // 100
LIAR, FRIEND = 9, 10
HALT = 10**6
"""Seconds for which a chain stands still: longer than every window."""


@pytest.fixture
def court(open_lab: OpenLab) -> Court:
    return open_court(open_lab)


def lie(model: list[int]) -> None:
    model[7] = 1 + model[7] // 2


def ask(lab: Lab, case: Case, which: int, first: int = 0, value: int = BOND) -> Mined:
    return lab.act("challenge", astuple(case.record), which, first, 1, by=LIAR, value_wei=value)


def answer(lab: Lab, case: Case, which: int, first: int = 0) -> Mined:
    data = case.answer(which, first, 1)
    return lab.act("answer", astuple(case.record), which, first, 1, data, by=FRIEND)


def close(lab: Lab, case: Case, which: int, first: int = 0) -> Mined:
    return lab.act("close", astuple(case.record), which, first, 1, by=LIAR)


def owed(lab: Lab, account: int) -> int:
    return int(lab.federation.read("owed", lab.address(account)))


def pass_blocks(lab: Lab, count: int) -> None:
    for _ in range(count):
        lab.act("set_endpoint", 0, "a block more", by=0)


# The clock ----------------------------------------------------------------------------------


def test_close__the_chain_stood_still__waits_for_blocks_in_which_to_answer(
    open_lab: OpenLab,
) -> None:
    """A quarter of 10 blocks, as 900 s are of 3600 s, rounded up; the one of the asking too."""
    court = open_court(open_lab, challenge_blocks=10)
    lab, case = court.lab, court.agree(1)
    ask(lab, case, 0)
    ask(lab, case, 1)
    lab.next_at(lab.now + HALT)
    with lab.refused("disputes: still to be answered"):
        close(lab, case, 0)
    # The refused call is a block, too: the third after the first question.
    with lab.refused("disputes: too late"):
        answer(lab, case, 0)
    with lab.refused("disputes: too late"):
        answer(lab, case, 1)
    close(lab, case, 1).only(Slashed)


def test_answer__the_first_block_after_the_chain_stood_still__in_time(open_lab: OpenLab) -> None:
    court = open_court(open_lab, challenge_blocks=10)
    lab, case = court.lab, court.agree(1)
    ask(lab, case, 0)
    lab.next_at(lab.now + HALT)
    answer(lab, case, 0).only(Answered)
    assert owed(lab, FRIEND) == BOND


@pytest.mark.parametrize("late", [0, 1])
def test_refute__asked_after_the_chain_stood_still__has_blocks_to_use_the_answer(
    open_lab: OpenLab, late: int
) -> None:
    """Asked in the last of 10 blocks, answered in the last of 3, and there are 4 more."""
    court = open_court(open_lab, challenge_blocks=10)
    lab, case = court.lab, court.agree(1, lie=lie)
    agreed_in = lab.web3.eth.block_number
    lab.next_at(lab.now + HALT)
    pass_blocks(lab, 8)
    ask(lab, case, NEW_MODEL)
    pass_blocks(lab, 1)
    answer(lab, case, NEW_MODEL)
    pass_blocks(lab, 3 + late)
    assert lab.web3.eth.block_number == agreed_in + 14 + late
    if late:
        with lab.refused("disputes: too late"):
            court.refute(case, 7)
    else:
        court.refute(case, 7).only(Refuted)


# Liars who would keep their stake --------------------------------------------------------------


def test_refute__deposits_that_liars_lost_to_themselves__leave_the_refuter_his_part(
    open_lab: OpenLab,
) -> None:
    """Of 3 ether at most 1.5 are paid: half of it to lost deposits, whatever they were."""
    court = open_court(open_lab, challenger_cap_wei=10 * ETHER)
    lab, case = court.lab, court.agree(1, lie=lie)
    ask(lab, case, 0, value=20 * ETHER)
    answer(lab, case, 0)
    before = lab.balance_wei
    mined = court.refute(case, 7)
    assert mined.only(Refuted).earned_wei == 3 * ETHER // 4
    assert mined.only(Slashed).burned_wei == 3 * ETHER // 2
    assert close(lab, case, 0).only(Closed).paid_wei == 3 * ETHER // 4
    assert lab.balance_wei == before - 3 * ETHER // 2
    with lab.refused("disputes: nothing to pay back"):
        close(lab, case, 0)
    for account in (LIAR, FRIEND, WATCHER):
        lab.act("collect", by=account)
    assert lab.balance_wei == ETHER


def test_refute__liars_void_and_refute_their_own_lie__half_is_burned_all_the_same(
    court: Court,
) -> None:
    """First silence, for a fifth; then the lie, for the rest; and never anything twice."""
    lab, case = court.lab, court.agree(1, lie=lie)
    ask(lab, case, 0, value=ETHER)
    lab.next_at(lab.now + 900)
    silent = close(lab, case, 0).only(Slashed)
    told = lab.act("refute", 1, 7, case.refutation(7), by=LIAR).only(Slashed)
    assert silent.taken_wei + told.taken_wei == 3 * ETHER
    assert silent.burned_wei + told.burned_wei >= 3 * ETHER // 2
    with lab.refused("disputes: refuted before"):
        court.refute(case, 7)
    with lab.refused("disputes: nothing to pay back"):
        close(lab, case, 0)
    lab.act("collect", by=LIAR)
    assert lab.balance_wei == ETHER


def test_refute__liars_who_left_came_back_or_added_stake__lose_all_of_it(court: Court) -> None:
    """The stake goes with the seat, whichever round it counts from."""
    lab, case = court.lab, court.agree(1, lie=lie)
    lab.leave(0)
    lab.withdraw(0)
    lab.top_up(1, 2 * ETHER)
    with lab.refused("seats: still unbonding"):
        lab.withdraw(0)
    mined = court.refute(case, 7).only(Slashed)
    assert mined.taken_wei == 5 * ETHER
    assert [lab.read_seat(seat)[1] for seat in range(4)] == [0, 0, 0, ETHER]
    lab.next_at(lab.now + 5400)
    balance = lab.balance_wei
    lab.withdraw(0, by=WATCHER)
    assert lab.balance_wei == balance


def test_refute__the_index_has_a_new_owner__he_pays_for_nobody(court: Court) -> None:
    """A seat is free no sooner than all that it approved is beyond dispute, void or not."""
    lab, case = court.lab, court.agree(1, lie=lie)
    ask(lab, case, 0)
    lab.leave(0)
    lab.withdraw(0)
    free_at = lab.read_seat(0)[5]
    lab.next_at(lab.now + 900)
    close(lab, case, 0)
    lab.next_at(free_at)
    lab.withdraw(0)
    assert lab.join(5).only(Joined).seat == 0
    with lab.refused("disputes: too late"):
        court.refute(case, 7)
    assert lab.read_seat(0)[1] == ETHER


def test_attest__a_proposal_of_a_round_that_was_cut__counts_no_more(court: Court) -> None:
    """One vote was missing when the head under it became void."""
    lab, case = court.lab, court.agree(1, lie=lie)
    lab.commit_all(2, range(4))
    lab.close_commits()
    lab.propose(0, proposal := lab.make_proposal(2))
    lab.attest(1, proposal.key)
    court.refute(case, 7)
    for key in (proposal.key, case.key):
        with lab.refused("rounds: the vote on this result is over"):
            lab.attest(3, key)
    assert lab.federation.get_head()[1] == 0


# Evidence against what is right -----------------------------------------------------------------


def test_refute__commitments_retold__a_right_result_stands(court: Court) -> None:
    """A seat twice, seats that there are not, another order, one too many, one too few."""
    lab, case = court.lab, court.agree(1)
    told, whole = case.inputs.commitments, case.refutation(5)
    first, rest = whole[:288], whole[288 + 1 + 45 * 4 :]
    for other in (
        (*told, told[0]),
        (*told, Commitment(told[0].root, Seat(128), ETHER)),
        (*told, Commitment(told[0].root, Seat(255), ETHER)),
        (*told[:3], Commitment(told[3].root, Seat(0), ETHER)),
        (*told[:3], Commitment(told[0].root, Seat(3), ETHER)),
        (*told[:3], Commitment(told[3].root, Seat(3), ETHER + 1)),
        told[::-1],
        told[:3],
        (),
        told * 32,
        told * 33,
    ):
        with pytest.raises(Reverted):
            court.refute(case, 5, first + pack_commitments(list(other)) + rest)
    for count in (4, 5, 128, 129, 255):
        with pytest.raises(Reverted):
            court.refute(case, 5, first + bytes([count]) + whole[289:])
    assert lab.head == case.key


def test_refute__coordinates_that_there_are_not__a_right_result_stands(court: Court) -> None:
    """100 coordinates in two leaves; the numbers that would run over among them."""
    case = court.agree(1)
    data = case.refutation(5)
    for coordinate in (6, 100, 128, 2**32, 2**255, 2**256 - 1):
        with pytest.raises(Reverted):
            court.refute(case, coordinate, data)
    assert court.lab.head == case.key


def test_answer__two_offsets__tells_what_was_proven_or_nothing(court: Court) -> None:
    """Whatever the offset of the call says, what is proven and told stands at a fixed position."""
    lab, case = court.lab, court.agree(1)
    ask(lab, case, NEW_MODEL)
    truth = case.answer(NEW_MODEL, 0, 1)
    forged = bytes(len(truth))
    plain = encode_call("answer", (astuple(case.record), NEW_MODEL, 0, 1, truth))
    words = plain[: 4 + 32 * 9]
    assert INPUTS["answer"][-1] == "bytes"
    assert plain[:4] == SELECTORS["answer"]

    def call(shown: bytes, meant: bytes) -> Call:
        """Show one at the fixed position, and another where the offset points to."""
        offset = 32 * 11 + len(shown)
        data = words + offset.to_bytes(32, "big") + len(shown).to_bytes(32, "big") + shown
        data += len(meant).to_bytes(32, "big") + meant
        return Call("answer", lab.federation.address, data)

    with lab.refused("merkle: not a leaf of the tree"):
        lab.send(call(forged, truth), FRIEND)
    told = lab.send(call(truth, forged), FRIEND)
    assert told.only(Revealed).chunk == case.new[:256]
