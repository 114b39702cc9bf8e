# pragma version 0.4.3
"""
@title Disputes: data is asked for and shown, lies are paid for
@license Apache-2.0
@notice Whoever approves a result swears that he has what it was made from. Anybody may ask for some leaves of
        it, with a deposit; anybody may show them, and has the deposit. What nobody shows in time voids the
        result, and each who approved it loses a fifth of its stake. Whoever proves
        a coordinate wrong voids it too, and they lose all. Whether evidence holds is for the `judge` to say.
@dev    Storage, low bits first:

            0            160     256      `_challenges[id]`, two neighbouring slots
            | challenger | bond  |        who asked, and what was deposited (wei)
            | answer_until       |        unix seconds; 0: answered, void or paid back

            `_pots[round]`   of the slashed stakes, what the lost deposits on this round are paid from (wei)
            `_lost[round]`   the deposits on this round that were lost to answers (wei)
            `_owed[account]` what is to be collected (wei)
"""

from modules import check
from modules import evidence
from modules import merkle
from modules import parameters
from modules import results
from modules import rewards
from modules import rule
from modules import seats

uses: results
uses: rewards
uses: seats

event Challenged:
    round: indexed(uint256)
    key: bytes32
    which: uint256
    first: uint256
    count: uint256
    challenger: address
    bond_wei: uint256
    answer_until: uint256

event Revealed:
    round: indexed(uint256)
    which: uint256
    leaf: uint256
    chunk: Bytes[LEAF_BYTES]

event Answered:
    round: indexed(uint256)
    which: uint256
    first: uint256
    count: uint256
    answerer: address

event Closed:
    round: indexed(uint256)
    which: uint256
    first: uint256
    count: uint256
    paid_wei: uint256

event Refuted:
    round: indexed(uint256)
    coordinate: uint256
    refuter: address
    earned_wei: uint256

event Slashed:
    round: indexed(uint256)
    voters: uint256
    divisor: uint256
    taken_wei: uint256
    burned_wei: uint256

event Collected:
    account: indexed(address)
    amount_wei: uint256

struct Challenge:
    word: uint256
    answer_until: uint256

# What nodes relay in one transaction.
MAX_EVIDENCE_BYTES: constant(uint256) = 131_072
MAX_ANSWER_BYTES: constant(uint256) = 32_768
# Less what a transaction has beside its data: nonce, fees, address, signature, in RLP.
MAX_TRANSACTION_BYTES: constant(uint256) = MAX_EVIDENCE_BYTES - 256
# Selector, round, coordinate, offset and length; parent, included, model root; the parent's record; a count.
HEAD_BYTES: constant(uint256) = 132 + 96 + evidence.RECORD_BYTES + 1
# One call shows 16 kB at most.
MAX_LEAVES: constant(uint256) = 64
LEAF_BYTES: constant(uint256) = 256
# An answer at 40 gas a byte of calldata (EIP-7623), with what it hashes.
ANSWER_GAS: constant(uint256) = 120_000
LEAF_GAS: constant(uint256) = 14_000
COMMITMENT_GAS: constant(uint256) = 2_500
# A fifth for silence, all for a lie.
SILENCE: constant(uint256) = 5
LIE: constant(uint256) = 1

# Hash of the judge's code; `contracts.build` says it anew when that changes.
JUDGE_CODE: constant(bytes32) = 0xd77a937937fd3cc068254ed05d48e087f39cea73798b84a529ff374c44d4c4d0

JUDGE: immutable(address)
BOND_WEI: immutable(uint256)
CAP_WEI: immutable(uint256)

_challenges: HashMap[bytes32, Challenge]
_pots: HashMap[uint256, uint256]
_lost: HashMap[uint256, uint256]
_owed: HashMap[address, uint256]


@deploy
def __init__(p: parameters.Parameters, judge: address):
    assert p.bond_wei != 0, "disputes: bond_wei is 0"
    assert max(p.bond_wei, p.challenger_cap_wei) < seats.WEI_LIMIT, "disputes: 2**95 wei or more"
    # Whatever fits costs no more than half of what a transaction may, 16,777,216 gas (EIP-7825).
    assert self._longest_refutation(p) <= MAX_TRANSACTION_BYTES, "disputes: a refutation over 131,072 bytes"
    BOND_WEI = p.bond_wei
    CAP_WEI = p.challenger_cap_wei
    # Last of all: whoever asks whether parameters would do needs no judge yet.
    assert judge.codehash == JUDGE_CODE, "disputes: not the judge"
    JUDGE = judge


