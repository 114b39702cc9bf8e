# pragma version 0.4.3
"""
@title Seats: who takes part, with how much stake, from which round on
@license Apache-2.0
@notice A change counts from the first round that no commitment has named yet, so the roll of a round is
        fixed before its first commitment and cannot be moved by it.
@dev    Two words a seat and one for all, low bits first:

            0       160           255       256
            | owner | stake (wei) | varies  |                                       `_deeds`
            0                96             128         160       200       256
            | earlier (wei)  | changed_from | until     | free_at | activity |     `_terms`
            0            96       104          200       208
            | power      | active | next power | next active | free |              `_roll`

        Where `varies` is 0 the stake counts in every round that votes still count in, and the terms need
        not be read. Else `stake` counts from round `changed_from`, `earlier` before it, nothing from `until` on
        (0: no end).
        The 56 bits of `activity` are for the retirement of silent seats. In `_roll` the first pair is the
        roll as it stands now, the second the one of the highest round named so far.
"""

from modules import parameters
from modules import phase

uses: phase

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

struct Seat:
    owner: address
    stake: uint256
    earlier: uint256
    changed_from: uint256
    until: uint256
    free_at: uint256

# Seats are bits of one word half; 128 also bounds the calldata of what names them all.
SEATS: constant(uint256) = 128
# A URL; longer ones are a mistake.
ENDPOINT_BYTES: constant(uint256) = 256
# Stakes are 95 bits wide, and so is their sum: 39 billion ether.
WEI_LIMIT: constant(uint256) = 2**95
VARIES: constant(uint256) = 1 << 255

EQUAL_STAKES: immutable(bool)
MIN_STAKE_WEI: immutable(uint256)
MAX_SEATS: immutable(uint256)
UNBONDING_SECONDS: immutable(uint256)

_taken: uint256
_roll: uint256
_deeds: uint256[SEATS]
_terms: uint256[SEATS]


@deploy
def __init__(p: parameters.Parameters):
    assert p.min_stake_wei != 0, "seats: min_stake_wei is 0"
    assert p.min_stake_wei < WEI_LIMIT // SEATS, "seats: min_stake_wei of 2**88 or more"
    assert p.max_seats <= SEATS, "seats: more than 128 seats"
    assert p.min_updates <= p.max_seats, "seats: fewer seats than min_updates"
    assert p.challenge_seconds != 0, "seats: challenge_seconds is 0"
    assert p.answer_seconds != 0, "seats: answer_seconds is 0"
    assert max(p.challenge_seconds, p.answer_seconds) < 2**32, "seats: a window of 2**32 seconds or more"
    EQUAL_STAKES = p.weighting == 1
    MIN_STAKE_WEI = p.min_stake_wei
    MAX_SEATS = p.max_seats
    # As long as what the seat attested can be disputed: the window, and one challenge at its end.
    UNBONDING_SECONDS = p.challenge_seconds + 2 * p.answer_seconds


@external
@payable
def join(endpoint: String[ENDPOINT_BYTES]) -> uint256:
    """
    @notice Takes the lowest free seat with the ether sent as its stake.
    @param endpoint Where other peers fetch this seat's blobs.
    @return The seat's index.
    """
    self._check_stake(msg.value)
    taken: uint256 = self._taken
    seat: uint256 = self._lowest_free(taken)
    counts_from: uint256 = self._first_unnamed_round()

    self._taken = taken | (1 << seat)
    self._store(seat, Seat(owner=msg.sender, stake=msg.value, earlier=0, changed_from=counts_from, until=0, free_at=0))
    self._enrol(msg.value, 1)
    log Joined(seat=seat, owner=msg.sender, stake_wei=msg.value, counts_from=counts_from, endpoint=endpoint)
    return seat


@external
@payable
def top_up(seat: uint256):
    """
    @notice Adds the ether sent to the seat's stake, from the first unnamed round on.
    """
    s: Seat = self._load_own(seat)
    assert msg.value != 0, "seats: nothing sent"
    assert s.until == 0, "seats: leaving"
    self._check_stake(s.stake + msg.value)
    counts_from: uint256 = self._first_unnamed_round()
    if s.changed_from < counts_from:
        # Two stakes are remembered, not three: the last change must count wherever votes still do.
        assert s.changed_from <= phase._load().agreed, "seats: the last change does not count yet"
        s.earlier = s.stake
        s.changed_from = counts_from

    s.stake += msg.value
    self._store(seat, s)
    self._enrol(msg.value, 0)
    log ToppedUp(seat=seat, stake_wei=s.stake, counts_from=counts_from)


@external
def set_endpoint(seat: uint256, endpoint: String[ENDPOINT_BYTES]):
    """
    @notice Tells other peers where the seat's blobs are served from now on.
    """
    self._check_owner(seat, msg.sender)
    log EndpointSet(seat=seat, endpoint=endpoint)


@external
def leave(seat: uint256):
    """
    @notice Ends the seat with the first unnamed round; its stake stays where it is until `withdraw`.
    """
    s: Seat = self._load_own(seat)
    assert s.until == 0, "seats: leaving"
    s.until = self._first_unnamed_round()

    self._store(seat, s)
    self._discharge(s.stake)
    log Left(seat=seat, counts_until=s.until)


