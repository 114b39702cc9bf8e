# pragma version 0.4.3
"""
@title Rewards: work is paid from the chain's own record
@license Apache-2.0
@notice Anybody funds a pool. An agreed result earns by the time since its parent, in equal shares: as many as
        seats counted when its round opened, of which those are set aside whose seats have a weight in it. A
        share is for who has a weight and has approved; what the others would have had is in the pool again
        when a successor is agreed. What is void has earned nothing. Nothing is paid for claimed samples.
@dev    Storage:

            _funded           all that was ever paid in (wei)
            _earned           all that the results up to the head have earned of it, paid or not (wei); of the head
                              as if each with a weight approved it, for as long as votes on it count
            _shares[round]    | share, 128 | earned by what lies below, 128 |   in wei, low bits first
            _paid_to[seat]    the last round that the seat was paid for, or that it had no part in

        The pool is the difference of the first two, so a cut is one subtraction whatever it cuts. All there is
        of ether on a chain is far below 2**128 wei.
"""

from modules import check
from modules import parameters
from modules import phase
from modules import results
from modules import rule
from modules import seats

uses: results
uses: seats

event Funded:
    account: indexed(address)
    amount_wei: uint256

event Claimed:
    seat: indexed(uint256)
    round: uint256
    amount_wei: uint256

# Up to 12,000 gas each, those included that settle them.
MAX_KEYS: constant(uint256) = 128

REWARD_WEI: immutable(uint256)
# Earned by time up to here: who lets rounds lapse is not paid for waiting.
MOST_SECONDS: immutable(uint256)

_funded: uint256
_earned: uint256
_shares: HashMap[uint256, uint256]
_paid_to: uint256[seats.SEATS]


@deploy
def __init__(p: parameters.Parameters):
    assert p.reward_wei_per_second < seats.WEI_LIMIT, "rewards: 2**95 wei or more"
    REWARD_WEI = p.reward_wei_per_second
    MOST_SECONDS = p.commit_seconds + p.attest_seconds


@external
@payable
def fund():
    """
    @notice Adds the ether sent to the pool; it comes out again as rewards alone.
    """
    check._that(REWARD_WEI != 0, "rewards: none are paid here")
    check._that(msg.value != 0, "rewards: nothing sent")
    self._funded += msg.value
    log Funded(account=msg.sender, amount_wei=msg.value)


@external
def claim(seat: uint256, keys: DynArray[bytes32, MAX_KEYS]):
    """
    @notice Pays what the seat has earned with settled results.
    @param seat The index of a seat of the caller.
    @param keys The results' keys, oldest first; what is left out before one of them is lost.
    """
    seats._check_owner(seat, msg.sender)
    results._settle()
    last: uint256 = self._paid_to[seat]
    amount: uint256 = 0
    for key: bytes32 in keys:
        t: results.Tally = results._tally(key)
        check._that(t.round > last, "rewards: not in ascending order")
        check._that(t.is_agreed and results._is_settled(t.round), "rewards: not a settled result")
        last = t.round
        if (self._credited(key) & t.voters) >> seat & 1 != 0:
            amount += self._shares[last] & (2**128 - 1)

    check._that(amount != 0, "rewards: nothing to claim")
    self._paid_to[seat] = last
    log Claimed(seat=seat, round=last, amount_wei=amount)
    raw_call(msg.sender, b"", value=amount)


@external
@view
def pool() -> (uint256, uint256):
    """
    @notice What rewards come from: the pool is the difference.
    @return All that was ever paid in, and what results have earned of it, paid or not; in wei.
    """
    return self._funded, self._earned


@internal
@view
def _credited(key: bytes32) -> uint256:
    return results._results[key].word >> 128


@internal
def _start(seat: uint256, first: uint256):
    """
    @notice Round `first` is the first that a new owner of the seat can be paid for.
    """
    if REWARD_WEI != 0:
        self._paid_to[seat] = first - 1


@internal
def _accrue(key: bytes32, r: phase.Round) -> uint256:
    """
    @notice Sets aside what a result earns that is about to become the head; what is for the head is final.
    @param r Its round.
    @return A share, in wei.
    """
    if REWARD_WEI == 0:
        return 0
    earned: uint256 = self._earned
    if r.voted_from == results._head_round():
        # Votes on it counted until now. On a head that came back by a cut they had ended before.
        parent: bytes32 = results._head
        absent: uint256 = self._credited(parent) & ~results._results[parent].tally
        earned -= rule._count(absent) * (self._shares[r.voted_from] & (2**128 - 1))
    # The first model has been there since ever.
    seconds: uint256 = min(block.timestamp - results._head_agreed_at(), MOST_SECONDS)
    # Were little divided among the credited alone, it would pay to leave others out.
    share: uint256 = min(REWARD_WEI * seconds, self._funded - earned) // r.active
    self._shares[r.number] = share | (earned << 128)
    self._earned = earned + share * rule._count(self._credited(key))
    return share


@internal
def _cut(round: uint256):
    """
    @notice The result of a round and all that was built on it have earned nothing.
    """
    self._earned = self._shares[round] >> 128
