# pragma version 0.4.3
"""
@title Retirement: seats that do not do their part stop counting, and may come back
@license Apache-2.0
@notice Absent stake must not hold up the others for ever. A silent seat is watched first and retired only
        after time and rounds without a vote of its own; a seat whose updates nobody gets is retired by the
        results that left it out. Nobody loses stake by it. A halted chain retires nobody: no rounds run.
@dev    No storage of its own: a watch, or a retirement, is in the terms of the seat (see `seats`).
"""

from modules import check
from modules import parameters
from modules import phase
from modules import results
from modules import seats

uses: phase
uses: results
uses: seats

event Watched:
    seat: indexed(uint256)
    since: uint256
    ran: uint256

event Retired:
    seat: indexed(uint256)
    counts_until: uint256

event Activated:
    seat: indexed(uint256)
    stake_wei: uint256
    counts_from: uint256

# 12 kB of calldata; a `max_missed` above it leaves retirement to silence alone.
MAX_RECORDS: constant(uint256) = 64

RETIRE_SECONDS: immutable(uint256)
MAX_MISSED: immutable(uint256)


@deploy
def __init__(p: parameters.Parameters):
    assert p.retire_seconds != 0, "seats: retire_seconds is 0"
    assert p.retire_seconds < 2**32, "seats: a window of 2**32 seconds or more"
    assert p.max_missed != 0, "seats: max_missed is 0"
    # The round in which a watch begins is among those missed, though the seat may just have voted in it.
    assert p.max_missed != 1, "seats: max_missed is 1"
    # Half of what the counter of rounds can tell apart.
    assert p.max_missed < 2**15, "seats: max_missed of 2**15 or more"
    RETIRE_SECONDS = p.retire_seconds
    MAX_MISSED = p.max_missed


@external
def retire(seat: uint256):
    """
    @notice First call: the seat is watched until it votes. Second call, once it was silent for `retire_seconds`
            and `max_missed` rounds since: it counts in no round from the first unnamed one on.
    @param seat The seat's index; the caller may be anybody.
    """
    s: seats.Seat = seats._load_taken(seat)
    seats._check_serving(s)
    r: phase.Round = phase._load()
    if s.since == 0:
        check._that(seats._stake_in(seat, r.number) != 0, "seats: not counted yet")
        s.since = block.timestamp
        s.ran = r.ran
        seats._store(seat, s)
        log Watched(seat=seat, since=s.since, ran=s.ran)
        return

    check._that(block.timestamp >= s.since + RETIRE_SECONDS, "seats: silent for too short a time")
    check._that((r.ran + 2**16 - s.ran) % 2**16 >= MAX_MISSED, "seats: too few rounds missed")
    self._retire(seat, s)


@external
def retire_withholder(seat: uint256, records: DynArray[results.Record, MAX_RECORDS]):
    """
    @notice Retires a seat that commits to updates which nobody can fetch: the last `max_missed` agreed results
            to which it had committed left it out.
    @param seat The seat's index; the caller may be anybody.
    @param records The agreed results without a gap, newest first, from the head on.
    """
    s: seats.Seat = seats._load_taken(seat)
    seats._check_serving(s)
    key: bytes32 = results._head
    is_first: bool = True
    left_out: uint256 = 0
    for record: results.Record in records:
        if is_first:
            check._that(keccak256(abi_encode(record)) == key, "seats: not the head's record")
            is_first = False
        else:
            check._that(keccak256(abi_encode(record)) == key, "seats: not the parent's record")
        # What an earlier owner did, or the seat itself before it was activated, is forgiven.
        check._that(record.round >= s.begun, "seats: older than the seat")
        if (results._committed(record.parent, record.round) >> seat) & 1 != 0:
            check._that((record.included >> seat) & 1 == 0, "seats: the seat was included")
            left_out += 1
        key = record.parent

    check._that(left_out >= MAX_MISSED, "seats: too few results left the seat out")
    self._retire(seat, s)


@external
@payable
def activate(seat: uint256):
    """
    @notice Lets a retired seat count again from the first unnamed round on, with its stake and the ether sent.
    @param seat The index of a seat of the caller, no round that counted it being undecided.
    """
    s: seats.Seat = seats._load_own(seat)
    check._that(s.until != 0 and s.since != 0, "seats: not retired")
    seats._check_over_before(s.until)
    # Who was slashed has to make up for it.
    s.stake += msg.value
    seats._check_stake(s.stake)
    s.earlier = 0
    s.changed_from = seats._first_unnamed_round()
    s.begun = s.changed_from
    s.until = 0
    s.since = 0
    s.ran = 0

    seats._store(seat, s)
    seats._enrol(s.stake, 1)
    log Activated(seat=seat, stake_wei=s.stake, counts_from=s.changed_from)


@internal
def _retire(seat: uint256, terms: seats.Seat):
    s: seats.Seat = terms
    s.until = seats._first_unnamed_round()
    if s.since == 0:
        # What tells a retired seat from one that left; by its results it is retired unwatched.
        s.since = block.timestamp
    seats._store(seat, s)
    seats._discharge(s.stake)
    log Retired(seat=seat, counts_until=s.until)
