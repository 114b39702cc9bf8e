"""Seats and rounds as the protocol tells them, for comparison with the contract.

Written from the text, as a history that is searched: who is on the roll, what was committed, who
voted, when. The contract keeps running totals, deadlines and flags instead, so a slip in one is not
a slip in the other. Two rules are the contract's own and not the text's: a second change of a stake
waits until the head's round counts the first one, and a round that lapses for want of commitments
holds its seats back until its time for votes is over too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chain.keys import hash_words
from chain.types import Parameters


class Refused(Exception):
    """The protocol does not allow the move."""


@dataclass
class Tenancy:
    """One owner's time in a seat."""

    seat: int
    owner: str
    stake: int
    changed_from: int
    is_leaving: bool = False
    free_at: int = 0


Roll = dict[int, tuple[Tenancy, int]]
"""Seat → who holds it, and with how much stake."""


@dataclass(frozen=True)
class Commitment:
    seat: int
    root: bytes
    weight: int
    stake: int
    at: int


@dataclass
class Proposed:
    round: int
    included: int
    votes: dict[int, int] = field(default_factory=dict)


@dataclass
class Opened:
    """A round that opened, and how it ended if somebody agreed."""

    number: int
    parent: bytes
    at: int
    power: int
    active: int
    agreed: bytes | None = None


