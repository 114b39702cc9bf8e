# pragma version 0.4.3
"""
@title Seats: who holds which, with how much stake, counted from which round on
@license Apache-2.0
@notice A change counts from the first round that no commitment has named yet, so the roll of a round is
        fixed before its first commitment and cannot be moved by it. What changes a seat is in `membership`
        and `retirement`; here is how it is kept, and what follows for a round.
@dev    Two words a seat and one for all, low bits first:

            0       160           255       256
            | owner | stake (wei) | varies  |                                       `_deeds`
            0                96             128     160       200         240   256
            | earlier (wei)  | changed_from | until | free_at | since     | ran |   `_terms`
                                                    or begun
            0            96       104          200       208
            | power      | active | next power | next active | free |              `_roll`

        Where `varies` is 0 the stake counts in every round that votes still count in, and the terms need
        not be read. Else `stake` counts from round `changed_from`, `earlier` before it, nothing from `until` on
        (0: no end).
        The last 56 bits tell of silence, see `retirement`. `since` is when a watch began: of a seat with no
        end it means that it is watched, of one with an end that it was retired and has not left. `ran` is
        the count of rounds at that time. A watched seat varies, so only its votes have to look.
        A seat with no end has no `free_at` either; its bits then hold `begun`, the first round since it was
        taken or activated.
        In `_roll` the first pair is the roll as it stands now, the second the one of the highest round named
        so far.
"""

from modules import check
from modules import parameters
from modules import phase

uses: phase

struct Seat:
    owner: address
    stake: uint256  # wei
    earlier: uint256  # stake before round `changed_from`, in wei
    changed_from: uint256
    until: uint256  # first round that does not count it; 0: no end
    free_at: uint256  # unix seconds from which the stake can be withdrawn; 0: not unbonding
    since: uint256  # unix seconds when its watch began; 0: neither watched nor retired
    ran: uint256  # rounds that had run by then, modulo 2**16
    begun: uint256  # first round since it was taken or activated; 0 once it has an end

# Seats are bits of one word half; 128 also bounds the calldata of what names them all.
SEATS: constant(uint256) = 128
# Stakes are 95 bits wide, and so is their sum: 39 billion ether.
WEI_LIMIT: constant(uint256) = 2**95
VARIES: constant(uint256) = 1 << 255
# Of `_terms`, what is below `since`.
UNWATCHED: constant(uint256) = 2**200 - 1

EQUAL_STAKES: immutable(bool)
MIN_STAKE_WEI: immutable(uint256)

_taken: uint256
_roll: uint256
_deeds: uint256[SEATS]
_terms: uint256[SEATS]


@deploy
def __init__(p: parameters.Parameters):
    assert p.min_stake_wei != 0, "seats: min_stake_wei is 0"
    assert p.min_stake_wei < WEI_LIMIT // SEATS, "seats: min_stake_wei of 2**88 or more"
    EQUAL_STAKES = p.weighting == 1
    MIN_STAKE_WEI = p.min_stake_wei


@internal
@view
def _check_stake(stake: uint256):
    check._that(stake >= MIN_STAKE_WEI, "seats: stake below the minimum")
    if EQUAL_STAKES:
        # Otherwise many small seats would buy the rule.
        check._that(stake == MIN_STAKE_WEI, "seats: equal weights need the minimum stake exactly")


@internal
@view
def _check_owner(seat: uint256, owner: address):
    assert seat < SEATS, "seats: no such seat"
    assert convert(self._deeds[seat] & (2**160 - 1), address) == owner, "seats: not the owner"


@internal
@pure
def _check_serving(s: Seat):
    """
    @notice Reverts if the seat has an end, and says which.
    """
    check._that(s.until == 0 or s.since == 0, "seats: retired")
    check._that(s.until == 0, "seats: leaving")


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
def _vote_in(seat: uint256, round: uint256) -> uint256:
    """
    @notice As `_stake_in`, for a vote of the seat: it ends a watch. Not a retirement.
    """
    deed: uint256 = self._deeds[seat]
    if deed & VARIES == 0:
        return (deed >> 160) & (2**95 - 1)
    terms: uint256 = self._terms[seat]
    if terms > UNWATCHED and (terms >> 128) & (2**32 - 1) == 0:
        self._terms[seat] = terms & UNWATCHED
    return self._stake_in(seat, round)


