"""Disputes as one account sees them: from the ledger to what is decided from, a `Docket`.

Whoever sees that something is to be done waits for its turn, and finds it done by then as a rule,
so that not all spend gas on it. To refute, to challenge and to close, a watchtower comes first: it
is there for nothing else, and the sooner a lie is gone the less is built on it. Then come the seats
in the order of their turns, a sixth of ATTEST for all of them. To answer, those come first who
approved the result, since it is their stake, and the deposit is theirs; a watchtower comes last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chain.disputes import Leaves
from chain.keys import compute_turn
from chain.ledger import Ledger
from chain.types import Agreed, Block, Challenged, Key, Logged, RoundId, Seat, Wei

MAX_ASKED = 8
"""Challenges on one result by one account: each can cost it the deposit."""


@dataclass(frozen=True)
class Doubt:
    """An agreed result that can still be disputed and was not found right here. Times are unix
    seconds; `ends_at` None: not before more blocks have come. A result that is void is there only
    while somebody can lose stake for it."""

    key: Key
    round: RoundId
    is_canonical: bool
    is_asked: bool
    may_ask: bool
    refute_at: int
    challenge_at: int
    ends_at: int | None

    def is_open(self, now: int) -> bool:
        """Whether it can be disputed still."""
        return self.ends_at is None or now < self.ends_at


@dataclass(frozen=True)
class Charge:
    """A challenge that waits for an answer, or to be closed; `is_own`: this account's. Times are
    unix seconds. `give_up_at` is a whole window late: whether it is too late is for the chain to
    say, whose time is another one than that of a clock which is ahead."""

    key: Key
    leaves: Leaves
    is_canonical: bool
    is_own: bool
    answer_at: int
    give_up_at: int
    close_at: int


@dataclass(frozen=True)
class Docket:
    """All that is open. `returns`: challenges of this account, answered, whose deposit can be had
    back since the result was refuted all the same."""

    doubts: tuple[Doubt, ...] = ()
    charges: tuple[Charge, ...] = ()
    returns: tuple[tuple[Key, Leaves], ...] = ()
    owed_wei: Wei = Wei(0)

    @property
    def is_pressing(self) -> bool:
        """Whether anything is open on results that stand, or to be had from those that do not."""
        is_doubted = any(doubt.is_canonical for doubt in self.doubts)
        is_asked = any(charge.is_canonical or charge.is_own for charge in self.charges)
        return is_doubted or is_asked or bool(self.owed_wei)


@dataclass(frozen=True)
class Party:
    """Who looks: an account, and the seat that it has, if any."""

    account: str
    seat: Seat | None


def build_docket(
    ledger: Ledger, block: Block, party: Party, suspects: Iterable[Logged], now: int
) -> Docket:
    """Return what is open as of a block; `suspects` are the agreements whose results were not found
    right, canonical or void."""
    doubts = (_describe_doubt(ledger, block, party, logged) for logged in suspects)
    disputes, account = ledger.disputes, party.account.lower()
    return Docket(
        doubts=tuple(doubt for doubt in doubts if doubt is not None and doubt.is_open(now)),
        charges=tuple(
            _describe_charge(ledger, party, leaves, asked)
            for leaves, asked in disputes.waiting.items()
        ),
        returns=tuple(
            (asked.key, leaves)
            for leaves, asked in disputes.lost.items()
            if asked.challenger.lower() == account and disputes.pots_wei.get(leaves.round)
        ),
        owed_wei=disputes.owed(account),
    )


def find_end(ledger: Ledger, block: Block, logged: Logged, *, is_canonical: bool) -> int | None:
    """Return when the window of an agreed result ends (unix seconds); None: not before more blocks
    have come."""
    parameters = ledger.parameters
    assert parameters is not None, "the creation is a ledger's first event"
    assert isinstance(logged.event, Agreed), "nothing else is agreed"
    # The next block is the first in which anything can be done.
    if is_canonical and block.number + 1 < logged.at.block + parameters.challenge_blocks:
        return None
    ends_at = logged.timestamp + parameters.challenge_seconds
    if any(leaves.round == logged.event.round for leaves in ledger.disputes.asked):
        ends_at += 2 * parameters.answer_seconds
    return ends_at


def is_canonical(ledger: Ledger, event: Agreed) -> bool:
    """Return whether an agreed result stands."""
    if event.height > len(ledger.agreed):
        return False
    return ledger.agreed[event.height - 1].event == event


def _describe_doubt(ledger: Ledger, block: Block, party: Party, logged: Logged) -> Doubt | None:
    event, parameters = logged.event, ledger.parameters
    assert isinstance(event, Agreed), "nothing else is agreed"
    assert parameters is not None, "the creation is a ledger's first event"
    stands = is_canonical(ledger, event)
    if event.round in ledger.disputes.refuted or not (stands or _can_lose(ledger, event.key)):
        return None
    order = _order_seats(ledger, event.round)
    delay = _delay(_place(order, party.seat, watchtower=0), order, parameters.attest_seconds)
    patience = min(parameters.attest_seconds, parameters.challenge_seconds // 4)
    asked = [each for leaves, each in ledger.disputes.asked.items() if leaves.round == event.round]
    own = sum(each.challenger.lower() == party.account.lower() for each in asked)
    return Doubt(
        key=event.key,
        round=event.round,
        is_canonical=stands,
        is_asked=any(leaves.round == event.round for leaves in ledger.disputes.waiting),
        may_ask=own < MAX_ASKED,
        refute_at=logged.timestamp + delay,
        challenge_at=logged.timestamp + patience + delay,
        ends_at=find_end(ledger, block, logged, is_canonical=stands),
    )


def _describe_charge(ledger: Ledger, party: Party, leaves: Leaves, asked: Challenged) -> Charge:
    parameters = ledger.parameters
    assert parameters is not None, "the creation is a ledger's first event"
    order, voters = _order_seats(ledger, leaves.round), ledger.votes[asked.key]
    by_duty = sorted(order, key=lambda seat: seat not in voters)
    first = _place(by_duty, party.seat, watchtower=len(order))
    is_own = asked.challenger.lower() == party.account.lower()
    last = 0 if is_own else 1 + _place(order, party.seat, watchtower=0)
    event = next(
        logged.event
        for logged in (*reversed(ledger.agreed), *ledger.voided)
        if isinstance(logged.event, Agreed) and logged.event.round == leaves.round
    )
    asked_at = asked.answer_until - parameters.answer_seconds
    return Charge(
        key=asked.key,
        leaves=leaves,
        is_canonical=is_canonical(ledger, event),
        is_own=is_own,
        answer_at=asked_at + _delay(first, order, parameters.answer_seconds),
        give_up_at=asked.answer_until + parameters.answer_seconds,
        close_at=asked.answer_until + _delay(last, order, parameters.attest_seconds),
    )


def _can_lose(ledger: Ledger, key: Key) -> bool:
    """Return whether any who approved a result has stake left."""
    records = (ledger.seats.get(seat) for seat in ledger.votes[key])
    return any(record is not None and record.stakes[-1][1] for record in records)


def _order_seats(ledger: Ledger, round_id: RoundId) -> list[Seat]:
    """Return the seats that count now in the order of their turns."""
    active = ledger.active(ledger.round.number)
    return sorted(active, key=lambda seat: compute_turn(round_id, seat))


def _place(order: Sequence[Seat], seat: Seat | None, *, watchtower: int) -> int:
    """Return how many come before a seat, or before a watchtower. Where that comes first the seats
    begin at 1; a seat that does not count comes last."""
    if seat is None:
        return watchtower
    place = order.index(seat) if seat in order else len(order)
    return place + (watchtower == 0)


def _delay(place: int, order: Sequence[Seat], seconds: int) -> int:
    """Return how long to let those before go first: a sixth of a phase for all, in seconds."""
    return place * seconds // (6 * max(1, len(order)))
