"""What holds on every chain: embedded, served over HTTP and WebSocket, and a real node's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from federation_lab import ETHER, PARAMETERS, make_root
from laws_lab import (
    KINDS,
    Lab,
    anvil,
    anvil_ipc,
    anvil_socket,
    anvil_url,
    anvil_websocket,
    found,
    in_process,
    over_http,
    over_websocket,
    served,
)
from web3 import Web3

from chain.deployment import deploy
from chain.errors import (
    AlreadyDone,
    Malformed,
    NotOwner,
    Overtaken,
    ParametersRefused,
    Refused,
    SeatRefused,
)
from chain.federation import EVENTS
from chain.rpc import get_block
from chain.states import OpenRound
from chain.types import Agreed, Attested, Closing, Committed, Created, Joined, Opened, Proposed

__all__ = [
    "anvil",
    "anvil_ipc",
    "anvil_socket",
    "anvil_url",
    "anvil_websocket",
    "in_process",
    "over_http",
    "over_websocket",
    "served",
]

TOPICS = {entry["name"]: "0x" + topic.hex() for topic, entry in EVENTS.items()}


EVERY_TIME = ("in_process", "anvil")
"""The others differ from these in how bytes travel (see test_transports)."""


@pytest.fixture(
    params=[k if k in EVERY_TIME else pytest.param(k, marks=pytest.mark.slow) for k in KINDS]
)
def lab(request: pytest.FixtureRequest) -> Lab:
    return found(request.getfixturevalue(request.param))


def test_round__from_creation_to_agreement__the_same_events_and_gas_everywhere(
    lab: Lab, in_process: Web3
) -> None:
    genesis = lab.head
    keys = [lab.agree(1), lab.agree(2)]
    assert lab.federation.get_head()[:3] == (keys[1], 2, 2)
    expected = found(in_process)
    expected.agree(1)
    expected.agree(2)
    assert lab.gas == expected.gas
    told = [_without_time(logged.event) for logged in lab.events()]
    kinds = [Created] + [Joined] * 4
    for _ in keys:
        kinds += [Committed, Opened, Committed, Committed, Committed, Closing]
        kinds += [Proposed, Attested, Attested, Attested, Agreed]
    assert [type(event) for event in told] == kinds
    # What the contract's address goes into differs; all else is the same.
    own = (Committed, Opened, Proposed, Attested, Agreed)
    alike = [_without_time(logged.event) for logged in expected.events()]
    assert [e for e in told if not isinstance(e, own)] == [
        e for e in alike if not isinstance(e, own)
    ]
    assert told[5] == Committed(1, 0, genesis, make_root(0, 1), 10, 5)
    assert [e.key for e in told if isinstance(e, Agreed)] == keys


def _without_time(event: Any) -> Any:
    return replace(event, commit_ends_at=0) if hasattr(event, "commit_ends_at") else event


def test_reads__pinned_to_a_number_or_a_hash__are_of_that_block(lab: Lab) -> None:
    federation, genesis, before = lab.federation, lab.head, lab.height
    key = lab.agree()
    block = get_block(lab.web3, before)
    assert block is not None
    for at in (before, block.hash):
        assert federation.get_head(at) == (genesis, 0, 0, 0)
        assert federation.get_round(at) == OpenRound(0, 0, 0, 0, 0)
        assert federation.get_row(genesis, 1, at) == (bytes(32), 0, 0)
        assert federation.get_tally(key, at) == (0, 0, 0)
        assert federation.get_parameters(at) == PARAMETERS
    assert federation.get_head()[:3] == (key, 1, 1)
    assert federation.get_row(genesis, 1)[1:] == (0b1111, 4 * ETHER)
    seat = federation.get_seat(0)
    assert (seat.owner, seat.stake_wei) == (lab.senders[0].address.lower(), ETHER)


def test_events__of_a_range__in_order_at_the_times_of_their_blocks(lab: Lab) -> None:
    receipts = [lab.commit(seat) for seat in (2, 0)]
    events = lab.federation.get_events(receipts[0].block, receipts[1].block)
    assert [type(e.event) for e in events] == [Committed, Opened, Committed]
    assert [e.at.transaction for e in events] == [
        receipts[0].transaction,
        receipts[0].transaction,
        receipts[1].transaction,
    ]
    assert [e.at for e in events] == sorted(e.at for e in events)
    times = [get_block(lab.web3, e.at.block).timestamp for e in events]  # type: ignore[union-attr]
    assert [e.timestamp for e in events] == times
    lab.ask("evm_mine")
    assert lab.federation.get_events(lab.height, lab.height) == []


def test_logs__by_index__only_those(lab: Lab) -> None:
    lab.agree()
    wanted = {"address": lab.federation.address, "fromBlock": hex(lab.created_at)}

    def count(*topics: object) -> int:
        return len(lab.ask("eth_getLogs", {**wanted, "topics": list(topics)}))

    assert count(TOPICS["Committed"]) == 4
    assert count([TOPICS["Committed"], TOPICS["Agreed"]]) == 5
    assert count(TOPICS["Committed"], None) == 4
    assert count(TOPICS["Agreed"]) == 1
    assert count(TOPICS["Withdrawn"]) == 0
    assert count() == len(lab.events())


@pytest.mark.parametrize(
    ("function", "arguments", "value", "kind", "reason"),
    [
        ("leave", (1,), 0, NotOwner, "seats: not the owner"),
        ("join", ("x", []), 1, SeatRefused, "seats: stake below the minimum"),
        ("commit", (1, 0, None, make_root(1), 1, 1), 0, AlreadyDone, "rounds: already committed"),
        ("commit", (7, 0, None, make_root(1), 1, 1), 0, Overtaken, "rounds: not a round to commit"),
        ("commit", (2, 0, None, bytes(32), 1, 1), 0, Malformed, "rounds: an empty root"),
    ],
)
def test_submit__what_would_revert__is_its_typed_error_and_costs_nothing(
    lab: Lab, function: str, arguments: tuple[Any, ...], value: int, kind: type, reason: str
) -> None:
    lab.commit(0)
    filled = [lab.head if each is None else each for each in arguments]
    before = lab.state(0)
    with pytest.raises(kind) as caught:
        lab.senders[0].submit(lab.call(function, *filled, value_wei=value))
    assert str(caught.value).startswith(reason)
    assert lab.state(0) == before


def test_deploy__refused_parameters__typed_error_and_nothing_sent(lab: Lab) -> None:
    before = lab.state(0)
    with pytest.raises(ParametersRefused) as caught:
        deploy(lab.web3, lab.senders[0], b"", replace(PARAMETERS, commit_seconds=0))
    assert str(caught.value) == "phase: commit_seconds is 0"
    assert lab.state(0) == before


def test_send__reverts_in_its_block__the_reason_is_found_afterwards(lab: Lab) -> None:
    with lab.holding() as mining:
        pending = [lab.senders[0].submit(lab.commitment(0)) for _ in range(2)]
        mining.mine()
        receipts = [lab.senders[0].find(pending[0])]
        with pytest.raises(AlreadyDone) as caught:
            lab.senders[0].find(pending[1])
    assert str(caught.value) == "rounds: already committed"
    assert receipts[0] is not None


def test_nonces__many_of_one_account__are_mined_in_order_in_one_block(lab: Lab) -> None:
    sender = lab.senders[1]
    with lab.holding() as mining:
        first = lab.state(1)[0]
        calls = [lab.call("set_endpoint", 1, f"place {i}") for i in range(5)]
        pending = [sender.submit(call) for call in calls]
        assert [sender.find(each) for each in pending] == [None] * 5
        assert lab.state(1)[:2] == (first, first + 5)
        gas = mining.mine()
        receipts = [sender.find(each) for each in pending]
    assert lab.state(1)[:2] == (first + 5, first + 5)
    assert {each.block for each in receipts if each} == {lab.height}
    assert sum(each.gas_used for each in receipts if each) == gas
    told = lab.federation.get_events(lab.height, lab.height)
    assert [logged.event.endpoint for logged in told] == [f"place {i}" for i in range(5)]  # type: ignore[union-attr]


def test_snapshot__reverted__is_a_reorg_to_an_observer(lab: Lab) -> None:
    observer = lab.observe()
    lab.commit(0)
    observer.poll()
    fork, snapshot = lab.height, lab.ask("evm_snapshot")
    lost = lab.commit(1)
    assert [e.at.transaction for e in observer.poll()] == [lost.transaction]
    assert lab.ask("evm_revert", snapshot) is True
    assert lab.height == fork
    for seat in (3, 2):
        lab.commit(seat)
    news = observer.poll()
    assert observer.rolled_back_to == fork
    # The third commitment of the round closes it: seats 0, 3 and 2 are enough.
    assert [e.event.seat for e in news if isinstance(e.event, Committed)] == [3, 2]
    assert list(observer.history) == lab.events()
    assert lost.transaction not in [e.at.transaction for e in observer.history]


def test_time__moved__blocks_have_it(lab: Lab) -> None:
    start = lab.now
    lab.ask("evm_setNextBlockTimestamp", start + 1000)
    lab.ask("evm_mine")
    assert lab.now == start + 1000
    lab.ask("evm_mine", start + 1077)
    assert lab.now == start + 1077
    with pytest.raises(Refused, match=r"(?i)timestamp"):
        lab.ask("evm_setNextBlockTimestamp", start)


def test_time__increased__stays_ahead(lab: Lab) -> None:
    times = []
    # The first step goes beyond what other tests have set.
    for seconds in (10**6, 5000, 5000):
        lab.ask("evm_increaseTime", seconds)
        lab.ask("evm_mine")
        times.append(lab.now)
    steps = [times[1] - times[0], times[2] - times[1]]
    # A real node's clock goes on meanwhile.
    assert all(5000 <= step < 5060 for step in steps)


def test_deadline__reached_by_the_clock__ends_the_commitments(lab: Lab) -> None:
    for seat in range(3):
        lab.commit(seat)
    ends_at = lab.federation.get_round().commit_ends_at
    assert lab.now < ends_at <= lab.now + PARAMETERS.commit_seconds
    lab.ask("evm_setNextBlockTimestamp", ends_at)
    lab.ask("evm_mine")
    with pytest.raises(Overtaken) as caught:
        lab.senders[3].submit(lab.commitment(3))
    assert str(caught.value) == "rounds: not a round to commit to"


def test_automine__switched__is_told(lab: Lab) -> None:
    with lab.holding():
        assert lab.ask("hardhat_getAutomine") is False
    assert lab.ask("hardhat_getAutomine") is True