@external
def withdraw(seat: uint256):
    """
    @notice First call, once no round that counts the seat is open or can open: starts the unbonding.
            Second call, after it: pays the stake back and frees the index.
    """
    s: Seat = self._load_own(seat)
    assert s.until != 0, "seats: leave first"
    if s.free_at == 0:
        never_counted: bool = s.earlier == 0 and s.until == s.changed_from
        assert never_counted or self._are_over_before(s.until), "seats: a round may still count the seat"
        s.free_at = block.timestamp + UNBONDING_SECONDS
        self._store(seat, s)
        log Unbonding(seat=seat, free_at=s.free_at)
        return

    assert block.timestamp >= s.free_at, "seats: still unbonding"
    self._taken &= ~(1 << seat)
    self._store(seat, empty(Seat))
    log Withdrawn(seat=seat, owner=msg.sender, amount_wei=s.stake)
    raw_call(msg.sender, b"", value=s.stake)


@external
@view
def seat(index: uint256) -> Seat:
    """
    @notice The seat as it is stored; all zero: free.
    """
    return self._load(index)


@internal
@view
def _check_owner(seat: uint256, owner: address):
    assert seat < SEATS, "seats: no such seat"
    assert convert(self._deeds[seat] & (2**160 - 1), address) == owner, "seats: not the owner"


@internal
@view
def _check_stake(stake: uint256):
    assert stake >= MIN_STAKE_WEI, "seats: stake below the minimum"
    if EQUAL_STAKES:
        # Otherwise many small seats would buy the rule.
        assert stake == MIN_STAKE_WEI, "seats: equal weights need the minimum stake exactly"


@internal
@view
def _stake_in(seat: uint256, round: uint256) -> uint256:
    """
    @notice The stake with which the seat counts in `round`, in wei; 0: it does not.
    """
    deed: uint256 = self._deeds[seat]
    stake: uint256 = (deed >> 160) & (2**95 - 1)
    if deed & VARIES == 0:
        return stake
    terms: uint256 = self._terms[seat]
    until: uint256 = (terms >> 128) & (2**32 - 1)
    if until != 0 and round >= until:
        return 0
    if round < (terms >> 96) & (2**32 - 1):
        return terms & (2**96 - 1)
    return stake


@internal
def _note_round(seat: uint256, round: uint256):
    """
    @notice Round `round` is the oldest still voted on: if the seat's last change counts in it, the change
            is the rule from now on, and a cold read is saved.
    """
    deed: uint256 = self._deeds[seat]
    if deed & VARIES != 0:
        terms: uint256 = self._terms[seat]
        if (terms >> 96) & (2**64 - 1) <= round:
            # No end (its 32 bits are the upper half of what was compared), and changed by then.
            self._deeds[seat] = deed ^ VARIES


@internal
@view
def _are_over_before(first: uint256) -> bool:
    """
    @notice Whether every round before `first` is decided, so that none of them can move the head any more.
    """
    r: phase.Round = phase._load()
    return r.number >= first or (r.number + 1 == first and phase._is_over(r))


@internal
@view
def _first_unnamed_round() -> uint256:
    return phase._load().named + 1


@internal
@view
def _lowest_free(taken: uint256) -> uint256:
    for seat: uint256 in range(SEATS):
        if seat == MAX_SEATS:
            break
        if (taken >> seat) & 1 == 0:
            return seat
    raise "seats: every seat is taken"


@internal
@view
def _load_own(seat: uint256) -> Seat:
    self._check_owner(seat, msg.sender)
    return self._load(seat)


@internal
@view
def _load(seat: uint256) -> Seat:
    deed: uint256 = self._deeds[seat]
    terms: uint256 = self._terms[seat]
    return Seat(
        owner=convert(deed & (2**160 - 1), address),
        stake=(deed >> 160) & (2**95 - 1),
        earlier=terms & (2**96 - 1),
        changed_from=(terms >> 96) & (2**32 - 1),
        until=(terms >> 128) & (2**32 - 1),
        free_at=(terms >> 160) & (2**40 - 1),
    )


@internal
def _store(seat: uint256, s: Seat):
    varies: uint256 = 0 if s.owner == empty(address) else VARIES
    self._deeds[seat] = convert(s.owner, uint256) | (s.stake << 160) | varies
    self._terms[seat] = s.earlier | (s.changed_from << 96) | (s.until << 128) | (s.free_at << 160)


@internal
def _enrol(stake: uint256, count: uint256):
    roll: uint256 = self._roll
    assert (roll & (2**96 - 1)) + stake < WEI_LIMIT, "seats: total stake of 2**95 wei or more"
    self._roll = roll + stake + (count << 96)


@internal
def _discharge(stake: uint256):
    self._roll -= stake + (1 << 96)


@internal
@view
def _active() -> uint256:
    return (self._roll >> 96) & (2**8 - 1)


@internal
def _fix_roll():
    """
    @notice Called with the first commitment that names a round: what stands now is that round's roll.
    """
    now: uint256 = self._roll & (2**104 - 1)
    self._roll = now | (now << 104)


@internal
@view
def _fixed_roll() -> (uint256, uint256):
    """
    @return Power (wei) and number of seats of the highest round named so far.
    """
    roll: uint256 = self._roll >> 104
    return roll & (2**96 - 1), roll >> 96
