"""The contract's history as its events tell it: nothing but a fold over them.

Every state change emits one event, so this and the contract's own reads agree at any block; a test
holds them together. A peer decides from it, an audit replays it, and neither needs an archive node.
"""

from dataclasses import dataclass, field, replace

from chain.disputes import Disputes
from chain.states import Head, OpenRound
from chain.types import (
    Activated,
    Agreed,
    Answered,
    Attested,
    Challenged,
    Claimed,
    Closed,
    Closing,
    Collected,
    Committed,
    Created,
    EndpointSet,
    Funded,
    Joined,
    Key,
    Left,
    Logged,
    Opened,
    Parameters,
    Proposed,
    Refuted,
    Retired,
    Revealed,
    RoundId,
    Seat,
    Slashed,
    ToppedUp,
    Unbonding,
    Voided,
    Watched,
    Wei,
    Withdrawn,
    seats_of,
)

SeatEvent = (
    Joined | ToppedUp | Left | Unbonding | Withdrawn | EndpointSet | Watched | Retired | Activated
)

RAN_LIMIT = 2**16
"""The contract counts the rounds that ran in 16 bits."""


@dataclass(frozen=True)
class SeatRecord:
    """A seat's life so far; `stakes` are (first round, wei), ascending; `until` 0: no end.

    `since` is when a watch began (unix seconds; 0: not watched) and `ran` the count of rounds then;
    `begun` is the first round since the seat was taken or activated.
    """

    owner: str
    endpoint: str
    stakes: tuple[tuple[RoundId, Wei], ...]
    until: RoundId = RoundId(0)
    free_at: int = 0
    since: int = 0
    ran: int = 0
    is_retired: bool = False

    @property
    def begun(self) -> RoundId:
        return self.stakes[0][0]

    def stake_in(self, round_id: RoundId) -> Wei:
        """Return the stake with which the seat counts in a round, in wei; 0: it does not."""
        if self.until and round_id >= self.until:
            return Wei(0)
        return next((wei for first, wei in reversed(self.stakes) if first <= round_id), Wei(0))


