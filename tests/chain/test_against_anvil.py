"""The embedded chain beside a real node: the same calls, the same gas, the same events."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from nodes_lab import run_anvil
from web3 import Web3

from chain.connect import connect_devnet, open_endpoint
from chain.deployment import deploy
from chain.devnet.accounts import derive_accounts
from chain.devnet.devnet import Devnet
from chain.errors import AlreadyDone
from chain.keys import compute_result_key, compute_running_hash
from chain.observer import Observer
from chain.sender import Sender
from chain.types import Parameters, Root, RoundId, Wei

SEATS = 4
ETHER = 10**18
PARAMETERS = Parameters(
    coordinates=100,
    genesis=Root(b"\x01" * 32),
    update_bytes=2,
    update_bits=14,
    model_bits=20,
    weighting=0,
    selection=1,
    trim_bps=0,
    faults_bps=2000,
    clip=1000,
    min_updates=3,
    min_stake_wei=Wei(ETHER),
    max_seats=8,
    commit_seconds=600,
    grace_seconds=30,
    attest_seconds=300,
    challenge_seconds=3600,
    answer_seconds=900,
    retire_seconds=3600,
    max_missed=10,
    admission=bytes(32),
    challenge_blocks=0,
    max_unsettled=1024,
    bond_wei=Wei(10**16),
    challenger_cap_wei=Wei(10**17),
    reward_wei_per_second=Wei(0),
)


@pytest.fixture
def anvil() -> Iterator[Web3]:
    with run_anvil() as url, open_endpoint(url) as web3:
        yield web3


def play(web3: Web3) -> tuple[list[int], list[object]]:
    """Found a federation, agree on two rounds, and return every gas figure and event."""
    senders = [Sender(web3, account) for account in derive_accounts(SEATS)]
    deployment = deploy(web3, senders[0], b"spec", PARAMETERS)
    federation, gas = deployment.federation, [deployment.gas_used]
    observer = Observer(federation, created_at=deployment.block)
    calls = [(i, federation.call("join", f"peer {i}", [], value_wei=ETHER)) for i in range(SEATS)]
    gas += [senders[i].send(call).gas_used for i, call in calls]
    observer.poll()
    for number in (1, 2):
        head = observer.ledger.head()
        for seat in range(SEATS):
            claim = (number, seat, head.key, bytes([number, seat]) * 16, 10, 1)
            gas.append(senders[seat].send(federation.call("commit", *claim)).gas_used)
        with pytest.raises(AlreadyDone, match="rounds: already committed"):
            senders[0].submit(federation.call("commit", number, 0, head.key, b"\x07" * 32, 1, 1))
        observer.poll()
        row = observer.ledger.commitments(head.key, RoundId(number))
        running = compute_running_hash(head.key, RoundId(number), tuple((c, ETHER) for c in row))
        included, root = 2**SEATS - 1, Root(bytes([number]) * 32)
        coefficients = (65536 << 32 | 1000).to_bytes(8, "big") * SEATS
        result = (running, included, root, coefficients)
        key = compute_result_key(RoundId(number), head.key, *result)
        propose = federation.call("propose", number, 0, head.key, *result)
        gas.append(senders[0].send(propose).gas_used)
        gas += [senders[i].send(federation.call("attest", i, key)).gas_used for i in (1, 2, 3)]
        observer.poll()
    # What depends on the clock and on hashes of blocks is the node's own.
    events = [
        replace(logged.event, commit_ends_at=0)
        if hasattr(logged.event, "commit_ends_at")
        else logged.event
        for logged in observer.history
    ]
    return gas, events


def test_devnet__the_same_calls_as_anvil__the_same_gas_and_events(anvil: Web3) -> None:
    with Devnet(clock=lambda: 1_700_000_000, accounts=SEATS) as devnet:
        ours = play(connect_devnet(devnet))
    theirs = play(anvil)
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1]
