"""Typed reads pinned to a block, and every event decoded."""

import typing

import pytest
from federation_lab import ETHER, NOBODY, UNBONDING_SECONDS, Lab, OpenLab, make_root

from chain import types
from chain.connect import open_federation
from chain.errors import NoContract
from chain.federation import EVENTS, Federation, find_creation
from chain.states import OpenRound, SeatState
from chain.types import (
    Activated,
    Agreed,
    Answered,
    Attested,
    Challenged,
    Claimed,
    Closed,
    Closing,
    Collected,
    Committed,
    Created,
    EndpointSet,
    Event,
    Funded,
    Joined,
    Left,
    Opened,
    Proposed,
    Refuted,
    Retired,
    Revealed,
    Slashed,
    ToppedUp,
    Unbonding,
    Voided,
    Watched,
    Withdrawn,
)


def play_everything(lab: Lab) -> list[Event]:
    """Let each event happen, and return them as they should be told."""
    told: list[Event] = [Created(b"a spec", lab.parameters)]
    told += [Joined(i, lab.address(i), ETHER, 1, "x") for i in range(4)]
    genesis = lab.head
    lab.act("set_endpoint", 1, "y", by=1)
    lab.top_up(2, ETHER)
    told += [EndpointSet(1, "y"), ToppedUp(2, 2 * ETHER, 1)]
    lab.leave(3)
    free_at = lab.withdraw(3).timestamp + UNBONDING_SECONDS
    lab.next_at(free_at)
    lab.withdraw(3)
    told += [Left(3, 1), Unbonding(3, free_at), Withdrawn(3, lab.address(3), ETHER)]
    opened_at = lab.commit(0, 1, samples=2**64 - 1).timestamp
    told.append(Committed(1, 0, genesis, make_root(0, 1), 2**64 - 1, 5))
    told.append(Opened(1, genesis, 4 * ETHER, 3, opened_at + 600))
    lab.commit(1, 1)
    closed_at = lab.commit(2, 1).timestamp
    told += [Committed(1, s, genesis, make_root(s, 1), 10, 5) for s in (1, 2)]
    told.append(Closing(1, closed_at))
    p = lab.make_proposal(1)
    lab.propose(2, p)
    lab.attest(0, p.key)
    told.append(
        Proposed(1, p.key, 2, genesis, p.commitments, 0b111, 0b111, p.model_root, p.coefficients)
    )
    told += [Attested(p.key, 2), Attested(p.key, 0), Agreed(1, p.key, 1, 0)]
    since = lab.act("retire", 1, by=9).timestamp
    told.append(Watched(1, since, 0))
    return told + retire_and_activate(lab)


def retire_and_activate(lab: Lab) -> list[Event]:
    """Let two rounds lapse without a vote of seat 1, which is watched; return what was told of it
    last."""
    for number in (2, 3, 4):
        lab.commit_all(number, range(3))
        lab.let_lapse()
    lab.act("retire", 1, by=9)
    lab.act("activate", 1, by=1)
    return [Retired(1, 5), Activated(1, ETHER, 5)]


OF_DISPUTES = {Slashed, Voided, Refuted, Challenged, Revealed, Answered, Closed, Collected}
"""Decoded, each with all that it tells, in tests/contracts/test_challenge.py and test_refute.py."""


OF_REWARDS = {Funded, Claimed}
"""As well, in tests/contracts/test_claim.py."""


def test_get_events__each_kind__decoded_in_the_chains_order(open_lab: OpenLab) -> None:
    lab = open_lab(4, retire_seconds=1, max_missed=2)
    told = play_everything(lab)
    logged = lab.events()
    # Of the rounds between watch and retirement nothing is new.
    of_seats = (Retired, Activated)
    first = told.index(next(e for e in told if isinstance(e, Watched))) + 1
    events = [each.event for each in logged]
    assert events[:first] == told[:first]
    assert [event for event in events if isinstance(event, of_seats)] == told[first:]
    assert {type(event) for event in told} | OF_DISPUTES | OF_REWARDS == set(typing.get_args(Event))
    assert [each.at for each in logged] == sorted(each.at for each in logged)
    for each in logged:
        block = lab.web3.eth.get_block(each.at.block)
        assert each.timestamp == block["timestamp"]
        assert each.at.transaction in [bytes(t) for t in block["transactions"]]