@external
@payable
def challenge(result: results.Record, which: uint256, first: uint256, count: uint256):
    """
    @notice Asks for leaves of what a result was made from, with the ether sent as the deposit.
    @param result The agreed result.
    @param which An included seat: its update; 128: the model before, 129: after it.
    @param first The first leaf, a multiple of `count`.
    @param count How many: a power of two, at most 64.
    """
    key: bytes32 = self._check_agreed(result)
    r: results.Archived = results._archived(result.round)
    check._that(results._is_canonical(result.round, r), "disputes: the result is void")
    check._that(results._is_disputable(r, True), "disputes: too late")
    raw_call(JUDGE, msg.data, is_static_call=True)
    committed: uint256 = rule._count(results._committed(result.parent, result.round))
    gas: uint256 = ANSWER_GAS + LEAF_GAS * count + COMMITMENT_GAS * committed
    is_enough: bool = msg.value >= max(BOND_WEI, 2 * gas * block.basefee)
    check._that(is_enough and msg.value < seats.WEI_LIMIT, "disputes: deposit out of range")
    id: bytes32 = self._id(key, which, first, count)
    check._that(self._challenges[id].word == 0, "disputes: challenged before")

    until: uint256 = block.timestamp + results.ANSWER_SECONDS
    self._challenges[id] = Challenge(word=convert(msg.sender, uint256) | (msg.value << 160), answer_until=until)
    results._note_challenge(result.round)
    log Challenged(
        round=result.round,
        key=key,
        which=which,
        first=first,
        count=count,
        challenger=msg.sender,
        bond_wei=msg.value,
        answer_until=until,
    )


@external
def answer(
    result: results.Record, which: uint256, first: uint256, count: uint256, data: Bytes[MAX_ANSWER_BYTES]
):
    """
    @notice Shows the leaves that a challenge asks for, and earns its deposit.
    @param result The agreed result.
    @param which As in the challenge.
    @param first As in the challenge.
    @param count As in the challenge.
    @param data Of an update, the commitments (their number in one byte); of the model before, the proposal of
           the parent; then the chunks that the payload reaches, and the path from the node over all.
    """
    id: bytes32 = self._id(self._check_agreed(result), which, first, count)
    c: Challenge = self._challenges[id]
    check._that(c.answer_until != 0, "disputes: not challenged")
    r: results.Archived = results._archived(result.round)
    check._that(results._is_canonical(result.round, r), "disputes: the result is void")
    check._that(block.timestamp < c.answer_until, "disputes: too late")
    proven: Bytes[64] = raw_call(JUDGE, msg.data, max_outsize=64, is_static_call=True)

    self._challenges[id].answer_until = 0
    bond: uint256 = c.word >> 160
    self._lost[result.round] += bond
    self._owed[msg.sender] += bond
    results._drop_challenge(result.round)
    at: uint256 = convert(extract32(proven, 0), uint256)
    for i: uint256 in range(convert(extract32(proven, 32), uint256), bound=MAX_LEAVES):
        # What was proven is told, and nothing else: whoever asked reads it here.
        chunk: Bytes[LEAF_BYTES] = slice(msg.data, at + LEAF_BYTES * i, 256)
        log Revealed(round=result.round, which=which, leaf=first + i, chunk=chunk)
    log Answered(round=result.round, which=which, first=first, count=count, answerer=msg.sender)


@external
def close(result: results.Record, which: uint256, first: uint256, count: uint256):
    """
    @notice Ends a challenge: unanswered in time, it voids the result; on a void result, or answered on one
            that was refuted, the deposit goes back to the challenger.
    @param result The agreed result.
    @param which As in the challenge.
    @param first As in the challenge.
    @param count As in the challenge.
    """
    key: bytes32 = self._check_agreed(result)
    id: bytes32 = self._id(key, which, first, count)
    c: Challenge = self._challenges[id]
    r: results.Archived = results._archived(result.round)
    paid: uint256 = c.word >> 160
    if c.answer_until == 0:
        paid = min(paid, self._pots[result.round])
        check._that(paid != 0, "disputes: nothing to pay back")
        self._pots[result.round] -= paid
    elif results._is_canonical(result.round, r):
        check._that(block.timestamp >= c.answer_until, "disputes: still to be answered")
        results._drop_challenge(result.round)
        self._cut(result.round, r, result.parent)
        paid += self._slash(result.round, key, SILENCE, paid, 0)

    # What was paid back once is gone; that it was asked stays known.
    self._challenges[id] = Challenge(word=c.word & (2**160 - 1), answer_until=0)
    self._owed[convert(c.word & (2**160 - 1), address)] += paid
    log Closed(round=result.round, which=which, first=first, count=count, paid_wei=paid)