@internal
def _note_round(seat: uint256, round: uint256):
    """
    @notice Round `round` is the oldest still voted on: if the seat's last change counts in it, the change
            is the rule from now on, and a cold read is saved.
    """
    deed: uint256 = self._deeds[seat]
    if deed & VARIES != 0:
        terms: uint256 = self._terms[seat]
        if terms <= UNWATCHED and (terms >> 96) & (2**64 - 1) <= round:
            # Not watched, no end (its 32 bits are the upper half of what was compared), changed by then.
            self._deeds[seat] = deed ^ VARIES


@internal
@view
def _check_over_before(first: uint256):
    """
    @notice Reverts unless every round before `first` is decided, so that none can move the head any more.
    """
    r: phase.Round = phase._load()
    if r.number < first:
        check._that(r.number + 1 == first and phase._is_over(r), "seats: a round may still count the seat")


@internal
@view
def _first_unnamed_round() -> uint256:
    return phase._load().named + 1


@internal
@view
def _load_own(seat: uint256) -> Seat:
    self._check_owner(seat, msg.sender)
    return self._load(seat)


@internal
@view
def _load_taken(seat: uint256) -> Seat:
    check._that(seat < SEATS and self._deeds[seat] != 0, "seats: no such seat")
    return self._load(seat)


@internal
@view
def _load(seat: uint256) -> Seat:
    deed: uint256 = self._deeds[seat]
    terms: uint256 = self._terms[seat]
    until: uint256 = (terms >> 128) & (2**32 - 1)
    either: uint256 = (terms >> 160) & (2**40 - 1)
    return Seat(
        owner=convert(deed & (2**160 - 1), address),
        stake=(deed >> 160) & (2**95 - 1),
        earlier=terms & (2**96 - 1),
        changed_from=(terms >> 96) & (2**32 - 1),
        until=until,
        free_at=0 if until == 0 else either,
        since=(terms >> 200) & (2**40 - 1),
        ran=terms >> 240,
        begun=either if until == 0 else 0,
    )


@internal
def _store(seat: uint256, s: Seat):
    self._deeds[seat] = convert(s.owner, uint256) | (s.stake << 160) | VARIES
    either: uint256 = s.begun if s.until == 0 else s.free_at
    low: uint256 = s.earlier | (s.changed_from << 96) | (s.until << 128)
    self._terms[seat] = low | (either << 160) | (s.since << 200) | (s.ran << 240)


@internal
def _take(seat: uint256, owner: address, stake: uint256, counts_from: uint256):
    self._taken |= 1 << seat
    s: Seat = empty(Seat)
    s.owner = owner
    s.stake = stake
    s.changed_from = counts_from
    s.begun = counts_from
    self._store(seat, s)


@internal
def _free(seat: uint256):
    self._taken &= ~(1 << seat)
    self._deeds[seat] = 0
    self._terms[seat] = 0


@internal
def _enrol(stake: uint256, count: uint256):
    roll: uint256 = self._roll
    check._that((roll & (2**96 - 1)) + stake < WEI_LIMIT, "seats: total stake of 2**95 wei or more")
    self._roll = roll + stake + (count << 96)


@internal
def _discharge(stake: uint256):
    self._roll -= stake + (1 << 96)


@internal
def _slash(voters: uint256, divisor: uint256) -> uint256:
    """
    @notice Takes a part of the stake of each of `voters`, at once and for every round, and retires them.
    @param voters Map of seats; none is free.
    @param divisor A stake loses one part in so many.
    @return What was taken, in wei.
    """
    first: uint256 = self._first_unnamed_round()
    taken: uint256 = 0
    rest: uint256 = voters
    for seat: uint256 in range(SEATS):
        if rest == 0:
            break
        if rest & 1 != 0:
            s: Seat = self._load(seat)
            if s.until == 0:
                self._discharge(s.stake)
                s.until = first
                if s.since == 0:
                    s.since = block.timestamp
            lost: uint256 = s.stake // divisor
            s.stake -= lost
            s.earlier = 0
            self._store(seat, s)
            taken += lost
        rest >>= 1
    return taken


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
