"""Real programs, one of them with a bad learner: the others go on as if its seat were away.

In a simulation learners have all the time there is and the clock stands still meanwhile; here both
are real, and a round that waited for the bad one would last LONG_SECONDS.
"""

from pathlib import Path

import pytest
from fleet_lab import PROGRAM, RELAY, count_agreed, find_commits, watch_until

from chain.types import Agreed
from localnet.fleet.fleet import Fleet
from localnet.fleet.standing import stand
from localnet.scenario import Scenario
from node.learning.hosting import Hosting

CODE = Path(__file__).parents[1] / "node" / "learning"
BAD_SEAT, PEERS, ROUNDS = 4, 5, 3
"""The grace begins with four fifths of the stake: one of four that is away is waited for longer."""
LONG_SECONDS = 3600


@pytest.mark.slow
@pytest.mark.parametrize("bad", ["loops", "crashes", "leaks"])
def test_fleet__one_learner_is_bad__others_agree_without_it_and_wait_no_longer_than_grace(
    tmp_path, bad
):
    scenario = Scenario(
        peers=PEERS,
        dataset="own",
        learner="guests:make",
        options={"bad": bad, "at": BAD_SEAT},
        commit_seconds=LONG_SECONDS,
        grace_seconds=2,
        attest_seconds=LONG_SECONDS,
    )
    hosting = Hosting(code=CODE, seconds=LONG_SECONDS, memory_bytes=2 * 2**30)
    with stand(Fleet(tmp_path / "up", PROGRAM, RELAY), scenario, None, hosting) as standing:
        watch_until(standing, lambda ledger: count_agreed(ledger) >= ROUNDS)
        observer = standing.following.contract.observer
        ledger, history = observer.ledger, observer.history
    agreed = [logged.event.round for logged in history if isinstance(logged.event, Agreed)]
    assert agreed[:ROUNDS] == list(range(1, ROUNDS + 1))
    for seat in range(PEERS):
        committed = find_commits(ledger, seat) & set(agreed[:ROUNDS])
        assert committed == (set() if seat == BAD_SEAT else set(agreed[:ROUNDS]))