def test_get_events__a_range_of_blocks__only_those(lab: Lab) -> None:
    first = lab.commit(0, 1).block
    lab.commit(1, 1)
    (committed, opened) = lab.federation.get_events(first, first)
    assert isinstance(committed.event, Committed)
    assert isinstance(opened.event, Opened)
    assert lab.federation.get_events(first + 5, first + 9) == []


def test_events__of_the_artifact__each_has_its_type() -> None:
    names = {entry["name"] for entry in EVENTS.values()}
    assert names == {kind.__name__ for kind in typing.get_args(Event)}
    for entry in EVENTS.values():
        fields = typing.get_type_hints(getattr(types, entry["name"]))
        assert list(fields) == [i["name"] for i in entry["inputs"]]


def test_reads__pinned_to_an_older_block__are_of_its_state(lab: Lab) -> None:
    federation, genesis = lab.federation, lab.head
    before = lab.now and lab.web3.eth.block_number
    key = lab.agree(1)
    after = lab.web3.eth.block_number
    by_hash = bytes(lab.web3.eth.get_block(before)["hash"])
    lab.top_up(0, ETHER)
    for at in (before, by_hash):
        assert federation.get_head(at) == (genesis, 0, 0, 0)
        assert federation.get_round(at) == OpenRound(0, 0, 0, 0, 0)
        assert federation.get_row(genesis, 1, at) == (bytes(32), 0, 0)
        assert federation.get_tally(key, at) == (0, 0, 0)
        assert federation.get_parameters(at) == lab.parameters
    assert federation.get_seat(0, after).stake_wei == ETHER
    seat = federation.get_seat(0)
    assert (seat.owner, seat.stake_wei, seat.earlier_wei) == (lab.address(0), 2 * ETHER, ETHER)
    assert federation.get_seat(7) == SeatState(NOBODY, 0, 0, 0, 0, 0, 0, 0, 0)
    assert federation.get_head(after)[:3] == (key, 1, 1)
    assert federation.get_row(genesis, 1)[1:] == (0b1111, 4 * ETHER)
    assert federation.get_tally(key) == (0b111, 1, 3 * ETHER)


def test_check_exists__a_federation__says_nothing(lab: Lab) -> None:
    lab.federation.check_exists()
    assert open_federation(lab.web3, lab.federation.address).address == lab.federation.address


@pytest.mark.parametrize("address", ["0x" + "11" * 20, "0x" + "00" * 19 + "04"])
def test_check_exists__no_code_there__no_contract(lab: Lab, address: str) -> None:
    with pytest.raises(NoContract) as caught:
        Federation(lab.web3, address).check_exists()
    assert caught.value.got == "no code there"
    assert address[-8:] in str(caught.value)


@pytest.mark.parametrize(
    "body", ["def terms() -> uint256: return 1", "def other() -> uint256: return 1"]
)
def test_check_exists__another_contract__no_contract(lab: Lab, body: str) -> None:
    from vyper.compiler import compile_code

    code = compile_code(f"@external\n@view\n{body}", output_formats=["bytecode"])["bytecode"]
    sent = lab.web3.eth.send_raw_transaction(
        lab.devnet.accounts[0]
        .sign_transaction(
            {
                "data": code,
                "gas": 500_000,
                "nonce": lab.web3.eth.get_transaction_count(lab.devnet.accounts[0].address),
                "chainId": lab.devnet.chain_id,
                "maxFeePerGas": 3 * 10**9,
                "maxPriorityFeePerGas": 0,
                "value": 0,
            }
        )
        .raw_transaction
    )
    address = lab.web3.eth.get_transaction_receipt(sent)["contractAddress"]
    with pytest.raises(NoContract) as caught:
        open_federation(lab.web3, address)
    assert caught.value.got == "another contract"


def test_open_federation__no_address__no_contract(lab: Lab) -> None:
    with pytest.raises(NoContract) as caught:
        open_federation(lab.web3, "0x12")
    assert caught.value.got == "no address"


def test_find_creation__any_later_block__is_the_creations(lab: Lab) -> None:
    assert find_creation(lab.federation) == lab.created_at
    lab.agree(1)
    assert find_creation(lab.federation) == lab.created_at
