"""The contract against the model, move by move: stories that lead far, and walks without a plan.

A run is repeatable: seeds are fixed, and whatever fails ends with the lines that repeat it alone.
"""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

import pytest
from admission_model import find_path
from admission_model import make_root as make_admission_root
from federation_chorus import (
    accuse,
    agree,
    attest_and_commit,
    claim,
    clear_out,
    commit_all,
    end_round,
    fund,
    open_votes,
    propose,
    staff,
    vote_all,
)
from federation_counters import AFTER_CREATION, Counters
from federation_dispute_stories import DISPUTE_STORIES, tell_of_a_full_archive
from federation_lab import ETHER
from federation_pair import ADDRESSES, Pair, open_pair, telling
from federation_reward_stories import REWARD_STORIES, tell_of_wages
from federation_seat_stories import (
    SEAT_STORIES,
    tell_of_a_full_house,
    tell_of_stakes,
    tell_of_strangers,
)
from federation_stories import STORIES, Story, tell_of_wrong_proposals
from federation_wanderer import wander
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from chain.admission import compute_admission_proof, compute_admission_root

SEATS = 6
SETUP = {
    "min_updates": 2,
    "max_seats": SEATS,
    "retire_seconds": 1000,
    "max_missed": 2,
    "reward_wei_per_second": ETHER // 1000,
}
EQUAL = {**SETUP, "weighting": 1, "selection": 0, "clip": 0, "faults_bps": 0}
SAMPLES = {**SETUP, "weighting": 2, "selection": 0, "faults_bps": 0}
NARROW = {**SETUP, "max_unsettled": 2, "challenge_blocks": 5}
CLOSED = {
    **SETUP,
    "admitted": (0, 1, 2, 3, 5, 7, 9),
    "max_missed": 3,
    "min_updates": 3,
    "reward_wei_per_second": 0,
}
KRUM = {**SETUP, "selection": 2}
SETUPS = (SETUP, EQUAL, SAMPLES, CLOSED, KRUM, NARROW)
EQUAL_STORIES = (tell_of_stakes, tell_of_wrong_proposals, tell_of_a_full_house)
PARTS = 10
EVERY_STORY = (*STORIES, *SEAT_STORIES, *DISPUTE_STORIES, *REWARD_STORIES)

seats = st.integers(0, SEATS - 1)
# Mostly the round that is open or the next one, mostly the head, mostly the seat's own account.
offsets = st.sampled_from([0, 0, 0, 0, 1, 1, 1, 1, -1, 2])
picks = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3, 4])
stakes = st.sampled_from([ETHER, ETHER, ETHER, ETHER + 1, 2 * ETHER, 3 * ETHER, ETHER - 1])
others = st.sampled_from([0] * 15 + [1])
samples = st.integers(0, 2**64 - 1)
maps = st.sampled_from([0, 0, 0, 1, 2, 4, 32])
absences = st.sampled_from([set(), set(), set(), {0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}])
edges = st.sampled_from(["commitments", "votes", "grace", "unbonding", "watch"])


