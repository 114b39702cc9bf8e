"""The contract against the model, move by move, wherever hypothesis leads them."""

from __future__ import annotations

from typing import ClassVar

import pytest
from federation_lab import ETHER, open_federation
from federation_pair import Pair
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

SEATS = 6
seats = st.integers(0, SEATS - 1)
# Mostly the round that is open or the next one, mostly the head, mostly the seat's own account.
offsets = st.sampled_from([0, 0, 0, 0, 1, 1, 1, 1, -1, 2])
picks = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3])
stakes = st.sampled_from([ETHER, ETHER, ETHER, ETHER + 1, 2 * ETHER, 3 * ETHER, ETHER - 1])
accounts = st.sampled_from([0] * 15 + [1])
samples = st.integers(0, 2**64 - 1)
absences = st.sampled_from([set(), set(), set(), {0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}])
edges = st.sampled_from(["commit", "votes", "grace", "free"])


class FederationMachine(RuleBasedStateMachine):
    """Random moves, honest rounds now and then, and jumps to just before and after deadlines."""

    sent: ClassVar[int] = 0
    agreed: ClassVar[int] = 0

    @initialize(
        weighting=st.sampled_from([0, 0, 1, 2]),
        faults_bps=st.sampled_from([0, 2000, 3300]),
        min_updates=st.integers(1, 3),
        first=st.lists(stakes, min_size=3, max_size=5),
        warm_rounds=st.integers(0, 2),
        ahead=st.booleans(),
    )
    def create(
        self,
        weighting: int,
        faults_bps: int,
        min_updates: int,
        first: list[int],
        warm_rounds: int,
        ahead: bool,
    ) -> None:
        lab = open_federation(
            weighting=weighting,
            selection=0 if weighting == 2 else 1,
            faults_bps=0 if weighting == 2 else faults_bps,
            min_updates=min_updates,
            max_seats=SEATS,
        )
        self.pair = Pair(lab)
        for account, stake in enumerate(first):
            self.pair.join(account, stake)
        for _ in range(warm_rounds):
            self.play_a_round(set(), ahead)

    # Seats ----------------------------------------------------------------------------------------

    @rule(account=seats, value=stakes)
    def join(self, account: int, value: int) -> None:
        self.pair.join(account, value)

    @rule(seat=seats, value=st.sampled_from([0, 1, ETHER]), other=accounts)
    def top_up(self, seat: int, value: int, other: int) -> None:
        self.pair.top_up(self._account(seat, other), seat, value)

    @rule(seat=seats, other=accounts)
    def leave(self, seat: int, other: int) -> None:
        self.pair.leave(self._account(seat, other), seat)

    @rule(seat=seats, other=accounts)
    def withdraw(self, seat: int, other: int) -> None:
        self.pair.withdraw(self._account(seat, other), seat)

    # Rounds ---------------------------------------------------------------------------------------

    @rule(seat=seats, offset=offsets, pick=picks, claim=samples, other=accounts)
    def commit(self, seat: int, offset: int, pick: int, claim: int, other: int) -> None:
        number = max(0, self.pair.model.number + offset)
        self.pair.commit(self._account(seat, other), seat, number, self._key(pick), claim)

    @rule(seat=seats, offset=offsets, pick=picks, drop=picks, model=picks, other=accounts)
    def propose(self, seat: int, offset: int, pick: int, drop: int, model: int, other: int) -> None:
        account, number = self._account(seat, other), max(0, self.pair.model.number + offset)
        self.pair.propose(account, seat, number, self._key(pick), drop, model)

    @rule(seat=seats, pick=picks, other=accounts)
    def attest(self, seat: int, pick: int, other: int) -> None:
        self.pair.attest(self._account(seat, other), seat, self._key(pick))

    @rule(seat=seats, pick=picks, offset=offsets, claim=samples)
    def attest_and_commit(self, seat: int, pick: int, offset: int, claim: int) -> None:
        number = max(0, self.pair.model.number + offset)
        account = self._account(seat, 0)
        self.pair.attest_and_commit(account, seat, self._key(pick), number, claim)

    @rule(absent=absences)
    def commit_together(self, absent: set[int]) -> None:
        """Commit to the head in the open round or the next one, as honest peers do."""
        for seat in self._others(absent):
            model = self.pair.model
            is_open = model.phase(self.pair.lab.now + 1) == "commit"
            number = model.number + (0 if is_open else 1)
            self.pair.commit(self._account(seat, 0), seat, number, model.head, 1)

    @rule(absent=absences, ahead=st.booleans())
    def vote_together(self, absent: set[int], ahead: bool) -> None:
        """End the commitments, propose what is there, and approve it, as honest peers do."""
        self.pair.jump(self.pair.model.commit_end())
        number, head = self.pair.model.number, self.pair.model.head
        voters = self._others(absent)
        for seat in voters[:1]:
            self.pair.propose(self._account(seat, 0), seat, number, head, 0, 0)
        proposed = list(self.pair.model.results) or [bytes(32)]
        for seat in voters[1:]:
            if ahead:
                arguments = (seat, proposed[-1], number + 1, 1)
                self.pair.attest_and_commit(self._account(seat, 0), *arguments)
            else:
                self.pair.attest(self._account(seat, 0), seat, proposed[-1])

    @rule(absent=absences, ahead=st.booleans(), count=st.integers(1, 2))
    def play_rounds(self, absent: set[int], ahead: bool, count: int) -> None:
        for _ in range(count):
            self.play_a_round(absent, ahead)

    def play_a_round(self, absent: set[int], ahead: bool) -> None:
        self.commit_together(set())
        self.vote_together(absent, ahead)

    @rule(absent=absences)
    def let_a_round_lapse(self, absent: set[int]) -> None:
        """Commit, and let the time for votes run out."""
        self.commit_together(absent)
        self.pair.jump(self.pair.model.commit_end() + self.pair.lab.parameters.attest_seconds)

    # Time -----------------------------------------------------------------------------------------

    @rule(seconds=st.integers(1, 700))
    def wait(self, seconds: int) -> None:
        self.pair.jump(self.pair.lab.now + seconds)

    @rule(edge=edges, offset=st.integers(-1, 1))
    def wait_for_edge(self, edge: str, offset: int) -> None:
        model, parameters = self.pair.model, self.pair.lab.parameters
        end = model.commit_end()
        to = {
            "commit": end,
            "votes": end + parameters.attest_seconds,
            "grace": self.pair.lab.now + parameters.grace_seconds,
            "free": max((t.free_at for t in model.tenancies), default=0),
        }[edge]
        self.pair.jump(to + offset)

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            self.pair.compare_all()
            type(self).sent += self.pair.sent
            type(self).agreed += len(self.pair.model.chain)
            self.pair.lab.devnet.close()

    def _others(self, absent: set[int]) -> list[int]:
        """Return who is on the roll and not absent, in the order of joining."""
        return [seat for seat in self.pair.model.present if seat not in absent]

    def _account(self, seat: int, other: int) -> int:
        """Return the account that owns the seat, or one that does not."""
        tenancy = self.pair.model.holder(seat)
        addresses = [str(each.address) for each in self.pair.lab.devnet.accounts]
        return ((addresses.index(tenancy.owner) if tenancy else 0) + other) % len(addresses)

    def _key(self, pick: int) -> bytes:
        keys = self.pair.keys
        return keys[pick % len(keys)]


def run(examples: int, steps: int) -> None:
    FederationMachine.sent = FederationMachine.agreed = 0
    run_state_machine_as_test(
        FederationMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_federation__random_moves__contract_and_model_agree() -> None:
    run(examples=10, steps=16)
    assert FederationMachine.sent >= 150
    assert FederationMachine.agreed >= 3


@pytest.mark.slow
def test_federation__thousands_of_random_moves__contract_and_model_agree() -> None:
    run(examples=80, steps=50)
    assert FederationMachine.sent >= 2_000
    assert FederationMachine.agreed >= 100
