"""The sender's gas limits hold in the largest federation there can be."""

from dataclasses import replace

import pytest
from federation_lab import ETHER, OpenLab

from chain.sender import GAS_LIMITS
from chain.types import Agreed, Closing, Opened

SEATS = 128
MARGIN = 1.25
"""What a limit leaves above the worst case."""


@pytest.mark.slow
def test_gas_limits__128_seats__leave_room_above_the_worst_case(open_lab: OpenLab) -> None:
    # Seat 0 has more than two thirds: its vote agrees, its commitment begins the grace.
    lab = open_lab((1000 * ETHER, *[ETHER] * (SEATS - 1)), max_seats=SEATS, grace_seconds=599)
    worst = dict.fromkeys(GAS_LIMITS, 0)
    # The first commitment names the round, opens it, finds its row empty, and begins the grace.
    mined = lab.commit(0, 1)
    assert mined.only(Opened).active == SEATS
    worst["commit"] = mined.gas_used
    lab.commit_all(1, range(1, SEATS - 1))
    mined = lab.commit(SEATS - 1, 1)
    mined.only(Closing)
    worst["commit"] = max(worst["commit"], mined.gas_used)
    proposal = lab.make_proposal(1)
    # Bytes that are not zero cost four times as much.
    most = (0xFFFF.to_bytes(4, "big") + 0x00020101.to_bytes(4, "big")) * SEATS
    mined = lab.propose(0, replace(proposal, coefficients=most))
    mined.only(Agreed)
    worst["propose"] = mined.gas_used
    # The vote that agrees and opens; then the commitment of the round that all but one wait for.
    lab.commit_all(2, range(SEATS))
    proposal = lab.make_proposal(2)
    lab.propose(1, proposal)
    lab.commit_all(3, range(1, SEATS), proposal.key)
    mined = lab.attest_and_commit(0, proposal.key, 3)
    assert [mined.only(kind) for kind in (Agreed, Opened, Closing)]
    worst["attest_and_commit"] = mined.gas_used
    proposal = lab.make_proposal(3)
    lab.propose(1, proposal)
    lab.commit(1, 4, proposal.key)
    mined = lab.attest(0, proposal.key)
    assert [mined.only(kind) for kind in (Agreed, Opened)]
    worst["attest"] = mined.gas_used
    # The first commitment ahead of the votes names the round.
    proposal = lab.open_votes(4, range(2, SEATS))
    lab.propose(1, proposal)
    mined = lab.attest_and_commit(2, proposal.key, 5)
    worst["attest_and_commit"] = max(worst["attest_and_commit"], mined.gas_used)
    assert all(worst.values())
    for function, limit in GAS_LIMITS.items():
        assert worst[function] * MARGIN < limit, worst
