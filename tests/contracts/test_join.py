"""`join`: a seat for ether, which counts from the first round that nobody has named."""

import pytest
from federation_lab import ACCOUNTS, ETHER, NOBODY, Lab, OpenLab, open_federation
from web3.exceptions import Web3RPCError

from chain.admission import compute_admission_proof, compute_admission_root, compute_leaf
from chain.devnet.accounts import derive_accounts
from chain.errors import Reverted
from chain.federation import Call
from chain.types import Committed, Joined, Opened, Wei


def test_join__open_federation__takes_the_lowest_seat_and_tells(open_lab: OpenLab) -> None:
    lab = open_lab()
    owner = lab.address(2)
    event = lab.join(2, 3 * ETHER, "http://peer").only(Joined)
    assert event == Joined(0, owner, 3 * ETHER, 1, "http://peer")
    assert lab.read_seat(0) == (owner, 3 * ETHER, 0, 1, 0, 0)
    assert lab.balance_wei == 3 * ETHER
    assert lab.join(2).only(Joined).seat == 1


ADDRESSES = [account.address for account in derive_accounts(ACCOUNTS)]


@pytest.mark.parametrize("size", range(1, 10))
def test_join__on_the_admission_list__takes_a_seat(open_lab: OpenLab, size: int) -> None:
    listed = ADDRESSES[:size]
    lab = open_lab(admission=compute_admission_root(listed), max_seats=10)
    for account, address in enumerate(listed):
        proof = compute_admission_proof(listed, address)
        event = lab.join(account, proof=proof).only(Joined)
        assert event == Joined(account, address.lower(), ETHER, 1, "x")
        assert lab.read_seat(account)[:2] == (address.lower(), ETHER)


def test_join__not_on_the_admission_list__refused(open_lab: OpenLab) -> None:
    listed = ADDRESSES[:5]
    lab = open_lab(admission=compute_admission_root(listed))
    # One whose neighbours differ, level by level.
    first = next(i for i in range(5) if len(compute_admission_proof(listed, ADDRESSES[i])) == 3)
    proof = compute_admission_proof(listed, ADDRESSES[first])
    wrong = [
        ((first + 1) % 5, proof),  # of another
        (first, ()),
        (first, proof[:-1]),
        (first, (*proof, bytes(32))),
        (first, tuple(reversed(proof))),
        (7, ()),
        (7, proof),
        # The root of a list of its own, beside a node of the list.
        (7, (compute_leaf(ADDRESSES[first]), *proof)),
    ]
    for account, attempt in wrong:
        with lab.refused("seats: not on the admission list"):
            lab.join(account, proof=attempt)
    assert lab.read_seat(0)[0] == NOBODY
    lab.join(first, proof=proof)


def test_join__again_after_leaving__needs_the_proof_again(open_lab: OpenLab) -> None:
    lab = open_lab(admission=compute_admission_root(ADDRESSES[:2]))
    proof = compute_admission_proof(ADDRESSES[:2], ADDRESSES[0])
    for _ in range(2):
        with lab.refused("seats: not on the admission list"):
            lab.join(0)
        seat = lab.join(0, proof=proof).only(Joined).seat
        lab.top_up(seat, 1, by=0)
        lab.leave(seat, by=0)


def test_join__no_admission_list__asks_for_no_proof(open_lab: OpenLab) -> None:
    lab = open_lab()
    for proof in ((), (bytes(32),), (b"\x07" * 32,) * 32):
        lab.join(0, proof=proof).only(Joined)
    with pytest.raises(Reverted):
        lab.join(0, proof=(bytes(32),) * 33)


@pytest.mark.parametrize("short", [1, ETHER])
def test_join__below_the_minimum__refused(open_lab: OpenLab, short: int) -> None:
    lab = open_lab()
    with lab.refused("seats: stake below the minimum"):
        lab.join(0, ETHER - short)
    assert lab.read_seat(0)[0] == NOBODY


def test_join__equal_weights__takes_the_minimum_exactly(open_lab: OpenLab) -> None:
    lab = open_lab(weighting=1)
    with lab.refused("seats: stake below the minimum"):
        lab.join(0, ETHER - 1)
    with lab.refused("seats: equal weights need the minimum stake exactly"):
        lab.join(0, ETHER + 1)
    assert lab.join(0, ETHER).only(Joined).stake_wei == ETHER


def test_join__every_seat_taken__refused(open_lab: OpenLab) -> None:
    lab = open_lab(4, max_seats=4)
    with lab.refused("seats: every seat is taken"):
        lab.join(5)


def test_join__all_128_seats__refuses_the_next(open_lab: OpenLab) -> None:
    lab = open_lab(128, max_seats=128)
    assert lab.read_seat(127)[1] == ETHER
    with lab.refused("seats: every seat is taken"):
        lab.join(5)


def test_join__while_a_round_is_open__counts_from_the_next(lab: Lab) -> None:
    lab.commit(0, 1)
    assert lab.join(4).only(Joined).counts_from == 2
    with lab.refused("rounds: the seat does not count in this round"):
        lab.commit(4, 1)
    lab.let_lapse()
    event = lab.commit(4, 2).only(Opened)
    assert (event.power_wei, event.active) == (5 * ETHER, 5)


def test_join__after_early_commits_named_the_next_round__counts_after_it(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    assert lab.join(4).only(Joined).counts_from == 2
    lab.commit(0, 2, proposal.key)
    assert lab.join(5).only(Joined).counts_from == 3
    lab.let_lapse()
    # The round was named by a commitment that came to nothing; its roll stands all the same.
    event = lab.commit(4, 2).only(Opened)
    assert (event.power_wei, event.active) == (5 * ETHER, 5)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.commit(5, 2)


def test_join__before_the_first_round__counts_in_it(open_lab: OpenLab) -> None:
    lab = open_lab(3)
    lab.join(3)
    events = lab.commit(3, 1).events
    assert [type(e) for e in events] == [Committed, Opened]
    assert lab.federation.get_round().power_wei == 4 * ETHER


def test_join__total_of_95_bits__refuses_a_wei_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chain.devnet.building.GENESIS_BALANCE_WEI", 2**97)
    # Not one that was founded before, with less money about.
    lab = open_federation()
    lab.join(0, 2**94)
    with lab.refused("seats: total stake of 2**95 wei or more"):
        lab.join(1, 2**94)
    lab.join(1, 2**94 - 1)
    with lab.refused("seats: total stake of 2**95 wei or more"):
        lab.top_up(0, 1)
    assert lab.balance_wei == 2**95 - 1
    lab.devnet.close()


def test_join__ether_sent_without_a_call__refused(lab: Lab) -> None:
    for data in (b"", b"\x12\x34\x56\x78"):
        with pytest.raises((Reverted, Web3RPCError)):
            lab.send(Call("", lab.federation.address, data, Wei(1)), 0)
    # Nor with a function that takes none.
    with pytest.raises(Reverted):
        lab.act("leave", 0, by=0, value_wei=1)
    assert lab.balance_wei == 4 * ETHER
