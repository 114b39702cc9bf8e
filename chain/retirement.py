"""Who can be retired, by the ledger, and the calls that do it.

The contract decides; this spares a transaction that it would refuse, and puts together the results
that prove a withholder.
"""

from dataclasses import astuple

from chain.federation import Call, Federation
from chain.keys import build_record
from chain.ledger import RAN_LIMIT, Ledger
from chain.states import Record
from chain.types import Agreed, RoundId, Seat

MAX_RECORDS = 64
"""The contract reads no longer list: 12 kB of calldata."""


def can_watch(ledger: Ledger, seat: Seat) -> bool:
    """Return whether a first call of `retire` would begin a watch of the seat."""
    record = ledger.seats.get(seat)
    if record is None or record.until or record.since:
        return False
    return record.stake_in(ledger.round.number) > 0


def can_retire(ledger: Ledger, seat: Seat, now: int) -> bool:
    """Return whether a second call of `retire`, in a block of unix second `now`, would retire the
    seat."""
    record, parameters = ledger.seats.get(seat), ledger.parameters
    assert parameters is not None, "the creation is a ledger's first event"
    if record is None or not record.since:
        return False
    missed = (ledger.round.ran - record.ran) % RAN_LIMIT
    return now >= record.since + parameters.retire_seconds and missed >= parameters.max_missed


def is_silent(ledger: Ledger, seat: Seat) -> bool:
    """Return whether a seat approved nothing in the last `max_missed` rounds that ran, though it
    counted in each: time to begin a watch."""
    parameters = ledger.parameters
    assert parameters is not None, "the creation is a ledger's first event"
    missed = 0
    for number in range(ledger.round.number - 1, 0, -1):
        opening = ledger.openings.get(RoundId(number))
        if opening is None:
            # A number that was passed over when a result became void.
            continue
        if len(ledger.rows.get((opening.parent, opening.round), ())) < parameters.min_updates:
            continue
        keys = ledger.proposed_in.get(opening.round, ())
        if not ledger.stake_in(seat, opening.round) or any(seat in ledger.votes[k] for k in keys):
            return False
        missed += 1
        if missed == parameters.max_missed:
            return True
    return False


def find_to_retire(ledger: Ledger, now: int) -> Seat | None:
    """Return the lowest seat that a call could bring nearer to retirement, in a block of unix
    second `now`; None: all do their part, as far as the chain shows."""
    for seat in sorted(ledger.seats):
        if find_withheld(ledger, seat) or can_retire(ledger, seat, now):
            return seat
        if can_watch(ledger, seat) and is_silent(ledger, seat):
            return seat
    return None


def call_to_retire(federation: Federation, ledger: Ledger, seat: Seat) -> Call:
    """Return the call for a seat that `find_to_retire` named."""
    records = find_withheld(ledger, seat)
    if records:
        return call_retire_withholder(federation, seat, records)
    return federation.call("retire", seat)


def find_withheld(ledger: Ledger, seat: Seat) -> tuple[Record, ...]:
    """Return the shortest list of results, newest first, by which a seat that committed to
    `max_missed` of them and was left out of each is retired; empty: it cannot be, for that."""
    parameters, record = ledger.parameters, ledger.seats.get(seat)
    assert parameters is not None, "the creation is a ledger's first event"
    if record is None or record.until:
        return ()
    records: list[Record] = []
    left_out = 0
    for logged in ledger.agreed[: -MAX_RECORDS - 1 : -1]:
        assert isinstance(logged.event, Agreed)
        proposed = ledger.result(logged.event.key)
        if proposed.round < record.begun:
            return ()
        records.append(build_record(proposed))
        if any(c.seat == seat for c in ledger.commitments(proposed.parent, proposed.round)):
            if seat in proposed.seats:
                return ()
            left_out += 1
            if left_out == parameters.max_missed:
                return tuple(records)
    return ()


def call_retire_withholder(federation: Federation, seat: Seat, records: tuple[Record, ...]) -> Call:
    """Return the call that retires a seat by results that left it out."""
    return federation.call("retire_withholder", seat, [astuple(record) for record in records])
