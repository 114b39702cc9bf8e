# pragma version 0.4.3
"""
@title Membership: taking a seat, adding to it, leaving it, and the stake back
@license Apache-2.0
@notice Every change counts from the first unnamed round on. The stake of a seat that has ended stays until
        no round can count it any more and what it attested can no longer be disputed.
@dev    No storage of its own, see `seats`.
"""

from modules import admission
from modules import check
from modules import parameters
from modules import phase
from modules import results
from modules import rewards
from modules import seats

uses: admission
uses: phase
uses: results
uses: rewards
uses: seats

event Joined:
    seat: indexed(uint256)
    owner: address
    stake_wei: uint256
    counts_from: uint256
    endpoint: String[256]

event ToppedUp:
    seat: indexed(uint256)
    stake_wei: uint256
    counts_from: uint256

event Left:
    seat: indexed(uint256)
    counts_until: uint256

event Unbonding:
    seat: indexed(uint256)
    free_at: uint256

event Withdrawn:
    seat: indexed(uint256)
    owner: address
    amount_wei: uint256

event EndpointSet:
    seat: indexed(uint256)
    endpoint: String[256]

# A URL; longer ones are a mistake.
ENDPOINT_BYTES: constant(uint256) = 256

MAX_SEATS: immutable(uint256)
UNBONDING_SECONDS: immutable(uint256)


@deploy
def __init__(p: parameters.Parameters):
    assert p.max_seats <= seats.SEATS, "seats: more than 128 seats"
    assert p.min_updates <= p.max_seats, "seats: fewer seats than min_updates"
    MAX_SEATS = p.max_seats
    # As long as what the seat attested can be disputed: the window, and one challenge at its end.
    UNBONDING_SECONDS = p.challenge_seconds + 2 * p.answer_seconds


@external
@payable
def join(endpoint: String[ENDPOINT_BYTES], proof: DynArray[bytes32, admission.PROOF_NODES]) -> uint256:
    """
    @notice Takes the lowest free seat with the ether sent as its stake.
    @param endpoint Where other peers fetch this seat's blobs.
    @param proof That the caller is on the admission list, see `admission`; empty where there is none.
    @return The seat's index.
    """
    admission._check(msg.sender, proof)
    seats._check_stake(msg.value)
    seat: uint256 = self._lowest_free(seats._taken)
    counts_from: uint256 = seats._first_unnamed_round()

    seats._take(seat, msg.sender, msg.value, counts_from)
    seats._enrol(msg.value, 1)
    rewards._start(seat, counts_from)
    log Joined(seat=seat, owner=msg.sender, stake_wei=msg.value, counts_from=counts_from, endpoint=endpoint)
    return seat


@external
@payable
def top_up(seat: uint256):
    """
    @notice Adds the ether sent to the seat's stake, from the first unnamed round on.
    @param seat The index of a seat of the caller; a watch of it goes on.
    """
    s: seats.Seat = seats._load_own(seat)
    check._that(msg.value != 0, "seats: nothing sent")
    seats._check_serving(s)
    seats._check_stake(s.stake + msg.value)
    counts_from: uint256 = seats._first_unnamed_round()
    if s.changed_from < counts_from:
        # Two stakes are remembered, not three: the last change must count wherever votes still do.
        check._that(s.changed_from <= phase._load().voted_from, "seats: the last change does not count yet")
        s.earlier = s.stake
        s.changed_from = counts_from

    s.stake += msg.value
    seats._store(seat, s)
    seats._enrol(msg.value, 0)
    log ToppedUp(seat=seat, stake_wei=s.stake, counts_from=counts_from)


@external
def set_endpoint(seat: uint256, endpoint: String[ENDPOINT_BYTES]):
    """
    @notice Tells other peers where the seat's blobs are served from now on.
    @param seat The index of a seat of the caller.
    @param endpoint Where other peers fetch this seat's blobs.
    """
    seats._check_owner(seat, msg.sender)
    log EndpointSet(seat=seat, endpoint=endpoint)


@external
def leave(seat: uint256):
    """
    @notice Ends the seat with the first unnamed round; its stake stays where it is until `withdraw`.
    @param seat The index of a seat of the caller; a watch of it ends too.
    """
    s: seats.Seat = seats._load_own(seat)
    seats._check_serving(s)
    s.until = seats._first_unnamed_round()
    s.since = 0
    s.ran = 0

    seats._store(seat, s)
    seats._discharge(s.stake)
    log Left(seat=seat, counts_until=s.until)


@external
def withdraw(seat: uint256):
    """
    @notice First call, once no round that counts the seat is open or can open: starts the unbonding; of a
            retired seat it is the leaving, too. Second call, after it and once all that the seat can have
            approved is settled: pays the stake back and frees the index.
    @param seat The index of a seat of the caller; of a seat that was slashed to nothing, anybody may call.
    """
    s: seats.Seat = seats._load_taken(seat)
    # Else whoever has nothing left to fetch would keep the place for ever.
    check._that(s.owner == msg.sender or s.stake == 0, "seats: not the owner")
    check._that(s.until != 0, "seats: leave first")
    if s.free_at == 0:
        never_counted: bool = s.earlier == 0 and s.until == s.changed_from
        if not never_counted:
            seats._check_over_before(s.until)
        s.free_at = block.timestamp + UNBONDING_SECONDS
        s.since = 0
        s.ran = 0
        seats._store(seat, s)
        log Unbonding(seat=seat, free_at=s.free_at)
        return

    check._that(block.timestamp >= s.free_at and results._is_settled_before(s.until), "seats: still unbonding")
    seats._free(seat)
    log Withdrawn(seat=seat, owner=s.owner, amount_wei=s.stake)
    if s.stake != 0:
        raw_call(s.owner, b"", value=s.stake)


@external
@view
def seat(index: uint256) -> seats.Seat:
    """
    @notice The seat as it is stored; all zero: free.
    @param index 0 to 127.
    @return Owner, stakes, the rounds from and until which they count, and what is noted of unbonding and silence.
    """
    return seats._load(index)


@internal
@view
def _lowest_free(taken: uint256) -> uint256:
    for seat: uint256 in range(seats.SEATS):
        if seat == MAX_SEATS:
            break
        if (taken >> seat) & 1 == 0:
            return seat
    check._that(False, "seats: every seat is taken")
    return seats.SEATS
