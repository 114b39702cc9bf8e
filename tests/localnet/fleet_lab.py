"""Federations of real programs, what is done to them, and what must hold of them afterwards."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

import numpy as np

from chain.ledger import Ledger
from chain.rpc import ask
from chain.types import Attested, Committed, Root, RoundId
from localnet.fleet.fleet import Fleet
from localnet.fleet.standing import Standing, stand
from localnet.ground import ALLOWANCE_WEI
from localnet.scenario import ETHER, Scenario
from node.blobs.disk import DiskBlobs
from node.journal import Journal
from node.settings import BLOBS, JOURNAL

PROGRAM = (sys.executable, "-m", "cli")
RELAY = (sys.executable, "-m", "localnet.fleet.relay")
SLEEPY = (
    sys.executable,
    "-c",
    "import sys\n"
    "if sys.argv[1:3] == ['peer', 'run']: sys.argv += ['--poll-seconds', '3600']\n"
    "from cli.app import main; main()",
)
"""Peers that look at the chain by themselves once an hour."""
QUICK = Scenario(
    peers=4,
    learner="softmax",
    commit_seconds=4,
    grace_seconds=1,
    attest_seconds=24,
)
PATIENCE_SECONDS = 300


@contextmanager
def stand_quick(
    directory: Path,
    program: tuple[str, ...] = PROGRAM,
    anvil: str | None = None,
    peers: int = QUICK.peers,
) -> Iterator[Standing]:
    data = directory.with_name("data.npz")
    write_data(data)
    scenario = replace(QUICK, dataset=str(data), peers=peers)
    with stand(Fleet(directory, program, RELAY), scenario, anvil) as standing:
        yield standing


def write_data(path: Path) -> None:
    """Write three classes that can be told apart: read in a moment, unlike those of a package."""
    labels = np.arange(600) % 3
    noise = np.random.default_rng(0).normal(size=(600, 8))
    np.savez(path, x=(noise + labels[:, None]).astype(np.float32), y=labels)


def watch_until(standing: Standing, is_over: Callable[[Ledger], bool]) -> None:
    """Watch a federation until its history says so; a history that never does is a failure."""
    ends_at = monotonic() + PATIENCE_SECONDS
    for _ in standing.following.run(None):
        if is_over(standing.following.contract.observer.ledger):
            return
        assert monotonic() < ends_at, "the federation stands still"


def count_agreed(ledger: Ledger) -> int:
    return len(ledger.agreed)


def find_commits(ledger: Ledger, seat: int) -> set[int]:
    """Return the rounds that a seat has committed to."""
    return {
        number for (_, number), row in ledger.rows.items() if seat in {c.event.seat for c in row}
    }


def all_agree_again(peers: int, since: int) -> Callable[[Ledger], bool]:
    """Whether all peers have committed on one head, and agreed on what follows, after round
    `since`."""

    def is_so(ledger: Ledger) -> bool:
        head = ledger.head()
        if head.round <= since:
            return False
        parent = ledger.openings[head.round].parent
        return len(ledger.commitments(parent, head.round)) == peers

    return is_so


class Killer:
    """Kills peers, or their learners, at random moments, and starts them again."""

    def __init__(self, standing: Standing, seed: int, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        self._fleet = standing.fleet
        self._random = random.Random(seed)
        self._starts: list[tuple[float, int]] = []
        self._next_at = monotonic() + self._random.uniform(0, longest_seconds)
        self.kills = 0

    def act(self, most: int) -> bool:
        """Do what is due; return whether that was all."""
        now = monotonic()
        for at, seat in list(self._starts):
            if at <= now:
                self._starts.remove((at, seat))
                self._fleet.start(seat)
        if self.kills < most and now >= self._next_at:
            self._kill()
            self._next_at = now + self._random.uniform(0, self._longest_seconds)
        return self.kills == most and not self._starts

    def _kill(self) -> None:
        waiting = {seat for _, seat in self._starts}
        seat = self._random.choice([s for s in range(QUICK.peers) if s not in waiting])
        born = self._fleet.processes.find(f"peer-{seat}")
        assert born is not None, f"peer {seat} has ended by itself"
        learners = [p for p in self._fleet.processes.members(f"peer-{seat}") if p != born.pid]
        if learners and self._random.random() < 0.2:
            # It may have ended since it was seen.
            with suppress(ProcessLookupError):
                os.kill(learners[0], signal.SIGKILL)
        else:
            self._fleet.kill(seat)
            while self._fleet.is_alive(seat):
                sleep(0.001)
            pause = self._random.choice([0, self._random.uniform(0, 2)])
            self._starts.append((monotonic() + pause, seat))
        self.kills += 1


def harass(standing: Standing, seed: int, kills: int, longest_seconds: float = 3) -> None:
    """Kill so many times, then wait until all take part again. `longest_seconds`: between two
    kills."""
    killer = Killer(standing, seed, longest_seconds)
    watch_until(standing, lambda _: killer.act(kills))
    since = standing.following.contract.observer.ledger.round.number
    watch_until(standing, all_agree_again(QUICK.peers, since))


def check_laws(standing: Standing) -> None:
    """Check that nobody committed twice, nobody lost anything, and no vote was given unseen; that
    all have the head."""
    contract = standing.following.contract
    observer = contract.observer
    commits = Counter(
        (e.seat, e.parent, e.round)
        for e in (logged.event for logged in observer.history)
        if isinstance(e, Committed)
    )
    assert set(commits.values()) == {1}
    seats = observer.ledger.seats
    assert [seats[s].stakes[-1][1] for s in sorted(seats)] == [ETHER] * len(seats)
    # Who was away for ten quick rounds may be watched; nobody's seat has ended.
    assert not any(s.until or s.is_retired for s in seats.values())
    federation = contract.federation
    assert federation.get_balance(federation.address) == ETHER * len(seats)
    spent = count_spent(standing)
    for record in seats.values():
        left = ALLOWANCE_WEI - ETHER - spent[record.owner.lower()]
        assert federation.get_balance(record.owner) == left
    check_journals(standing)
    shared = contract.naming.model_blob(find_shared_head(observer.ledger))
    for seat in seats:
        assert DiskBlobs(standing.fleet.peer_folder(seat) / BLOBS).has(shared)


def find_shared_head(ledger: Ledger) -> Root:
    """Return the model of the last head on which all seats have committed."""
    number = ledger.round.number
    while len(ledger.commitments(ledger.openings[number].parent, number)) < len(ledger.seats):
        number = RoundId(number - 1)
    return ledger.result(ledger.openings[number].parent).model_root


def count_spent(standing: Standing) -> Counter[str]:
    """Return what each account has paid for gas, in wei."""
    web3 = standing.following.contract.federation.web3
    spent: Counter[str] = Counter()
    for number in range(1 + int(ask(web3, "eth_blockNumber"), 16)):
        for name in ask(web3, "eth_getBlockByNumber", hex(number), False)["transactions"]:
            receipt = ask(web3, "eth_getTransactionReceipt", name)
            cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            spent[receipt["from"].lower()] += cost
    return spent


def check_journals(standing: Standing) -> None:
    votes = [
        logged.event
        for logged in standing.following.contract.observer.history
        if isinstance(logged.event, Attested)
    ]
    assert {vote.seat for vote in votes} == set(range(QUICK.peers))
    for seat in range(QUICK.peers):
        with Journal(standing.fleet.peer_folder(seat) / JOURNAL) as journal:
            assert all(journal.has_recomputed(v.key) for v in votes if v.seat == seat)


def end_peers(standing: Standing) -> None:
    """Let all peers end, so that nothing moves any more, and read the chain to its end."""
    standing.fleet.stop_peers()
    standing.following.contract.observer.poll()
