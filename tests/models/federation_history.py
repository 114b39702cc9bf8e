"""What happened in a federation, and what follows; nothing is kept that can be recounted."""

from __future__ import annotations

from dataclasses import dataclass, field

from federation_blobs import Blobs
from federation_records import (
    Agreement,
    Commitment,
    Opened,
    Proposed,
    Roll,
    Tenancy,
    Watch,
)

from chain.keys import hash_words
from chain.types import Parameters


@dataclass
class FederationHistory:
    """Seats, rolls, commitments, results and votes so far, and answers about them."""

    parameters: Parameters
    genesis: bytes
    admitted: tuple[str, ...] = ()
    """Who may join; empty: everybody."""
    tenancies: list[Tenancy] = field(default_factory=list)
    present: Roll = field(default_factory=dict)
    rolls: dict[int, Roll] = field(default_factory=dict)
    rows: dict[tuple[bytes, int], list[Commitment]] = field(default_factory=dict)
    results: dict[bytes, Proposed] = field(default_factory=dict)
    votes: list[Tenancy] = field(default_factory=list)
    """Who approved something, in the order of the chain."""
    rounds: list[Opened] = field(default_factory=list)
    chain: list[Agreement] = field(default_factory=list)
    archive: dict[int, Agreement] = field(default_factory=dict)
    """All that was ever agreed, by rounds."""
    fixed: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Power and number of seats of each named round, as they were when it was named."""
    cut_at: int = 0
    """The last round when a result became void."""
    block: int = 0
    owed: dict[str, int] = field(default_factory=dict)
    burned: int = 0
    funded: int = 0
    """What was paid in for rewards, all together."""
    rewarded: int = 0
    """What was paid out of it."""
    base_fee: int = 0
    blobs: Blobs | None = None
    """What stands behind the roots, where it is known."""

    @property
    def head(self) -> bytes:
        return self.chain[-1].key if self.chain else self.genesis

    @property
    def head_round(self) -> int:
        return self.chain[-1].round if self.chain else 0

    @property
    def number(self) -> int:
        return len(self.rounds)

    @property
    def named(self) -> int:
        return max(self.rolls, default=0)

    @property
    def balance(self) -> int:
        """Stakes, what is owed, deposits of open challenges, what is kept for lost ones, and what
        was paid in for rewards and not paid out."""
        stakes = sum(t.stake for t in self.tenancies)
        asked = (each for a in self.archive.values() for each in a.asked)
        deposits = sum(each.bond for each in asked if each.is_open)
        pots = sum(a.pot for a in self.archive.values())
        rewards = self.funded - self.rewarded
        return stakes + sum(self.owed.values()) + deposits + pots + rewards

    @property
    def voted_from(self) -> int:
        return max(self.head_round, self.cut_at)

    def is_canonical(self, agreement: Agreement) -> bool:
        return any(agreement is each for each in self.chain)

    def is_disputable(self, agreement: Agreement, now: int) -> bool:
        """Whether the window in which a result can be refuted or asked for is open."""
        p = self.parameters
        longer = 2 * p.answer_seconds if agreement.asked else 0
        if now - agreement.at < p.challenge_seconds + longer:
            return True
        return self.is_canonical(agreement) and self.block - agreement.block < p.challenge_blocks

    def settled(self, now: int) -> int:
        """The height up to which nothing can be disputed any more."""
        for height, agreement in enumerate(self.chain):
            is_asked = any(asked.is_open for asked in agreement.asked)
            if is_asked or self.is_disputable(agreement, now):
                return height
        return len(self.chain)

    @property
    def ran(self) -> int:
        """How many rounds ran among those that were succeeded."""
        return sum(map(self.has_run, self.rounds[:-1]))

    def ran_at(self, watch: Watch) -> int:
        """How many rounds had run when a watch began."""
        return self.ran - self.missed(watch)

    def has_run(self, opened: Opened) -> bool:
        row = self.rows.get((opened.parent, opened.number), [])
        return not opened.is_cut and len(row) >= self.parameters.min_updates

    def holder(self, seat: int) -> Tenancy | None:
        return next((t for t in self.tenancies if t.seat == seat), None)

    def stake_in(self, seat: int, number: int) -> int:
        """The stake of the seat's present holder in a round."""
        roll = self.rolls.get(number, self.present if number > self.named else {})
        holder, stake = roll.get(seat, (None, 0))
        return stake if holder is not None and holder is self.holder(seat) else 0

    def watch_of(self, tenancy: Tenancy) -> Watch | None:
        """The watch on a seat that goes on: whoever approved something since ended it."""
        watch = tenancy.watch
        if tenancy.end or watch is None:
            return None
        return None if any(v is tenancy for v in self.votes[watch.votes :]) else watch

    def missed(self, watch: Watch) -> int:
        """How many rounds ran and were succeeded since a watch began."""
        return sum(map(self.has_run, self.rounds[max(0, watch.rounds - 1) : -1]))

    def commit_end(self) -> int:
        """When the last round's commitments end; 0: none is open."""
        if not self.rounds or self.rounds[-1].agreed is not None or self.rounds[-1].is_cut:
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

    def votes_end(self) -> int:
        """When the last round's votes end; 0: none is open."""
        end = self.commit_end()
        return end + self.parameters.attest_seconds if end else 0

    def phase(self, now: int) -> str:
        end = self.commit_end()
        if end == 0:
            return "idle"
        if now < end:
            return "commit"
        if not self.has_run(self.rounds[-1]):
            return "lapsed"
        return "attest" if now < self.votes_end() else "lapsed"

    def running(self, parent: bytes, number: int) -> bytes:
        row = self.rows.get((parent, number), [])
        running = hash_words(parent, number) if row else bytes(32)
        for commitment in row:
            running = hash_words(running, commitment.seat, commitment.root, commitment.weight)
        return running

    def committed(self, parent: bytes, number: int) -> set[int]:
        return {c.seat for c in self.rows.get((parent, number), [])}

    def is_decided(self, number: int, now: int) -> bool:
        """Whether nothing can move the head in a round any more."""
        if number != self.number:
            return number < self.number
        return now >= self.votes_end()

    def is_still_counted(self, tenancy: Tenancy, now: int) -> bool:
        """Whether a round that counts the seat is open or can still open."""
        return any(
            roll.get(tenancy.seat, (None,))[0] is tenancy and not self.is_decided(number, now)
            for number, roll in self.rolls.items()
        )

    def records(self) -> list[Proposed]:
        """The agreed results, newest first."""
        return [self.results[agreement.key] for agreement in reversed(self.chain)]