@dataclass
class Ledger:
    """State of one federation, built by `apply` from its events in order."""

    genesis: Key
    spec: bytes = b""
    parameters: Parameters | None = None
    seats: dict[Seat, SeatRecord] = field(default_factory=dict)
    round: OpenRound = OpenRound(RoundId(0), RoundId(0), 0, Wei(0), 0)
    openings: dict[RoundId, Opened] = field(default_factory=dict)
    rows: dict[tuple[Key, RoundId], list[Logged]] = field(default_factory=dict)
    stakes_in_rows: dict[tuple[Key, RoundId], list[Wei]] = field(default_factory=dict)
    results: dict[Key, Logged] = field(default_factory=dict)
    proposed_in: dict[RoundId, list[Key]] = field(default_factory=dict)
    votes: dict[Key, dict[Seat, Logged]] = field(default_factory=dict)
    stakes_behind: dict[Key, Wei] = field(default_factory=dict)
    agreed: list[Logged] = field(default_factory=list)
    voided: list[Logged] = field(default_factory=list)
    """What was agreed once and is void."""
    cut_at: RoundId = RoundId(0)
    """The last round when a result became void: votes on results of rounds before it are over."""
    funded_wei: Wei = Wei(0)
    """All that was ever paid in for rewards."""
    paid_to: dict[Seat, RoundId] = field(default_factory=dict)
    """The last round that a seat can not be paid for any more."""
    disputes: Disputes = field(default_factory=Disputes)

    def head(self) -> Head:
        """Return the agreed result; the genesis model before the first agreement."""
        assert self.parameters is not None, "the creation is a ledger's first event"
        if not self.agreed:
            return Head(self.genesis, RoundId(0), 0, self.parameters.genesis)
        last = self.agreed[-1].event
        assert isinstance(last, Agreed)
        return Head(last.key, last.round, last.height, self.result(last.key).model_root)

    def result(self, key: Key) -> Proposed:
        """Return the proposal of `key`; KeyError where there was none."""
        event = self.results[key].event
        assert isinstance(event, Proposed)
        return event

    def commitments(self, parent: Key, round_id: RoundId) -> tuple[Committed, ...]:
        """Return the commitments to a round that hang off `parent`, in the chain's order."""
        row = (logged.event for logged in self.rows.get((parent, round_id), ()))
        return tuple(event for event in row if isinstance(event, Committed))

    def committed_stakes(self, parent: Key, round_id: RoundId) -> tuple[Wei, ...]:
        """Return the stake that stood behind each of `commitments` when it was made, in wei.

        It entered the running hash, and stays there when the seat is slashed.
        """
        return tuple(self.stakes_in_rows.get((parent, round_id), ()))

    def candidates(self) -> tuple[Proposed, ...]:
        """Return what was proposed in the last round, in the chain's order."""
        return tuple(self.result(key) for key in self.proposed_in.get(self.round.number, ()))

    def stake_in(self, seat: Seat, round_id: RoundId) -> Wei:
        """Return the stake with which a seat counts in a round, in wei; 0: it does not."""
        record = self.seats.get(seat)
        return record.stake_in(round_id) if record else Wei(0)

    def stake_behind(self, key: Key) -> Wei:
        """Return the stake of those who approved `key`, as it counts in its round, in wei.

        It stays when a voter has withdrawn since.
        """
        return self.stakes_behind[key]

    def active(self, round_id: RoundId) -> tuple[Seat, ...]:
        """Return the seats that count in a round, ascending."""
        return tuple(seat for seat in sorted(self.seats) if self.seats[seat].stake_in(round_id) > 0)

    def apply(self, logged: Logged) -> None:
        """Fold in the next event."""
        match logged.event:
            case Created(spec, parameters):
                self.spec, self.parameters = spec, parameters
            case Opened(number, _, power, active, ends_at) as event:
                self.openings[number] = event
                named = RoundId(max(self.round.named, number))
                ran = (self.round.ran + self._has_run()) % RAN_LIMIT
                self.round = OpenRound(number, named, ends_at, power, active, ran)
            case Closing(_, ends_at):
                self.round = replace(self.round, commit_ends_at=ends_at)
            case Committed(number, seat, parent):
                self.rows.setdefault((parent, number), []).append(logged)
                stakes = self.stakes_in_rows.setdefault((parent, number), [])
                stakes.append(self.stake_in(seat, number))
                named = RoundId(max(self.round.named, number))
                self.round = replace(self.round, named=named)
            case Proposed(number, key):
                self.results[key] = logged
                self.proposed_in.setdefault(number, []).append(key)
                self.votes[key] = {}
                self.stakes_behind[key] = Wei(0)
            case Attested(key, seat):
                self.votes[key][seat] = logged
                stake = self.stake_in(seat, self.result(key).round)
                self.stakes_behind[key] = Wei(self.stakes_behind[key] + stake)
                # Who votes is not silent.
                self.seats[seat] = replace(self.seats[seat], since=0, ran=0)
            case Agreed():
                self.agreed.append(logged)
                self.round = replace(self.round, commit_ends_at=0)
            case Voided(_, height):
                # All that was named ends with it: the next round is the first unnamed one.
                self.voided += self.agreed[height - 1 :]
                del self.agreed[height - 1 :]
                self.round = replace(self.round, number=self.round.named, commit_ends_at=0)
                self.cut_at = self.round.named
            case Slashed(_, voters, divisor) as event:
                for seat in seats_of(voters):
                    self._slash(seat, divisor)
                self.disputes.apply(event)
            case Funded(_, amount):
                self.funded_wei = Wei(self.funded_wei + amount)
            case Claimed(seat, number):
                self.paid_to[seat] = number
            case (
                Refuted() | Challenged() | Revealed() | Answered() | Closed() | Collected() as event
            ):
                self.disputes.apply(event)
            case event:
                self._apply_to_seat(event)

    def _slash(self, seat: Seat, divisor: int) -> None:
        """Take a part of a stake, in every round, and let the seat count in no unnamed one."""
        record = self.seats[seat]
        first, stake = record.stakes[-1]
        left = ((first, Wei(stake - stake // divisor)),)
        if record.until:
            self.seats[seat] = replace(record, stakes=left)
            return
        until = RoundId(self.round.named + 1)
        self.seats[seat] = replace(
            record, stakes=left, until=until, since=0, ran=0, is_retired=True
        )

    def _has_run(self) -> bool:
        """Return whether the last round had enough commitments, as every agreed one had."""
        assert self.parameters is not None, "the creation is a ledger's first event"
        head, last = self.head(), self.round.number
        if head.round == last:
            return last != 0
        return len(self.rows.get((head.key, last), ())) >= self.parameters.min_updates

    def _apply_to_seat(self, event: SeatEvent) -> None:
        if isinstance(event, Joined):
            stakes = ((event.counts_from, event.stake_wei),)
            self.seats[event.seat] = SeatRecord(event.owner, event.endpoint, stakes)
            self.paid_to[event.seat] = RoundId(event.counts_from - 1)
            return
        record = self.seats[event.seat]
        match event:
            case ToppedUp(_, stake, counts_from):
                earlier = tuple(s for s in record.stakes if s[0] != counts_from)
                record = replace(record, stakes=(*earlier, (counts_from, stake)))
            case Left(_, until):
                record = replace(record, until=until, since=0, ran=0)
            case Unbonding(_, free_at):
                record = replace(record, free_at=free_at, is_retired=False)
            case Watched(_, since, ran):
                record = replace(record, since=since, ran=ran)
            case Retired(_, until):
                record = replace(record, until=until, since=0, ran=0, is_retired=True)
            case Activated(_, stake, counts_from):
                # Like a new seat of the same owner: it counts in no earlier round.
                record = SeatRecord(record.owner, record.endpoint, ((counts_from, stake),))
            case EndpointSet(_, endpoint):
                record = replace(record, endpoint=endpoint)
            case Withdrawn():
                # Its past votes stay in the history; the index is free for another owner.
                del self.seats[event.seat]
                return
        self.seats[event.seat] = record
