"""What a seat costs is said before anything is sent."""

import pytest
from peers_lab import ETHER, PeersLab

from chain.types import Wei
from node.errors import PeerRefused
from node.seating import join


@pytest.mark.parametrize(
    ("weighting", "stake_wei", "told"),
    [
        (
            0,
            ETHER - 1,
            "at least 1 ether, the federation's minimum, got 0.99999999999999999",
        ),
        (1, ETHER + 1, "1 ether exactly, as all seats weigh the same here, got 1.0000000000000000"),
        (1, ETHER, None),
        (0, ETHER, None),
        (0, 30 * ETHER, None),
    ],
)
def test_join__a_stake__is_refused_with_the_minimum_where_it_is_none(weighting, stake_wei, told):
    with PeersLab(weighting=weighting) as lab:
        # This key has a seat: what comes next is refused for that.
        told = f"stake: expected {told}" if told else "seat of 0x"
        with pytest.raises(PeerRefused, match=told):
            join(lab.contract, lab.devnet.accounts[0], "http://here", Wei(stake_wei), [])