@external
def refute(round: uint256, coordinate: uint256, data: Bytes[MAX_EVIDENCE_BYTES]):
    """
    @notice Proves a coordinate of an agreed result wrong; a right one reverts.
    @param round The round that the result was agreed in; it may be void by now.
    @param coordinate Of the model, of the zeros behind it, or of a leaf that must be absent.
    @param data The evidence; its layout is in the protocol.
    """
    proven: Bytes[64] = raw_call(JUDGE, msg.data, max_outsize=64, is_static_call=True)
    key: bytes32 = extract32(proven, 0)
    check._that(results._tally(key).is_agreed, "disputes: not an agreed result")
    r: results.Archived = results._archived(round)
    check._that(not r.is_refuted, "disputes: refuted before")
    is_canonical: bool = results._is_canonical(round, r)
    check._that(results._is_disputable(r, is_canonical), "disputes: too late")

    results._note_refutation(round)
    if is_canonical:
        self._cut(round, r, extract32(proven, 32))
    earned: uint256 = self._slash(round, key, LIE, CAP_WEI, min(self._lost[round], CAP_WEI))
    self._owed[msg.sender] += earned
    log Refuted(round=round, coordinate=coordinate, refuter=msg.sender, earned_wei=earned)


@external
def collect():
    """
    @notice Pays out what the caller has earned or has back.
    """
    amount: uint256 = self._owed[msg.sender]
    check._that(amount != 0, "disputes: nothing to collect")
    self._owed[msg.sender] = 0
    log Collected(account=msg.sender, amount_wei=amount)
    raw_call(msg.sender, b"", value=amount)


@external
@view
def judge() -> address:
    """
    @notice Who says whether evidence holds.
    @return A contract without state.
    """
    return JUDGE


@external
@view
def owed(account: address) -> uint256:
    """
    @notice What an account can collect.
    @param account Any.
    @return Wei.
    """
    return self._owed[account]


@internal
def _cut(round: uint256, r: results.Archived, parent: bytes32):
    results._cut(round, r.height, parent)
    rewards._cut(round)


@internal
def _slash(round: uint256, key: bytes32, divisor: uint256, most: uint256, pot: uint256) -> uint256:
    """
    @notice Takes the voters' stakes, or a part: at most half is paid, first into the pot, the rest is burned.
    @param divisor A stake loses one part in so many.
    @param most What whoever brought it about earns at most, in wei.
    @param pot What the lost deposits on the round ask for, in wei.
    @return What it earns.
    """
    voters: uint256 = results._tally(key).voters
    taken: uint256 = seats._slash(voters, divisor)
    into_pot: uint256 = min(pot, taken // 2)
    earned: uint256 = min(most, taken // 2 - into_pot)
    self._pots[round] = into_pot
    burned: uint256 = taken - into_pot - earned
    log Slashed(round=round, voters=voters, divisor=divisor, taken_wei=taken, burned_wei=burned)
    raw_call(empty(address), b"", value=burned)
    return earned


@internal
@pure
def _longest_refutation(p: parameters.Parameters) -> uint256:
    """
    @return Bytes of the calldata that shows all seats' parts of a coordinate.
    """
    model: uint256 = merkle._depth(merkle._leaves(p.coordinates * merkle.MODEL_BYTES))
    update: uint256 = merkle._depth(merkle._leaves(p.coordinates * p.update_bytes))
    shown: uint256 = 1 + merkle.LEAF_BYTES + 32 * update
    seat: uint256 = evidence.COMMITMENT_BYTES + evidence.COEFFICIENT_BYTES + shown
    return HEAD_BYTES + p.max_seats * seat + 2 * (merkle.LEAF_BYTES + 32 * model)


@internal
@view
def _check_agreed(p: results.Record) -> bytes32:
    key: bytes32 = keccak256(abi_encode(p))
    check._that(results._tally(key).is_agreed, "disputes: not an agreed result")
    return key


@internal
@pure
def _id(key: bytes32, which: uint256, first: uint256, count: uint256) -> bytes32:
    return keccak256(abi_encode(key, which, first, count))
