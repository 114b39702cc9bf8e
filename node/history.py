"""Whether an event can stand where it does: what an audit asks before it believes a history.

The contract cannot emit these out of turn, so whatever fails here was left out, moved or changed on
the way from the chain.
"""

from collections.abc import Iterable

from chain.disputes import Leaves
from chain.ledger import Ledger
from chain.types import (
    Activated,
    Agreed,
    Answered,
    Attested,
    Closed,
    Closing,
    Committed,
    Created,
    EndpointSet,
    Event,
    Joined,
    Key,
    Left,
    Logged,
    Opened,
    Proposed,
    Refuted,
    Retired,
    Slashed,
    ToppedUp,
    Unbonding,
    Voided,
    Watched,
    Withdrawn,
    seats_of,
)


def find_void(history: Iterable[Logged]) -> frozenset[Key]:
    """Return the results that were agreed and are void at the end of a history."""
    standing: list[Key] = []
    void: set[Key] = set()
    for logged in history:
        match logged.event:
            case Agreed(key=key):
                standing.append(key)
            case Voided(height=height):
                void.update(standing[height - 1 :])
                del standing[height - 1 :]
            case _:
                pass
    return frozenset(void)


def find_misplacement(ledger: Ledger, event: Event) -> str | None:
    """Return why `event` cannot be the next one after those in the ledger; None: it can."""
    if isinstance(event, Created):
        return None if ledger.parameters is None else "a second creation"
    if ledger.parameters is None:
        return "the history does not begin with the creation"
    match event:
        case Joined(seat):
            return f"seat {seat} is taken twice" if seat in ledger.seats else None
        case ToppedUp(seat) | Left(seat) | Unbonding(seat) | Withdrawn(seat) | EndpointSet(seat):
            return None if seat in ledger.seats else f"seat {seat} never joined"
        case Watched(seat) | Retired(seat) | Activated(seat):
            return _find_in_retirement(ledger, event)
        case Voided() | Slashed() | Refuted() | Answered() | Closed():
            return _find_in_disputes(ledger, event)
        case _:
            return _find_in_round(ledger, event)


def _find_in_retirement(ledger: Ledger, event: Watched | Retired | Activated) -> str | None:
    record = ledger.seats.get(event.seat)
    if record is None:
        return f"seat {event.seat} never joined"
    match event:
        case Watched() if record.until or record.since:
            return f"seat {event.seat} is watched, though it has an end or was watched already"
        case Retired() if record.until:
            return f"seat {event.seat} is retired, though it has an end already"
        case Activated() if not record.is_retired:
            return f"seat {event.seat} is activated, though it was not retired"
    return None


def _find_in_disputes(
    ledger: Ledger, event: Voided | Slashed | Refuted | Answered | Closed
) -> str | None:
    disputes = ledger.disputes
    match event:
        case Voided(number, height):
            standing = [getattr(logged.event, "round", None) for logged in ledger.agreed]
            if not 0 < height <= len(standing) or standing[height - 1] != number:
                return f"round {number} is void, though it does not stand at height {height}"
        case Slashed(number, voters):
            if any(seat not in ledger.seats for seat in seats_of(voters)):
                return f"a seat is slashed for round {number} that never joined"
        case Refuted(number):
            if number not in disputes.pots_wei:
                return f"round {number} is refuted, and nobody was slashed"
        case Answered(number, which, first, count):
            if Leaves(number, which, first, count) not in disputes.waiting:
                return f"an answer about round {number} that nobody waits for"
        case Closed(number, which, first, count):
            leaves = Leaves(number, which, first, count)
            is_lost = leaves in disputes.lost and number in disputes.pots_wei
            if not is_lost and leaves not in disputes.waiting:
                return f"a challenge of round {number} is closed that is not open"
    return None


def _find_in_round(ledger: Ledger, event: Event) -> str | None:
    head, current = ledger.head().key, ledger.round.number
    match event:
        case Opened(number, parent) if number != current + 1 or parent != head:
            return f"round {number} opens neither after round {current} nor on the head"
        case Closing(number) if number != current:
            return f"round {number} closes while round {current} is the last"
        case Committed(number, seat, parent):
            if seat not in ledger.seats:
                return f"seat {seat} never joined"
            if number not in (current, current + 1):
                return f"a commitment to round {number} while round {current} is the last"
            if parent != head and parent not in ledger.results:
                return "a commitment to a result that nobody proposed"
        case Proposed(number, key, _, parent):
            if number != current or parent != head:
                return f"a proposal in round {number} neither in the last round nor on the head"
            if key in ledger.results:
                return "a result is proposed twice"
        case Attested(key, seat):
            if key not in ledger.results:
                return "a vote for a result that nobody proposed"
            if seat not in ledger.seats:
                return f"seat {seat} never joined"
            if seat in ledger.votes[key]:
                return f"seat {seat} approves a result twice"
        case Agreed(number, key) if key not in ledger.results or number != current:
            return f"the agreed result of round {number} was never proposed in it"
    return None