@dataclass
class FederationModel:
    """The state after some moves. Every move is given the time of its block."""

    parameters: Parameters
    genesis: bytes
    tenancies: list[Tenancy] = field(default_factory=list)
    present: Roll = field(default_factory=dict)
    rolls: dict[int, Roll] = field(default_factory=dict)
    rows: dict[tuple[bytes, int], list[Commitment]] = field(default_factory=dict)
    results: dict[bytes, Proposed] = field(default_factory=dict)
    rounds: list[Opened] = field(default_factory=list)
    chain: list[tuple[bytes, int]] = field(default_factory=list)

    # What follows from the history --------------------------------------------------------

    @property
    def head(self) -> bytes:
        return self.chain[-1][0] if self.chain else self.genesis

    @property
    def head_round(self) -> int:
        return self.chain[-1][1] if self.chain else 0

    @property
    def number(self) -> int:
        return len(self.rounds)

    @property
    def named(self) -> int:
        return max(self.rolls, default=0)

    @property
    def balance(self) -> int:
        return sum(t.stake for t in self.tenancies)

    def holder(self, seat: int) -> Tenancy | None:
        return next((t for t in self.tenancies if t.seat == seat), None)

    def stake_in(self, seat: int, number: int) -> int:
        """The stake of the seat's present holder in a round."""
        roll = self.rolls.get(number, self.present if number > self.named else {})
        holder, stake = roll.get(seat, (None, 0))
        return stake if holder is not None and holder is self.holder(seat) else 0

    def commit_end(self) -> int:
        """When the last round's commitments end; 0: none is open."""
        if not self.rounds or self.rounds[-1].agreed is not None:
            return 0
        last = self.rounds[-1]
        ends = [last.at + self.parameters.commit_seconds]
        enough = last.power * (10_000 - self.parameters.faults_bps) // 10_000
        sofar = 0
        for commitment in self.rows[last.parent, last.number]:
            sofar += commitment.stake
            at = max(commitment.at, last.at)
            if sofar >= enough:
                ends.append(at + self.parameters.grace_seconds)
            if sofar == last.power:
                ends.append(at)
        return min(ends)

    def phase(self, now: int) -> str:
        end = self.commit_end()
        if end == 0:
            return "idle"
        if now < end:
            return "commit"
        last = self.rounds[-1]
        if len(self.rows[last.parent, last.number]) < self.parameters.min_updates:
            return "lapsed"
        return "attest" if now < end + self.parameters.attest_seconds else "lapsed"

    def running(self, parent: bytes, number: int) -> bytes:
        row = self.rows.get((parent, number), [])
        running = hash_words(parent, number) if row else bytes(32)
        for commitment in row:
            running = hash_words(running, commitment.seat, commitment.root, commitment.weight)
        return running

    # Seats --------------------------------------------------------------------------------

    def join(self, now: int, owner: str, value: int) -> None:
        self._check_stake(value)
        taken = {t.seat for t in self.tenancies}
        free = [s for s in range(self.parameters.max_seats) if s not in taken]
        _need(bool(free))
        tenancy = Tenancy(free[0], owner, value, self.named + 1)
        self.tenancies.append(tenancy)
        self.present[free[0]] = (tenancy, value)

    def top_up(self, now: int, owner: str, seat: int, value: int) -> None:
        tenancy = self._own(seat, owner)
        _need(value > 0 and not tenancy.is_leaving)
        self._check_stake(tenancy.stake + value)
        _need(tenancy.changed_from > self.named or tenancy.changed_from <= self.head_round)
        tenancy.changed_from = self.named + 1
        tenancy.stake += value
        self.present[seat] = (tenancy, tenancy.stake)

    def leave(self, now: int, owner: str, seat: int) -> None:
        tenancy = self._own(seat, owner)
        _need(not tenancy.is_leaving)
        tenancy.is_leaving = True
        del self.present[seat]

    def withdraw(self, now: int, owner: str, seat: int) -> None:
        tenancy = self._own(seat, owner)
        _need(tenancy.is_leaving)
        if tenancy.free_at == 0:
            counted = [n for n, roll in self.rolls.items() if roll.get(seat, (None,))[0] is tenancy]
            _need(all(self._is_decided(n, now) for n in counted))
            window = self.parameters.challenge_seconds + 2 * self.parameters.answer_seconds
            tenancy.free_at = now + window
            return
        _need(now >= tenancy.free_at)
        self.tenancies.remove(tenancy)

    # Rounds -------------------------------------------------------------------------------

    def commit(
        self, now: int, owner: str, seat: int, number: int, parent: bytes, root: bytes, samples: int
    ) -> None:
        self._own(seat, owner)
        stake = self.stake_in(seat, number)
        _need(stake > 0 and root != bytes(32))
        row = self.rows.get((parent, number), [])
        _need(all(c.seat != seat for c in row))
        phase = self.phase(now)
        joins = phase == "commit" and parent == self.head and number == self.number
        opens = phase in ("idle", "lapsed") and parent == self.head and number == self.number + 1
        early = (
            phase == "attest"
            and number == self.number + 1
            and parent in self.results
            and self.results[parent].round == self.number
        )
        _need(joins or opens or early)
        if number > self.named:
            _need(len(self.present) >= self.parameters.min_updates)
            self.rolls[number] = dict(self.present)
        weight = (stake, 1, samples)[self.parameters.weighting]
        self.rows[parent, number] = [*row, Commitment(seat, root, weight, stake, now)]
        if opens:
            self._open(now)

    def propose(
        self,
        now: int,
        owner: str,
        seat: int,
        number: int,
        parent: bytes,
        commitments: bytes,
        included: int,
        key: bytes,
    ) -> None:
        self._own(seat, owner)
        _need(self.phase(now) == "attest" and number == self.number and parent == self.head)
        _need(commitments == self.running(parent, number))
        seats = {s for s in range(256) if included >> s & 1}
        _need(seats <= {c.seat for c in self.rows[parent, number]})
        faulty = self.rounds[-1].active * self.parameters.faults_bps // 10_000
        least = self.parameters.min_updates
        if self.parameters.weighting == 1:
            least = max(least, 2 * faulty + 1)
        if self.parameters.selection == 2:
            least = max(least, 2 * faulty + 3)
        _need(len(seats) >= least)
        _need(key not in self.results and self.stake_in(seat, number) > 0)
        self.results[key] = Proposed(number, included)
        self.attest(now, owner, seat, key)

    def attest(self, now: int, owner: str, seat: int, key: bytes) -> None:
        self._own(seat, owner)
        _need(key in self.results)
        result = self.results[key]
        stake = self.stake_in(seat, result.round)
        _need(seat not in result.votes and stake > 0)
        is_live = result.round == self.number and self.phase(now) == "attest"
        _need(is_live or key == self.head)
        result.votes[seat] = stake
        if is_live and 3 * sum(result.votes.values()) >= 2 * self.rounds[-1].power:
            self.rounds[-1].agreed = key
            self.chain.append((key, result.round))
            if self.rows.get((key, self.number + 1)):
                self._open(now)

    def attest_and_commit(
        self, now: int, owner: str, seat: int, key: bytes, number: int, root: bytes, samples: int
    ) -> None:
        self.attest(now, owner, seat, key)
        self.commit(now, owner, seat, number, key, root, samples)

    # Within -------------------------------------------------------------------------------

    def _open(self, now: int) -> None:
        number = self.number + 1
        roll = self.rolls[number]
        power = sum(stake for _, stake in roll.values())
        self.rounds.append(Opened(number, self.head, now, power, len(roll)))

    def _is_decided(self, number: int, now: int) -> bool:
        if number != self.number:
            return number < self.number
        end = self.commit_end()
        return end == 0 or now >= end + self.parameters.attest_seconds

    def _own(self, seat: int, owner: str) -> Tenancy:
        tenancy = self.holder(seat)
        _need(tenancy is not None and tenancy.owner == owner)
        assert tenancy is not None, "just checked"
        return tenancy

    def _check_stake(self, stake: int) -> None:
        _need(stake >= self.parameters.min_stake_wei)
        _need(self.parameters.weighting != 1 or stake == self.parameters.min_stake_wei)


Move = Callable[[FederationModel, int], None]


def _need(condition: bool) -> None:
    if not condition:
        raise Refused