class FederationMachine(RuleBasedStateMachine):
    """Moves of one seat and of all together, stories, re-orgs, and time around deadlines."""

    counters: ClassVar[Counters] = Counters()
    sent: ClassVar[int] = 0
    every: ClassVar[int] = 1

    @initialize(
        setup=st.sampled_from(SETUPS),
        max_missed=st.integers(2, 3),
        min_updates=st.integers(1, 3),
        faults_bps=st.sampled_from([0, 2000, 3300]),
        first=st.lists(stakes, min_size=3, max_size=5),
        rounds=st.integers(0, 2),
    )
    def create(
        self,
        setup: dict[str, Any],
        max_missed: int,
        min_updates: int,
        faults_bps: int,
        first: list[int],
        rounds: int,
    ) -> None:
        changes = {**setup, "max_missed": max_missed, "min_updates": min_updates}
        if changes.get("selection", 1):
            changes["faults_bps"] = faults_bps
        self.pair = open_pair(self.counters, every=self.every, **changes)
        for account, stake in enumerate(first):
            self.join(account, stake, 0)
        for _ in range(rounds):
            self.play_a_round(set(), set(), 0)

    # Seats ----------------------------------------------------------------------------------------

    @rule(account=seats, value=stakes, other=others)
    def join(self, account: int, value: int, other: int) -> None:
        proof = self.pair.proof((account + other) % len(ADDRESSES))
        self.move("join", account, "here", proof, value=value)

    @rule(seat=seats, value=st.sampled_from([0, 1, ETHER]), other=others)
    def top_up(self, seat: int, value: int, other: int) -> None:
        self.move("top_up", self.account(seat, other), seat, value=value)

    @rule(
        function=st.sampled_from(["leave", "withdraw", "withdraw", "activate"]),
        seat=seats,
        other=others,
    )
    def ask(self, function: str, seat: int, other: int) -> None:
        self.move(function, self.account(seat, other), seat)

    @rule(seat=seats, other=others, endpoint=st.sampled_from(["", "there"]))
    def set_endpoint(self, seat: int, other: int, endpoint: str) -> None:
        self.move("set_endpoint", self.account(seat, other), seat, endpoint)

    @rule(seat=seats, by=seats)
    def retire(self, seat: int, by: int) -> None:
        self.move("retire", by, seat)

    @rule(seat=seats, by=seats, first=picks, count=st.integers(0, 6), skip=st.booleans())
    def retire_withholder(self, seat: int, by: int, first: int, count: int, skip: bool) -> None:
        told = [result.record for result in self.pair.model.records()][first : first + count]
        records = [*told[:1], *told[2:]] if skip else told
        self.move("retire_withholder", by, seat, records)

    @rule(seat=seats)
    def accuse(self, seat: int) -> None:
        with telling(self.pair):
            accuse(self.pair, seat)

    # Rounds ---------------------------------------------------------------------------------------

    @rule(seat=seats, offset=offsets, pick=picks, claim=samples, other=others)
    def commit(self, seat: int, offset: int, pick: int, claim: int, other: int) -> None:
        number = self.number(offset)
        root = self.pair.blobs.update_root(seat, number)
        arguments = (number, seat, self.key(pick), root, claim, 1)
        self.move("commit", self.account(seat, other), *arguments)

    @rule(seat=seats, offset=offsets, pick=picks, drop=maps, model=picks, other=others)
    def propose(self, seat: int, offset: int, pick: int, drop: int, model: int, other: int) -> None:
        p = self.pair.proposal(self.number(offset), self.key(pick), drop, model)
        words = (p.commitments, p.included, p.model_root, p.coefficients)
        self.move("propose", self.account(seat, other), p.round, seat, p.parent, *words)

    @rule(seat=seats, pick=picks, other=others)
    def attest(self, seat: int, pick: int, other: int) -> None:
        self.move("attest", self.account(seat, other), seat, self.key(pick))

    @rule(seat=seats, pick=picks, offset=offsets)
    def attest_and_commit(self, seat: int, pick: int, offset: int) -> None:
        with telling(self.pair):
            attest_and_commit(self.pair, seat, self.key(pick), self.number(offset))

    @rule(absent=absences)
    def commit_together(self, absent: set[int]) -> None:
        with telling(self.pair):
            commit_all(self.pair, absent)

    @rule(absent=absences, ahead=st.booleans())
    def vote_together(self, absent: set[int], ahead: bool) -> None:
        """End the commitments, propose what is there, and approve it, as honest peers do."""
        with telling(self.pair):
            self.pair.at(self.pair.model.commit_end())
            number = self.pair.model.number
            voters = [seat for seat in self.pair.model.present if seat not in absent]
            if not voters:
                return
            key = propose(self.pair, voters[0])
            for seat in voters[1:] if ahead else ():
                attest_and_commit(self.pair, seat, key, number + 1)
            vote_all(self.pair, key, voters[1:])

    @rule(absent=absences, silent=absences, drop=maps)
    def play_a_round(self, absent: set[int], silent: set[int], drop: int) -> None:
        with telling(self.pair):
            agree(self.pair, absent=absent, silent=silent, drop=drop)

    @rule(absent=absences)
    def let_a_round_lapse(self, absent: set[int]) -> None:
        with telling(self.pair):
            open_votes(self.pair, absent)
            end_round(self.pair)

    # Rewards --------------------------------------------------------------------------------------

    @rule(value=st.sampled_from([0, 1, ETHER // 10, ETHER]))
    def fund(self, value: int) -> None:
        with telling(self.pair):
            fund(self.pair, value)

    @rule(seat=seats, most=st.sampled_from([1, 128]))
    def claim(self, seat: int, most: int) -> None:
        with telling(self.pair):
            claim(self.pair, seat, most)

    @rule(seat=seats, chosen=st.lists(picks, max_size=3), other=others)
    def claim_anything(self, seat: int, chosen: list[int], other: int) -> None:
        keys = [self.key(pick) for pick in chosen]
        self.move("claim", self.account(seat, other), seat, keys)

    # The chain, and stories -----------------------------------------------------------------------

    @rule()
    def mark(self) -> None:
        if len(self.pair.marks) < 3:
            self.pair.mark()

    @rule()
    def fork(self) -> None:
        if self.pair.marks:
            self.pair.fork()

    @rule(story=st.sampled_from(EVERY_STORY))
    def tell(self, story: Story) -> None:
        with telling(self.pair):
            story(self.pair)

    @rule(start=st.integers(0, 2**32 - 1), moves=st.integers(1, 10))
    def wander(self, start: int, moves: int) -> None:
        with telling(self.pair):
            wander(self.pair, Random(start), moves)

    @rule()
    def let_in_and_out(self) -> None:
        with telling(self.pair):
            clear_out(self.pair)

    @rule(seconds=st.integers(1, 700))
    def wait(self, seconds: int) -> None:
        self.pair.at(self.pair.lab.now + seconds)

    @rule(edge=edges, offset=st.integers(-1, 1))
    def wait_for_edge(self, edge: str, offset: int) -> None:
        model, parameters = self.pair.model, self.pair.lab.parameters
        watches = [w.at for t in model.tenancies if (w := model.watch_of(t))]
        to = {
            "commitments": model.commit_end(),
            "votes": model.votes_end(),
            "grace": self.pair.lab.now + parameters.grace_seconds,
            "unbonding": max((t.free_at for t in model.tenancies), default=0),
            "watch": max(watches, default=0) + parameters.retire_seconds,
        }[edge]
        self.pair.at(to + offset)

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            with telling(self.pair):
                finish(self.pair)
            type(self).sent += self.pair.sent

    # Within ---------------------------------------------------------------------------------------

    def move(self, function: str, account: int, *arguments: Any, value: int = 0) -> None:
        with telling(self.pair):
            self.pair.move(function, account, *arguments, value=value)

    def account(self, seat: int, other: int) -> int:
        """Return the account that owns the seat, or one that does not."""
        return (self.pair.account_of(seat) + other) % len(ADDRESSES)

    def number(self, offset: int) -> int:
        return max(0, self.pair.model.number + offset)

    def key(self, pick: int) -> bytes:
        keys = self.pair.keys
        return keys[pick % len(keys)]


def finish(pair: Pair) -> None:
    """Compare all that ever was, on the chain that is left."""
    # A re-org is told from a node that lags behind by a block where another one stood.
    pair.move("set_endpoint", 0, 0, "at the end")
    pair.check()
    pair.close()


def tell_stories(
    counters: Counters, setup: dict[str, Any], stories: tuple[Story, ...], every: int = 1
) -> int:
    """Tell stories one after the other of one federation; return the number of transactions."""
    pair = open_pair(counters, every=every, **setup)
    with telling(pair):
        for story in stories:
            story(pair)
        finish(pair)
    return pair.sent


def roam(counters: Counters, start: int, moves: int, every: int = 1) -> int:
    """Make moves from a seed, in each setup as many; return the number of transactions."""
    sent = 0
    for place, setup in enumerate(SETUPS):
        pair = open_pair(counters, every=every, **setup)
        with telling(pair):
            staff(pair)
            wander(pair, Random(f"{start} {place}"), moves)
            finish(pair)
        sent += pair.sent
    return sent


def walk(counters: Counters, start: int, examples: int, steps: int, every: int = 1) -> int:
    """Walk without a plan, from a seed; return the number of transactions."""

    @seed(start)
    class Walk(FederationMachine):
        pass

    Walk.counters, Walk.sent, Walk.every = counters, 0, every
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Walk.sent


def test_federation__stories_and_a_walk__contract_model_and_ledger_agree() -> None:
    counters, sparse = Counters(), 12
    sent = tell_stories(counters, SETUP, EVERY_STORY, sparse)
    sent += tell_stories(counters, EQUAL, EQUAL_STORIES, sparse)
    sent += tell_stories(counters, CLOSED, (tell_of_strangers, tell_of_wages), sparse)
    sent += tell_stories(counters, NARROW, (tell_of_a_full_archive,), sparse)
    sent += roam(counters, start=1, moves=4)
    sent += walk(counters, start=1, examples=4, steps=4)
    assert counters.missing(AFTER_CREATION) == []
    assert sent >= 1_000


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_federation__thousands_of_moves__contract_model_and_ledger_agree(part: int) -> None:
    counters, sent = Counters(), 0
    stories = (*EVERY_STORY[part:], *EVERY_STORY[:part])
    for setup in (SETUPS[part % len(SETUPS)], EQUAL, CLOSED, NARROW):
        sent += tell_stories(counters, setup, stories, every=2)
    # In another order a story may find too few seats for what it tells.
    sent += tell_stories(counters, EQUAL, EQUAL_STORIES, every=2)
    sent += roam(counters, start=100 + part, moves=100)
    sent += walk(counters, start=100 + part, examples=20, steps=20)
    assert counters.missing(AFTER_CREATION) == []
    assert sent >= 50_000 / PARTS, "fifty thousand in all parts together"


@pytest.mark.slow
def test_pair__its_own_journal_run_again__ends_in_the_same_block() -> None:
    first = open_pair(Counters(), **CLOSED)
    for story in (tell_of_strangers, STORIES[-1]):
        story(first)
    names: dict[str, Any] = {"open_pair": open_pair, "Counters": Counters}
    exec("\n".join(first.journal), names)
    again: Pair = names["pair"]
    blocks = [pair.lab.web3.eth.get_block("latest")["hash"] for pair in (first, again)]
    assert blocks[0] == blocks[1]
    assert again.sent == first.sent
    for pair in (first, again):
        pair.close()


@pytest.mark.parametrize("count", range(1, len(ADDRESSES) + 1))
def test_admission__a_list_of_any_length__the_model_has_the_same_root_and_paths(count: int) -> None:
    listed = ADDRESSES[:count]
    assert make_admission_root(listed) == compute_admission_root(listed)
    for address in listed:
        assert find_path(listed, address) == list(compute_admission_proof(listed, address))
