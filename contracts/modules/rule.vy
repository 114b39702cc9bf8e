# pragma version 0.4.3
"""
@title What the contract knows of the aggregation rule
@license Apache-2.0
@notice Its parameters; the form of the coefficients that a result carries: eight bytes for every included
        seat in ascending order, `c` (clip factor, 2**16 is one) and `a` (weight), both uint32 big-endian. Their
        values are the quorum's word; what follows from them for a coordinate is in `arithmetic`.
"""

from modules import check
from modules import parameters

STAKE: constant(uint256) = 0
EQUAL: constant(uint256) = 1
SAMPLES: constant(uint256) = 2

UNSELECTED: constant(uint256) = 0
VOUCHED: constant(uint256) = 1
MULTI_KRUM: constant(uint256) = 2

SEATS: constant(uint256) = 128
COEFFICIENT_BYTES: constant(uint256) = 8
MAX_COEFFICIENTS_BYTES: constant(uint256) = SEATS * COEFFICIENT_BYTES
# The clip factor that changes nothing.
CLIP_ONE: constant(uint256) = 2**16
# Sum of the weights of one result: with it every sum of the rule stays below 2**62.
WEIGHT_LIMIT: constant(uint256) = 2**25

FAULTS_BPS: immutable(uint256)
MIN_UPDATES: immutable(uint256)
SELECTION: immutable(uint256)
WEIGHTING: immutable(uint256)
HAS_CLIP: immutable(bool)


@deploy
def __init__(p: parameters.Parameters):
    assert p.coordinates != 0, "rule: no coordinates"
    assert p.coordinates < 2**32, "rule: 2**32 coordinates or more"
    assert p.genesis != empty(bytes32), "rule: no genesis model"
    assert p.update_bytes == 1 or p.update_bytes == 2, "rule: update_bytes is neither 1 nor 2"
    assert p.update_bits <= p.model_bits, "rule: updates finer than the model"
    assert p.model_bits < 32, "rule: model_bits of 32 or more"
    # A sum of weighted coordinates, scaled to the model's unit and doubled, stays in an int64.
    assert 8 * p.update_bytes + p.model_bits - p.update_bits + 26 <= 62, "rule: a sum could pass 2**62"
    assert p.weighting <= SAMPLES, "rule: unknown weighting"
    assert p.selection <= MULTI_KRUM, "rule: unknown selection"
    assert p.trim_bps <= parameters.BPS // 2, "rule: trim_bps above 5000"
    assert p.faults_bps < parameters.BPS // 2, "rule: faults_bps of 5000 or more"
    assert p.selection != UNSELECTED or p.trim_bps >= p.faults_bps, "rule: trims less than the faults"
    assert p.selection == UNSELECTED or p.clip != 0, "rule: a selection needs a clip"
    assert p.clip < 2**63, "rule: clip of 2**63 or more"
    assert p.weighting != SAMPLES or p.faults_bps == 0, "rule: claimed samples cannot bound faults"
    assert p.min_updates != 0, "rule: min_updates is 0"
    FAULTS_BPS = p.faults_bps
    MIN_UPDATES = p.min_updates
    SELECTION = p.selection
    WEIGHTING = p.weighting
    HAS_CLIP = p.clip != 0


@internal
@view
def _least_included(active: uint256) -> uint256:
    """
    @notice How many updates a result needs at least when `active` seats counted at the opening.
    """
    faulty: uint256 = active * FAULTS_BPS // parameters.BPS
    least: uint256 = MIN_UPDATES
    if WEIGHTING == EQUAL:
        least = max(least, 2 * faulty + 1)
    if SELECTION == MULTI_KRUM:
        least = max(least, 2 * faulty + 3)
    return least


@internal
@view
def _weight(stake: uint256, samples: uint256) -> uint256:
    """
    @notice What a commitment's weight is derived from, as it enters the running hash.
    """
    if WEIGHTING == STAKE:
        return stake
    if WEIGHTING == EQUAL:
        return 1
    return samples


@internal
@view
def _credited(included: uint256, coefficients: Bytes[MAX_COEFFICIENTS_BYTES]) -> uint256:
    """
    @notice The map of the seats with a weight; reverts where the coefficients are not well-formed.
    """
    check._that(len(coefficients) == COEFFICIENT_BYTES * self._count(included), "rule: not 8 bytes for every included seat")
    rest: uint256 = included
    credited: uint256 = 0
    total: uint256 = 0
    offset: uint256 = 0
    for seat: uint256 in range(SEATS):
        if rest == 0:
            break
        if rest & 1 != 0:
            pair: uint256 = convert(slice(coefficients, offset, COEFFICIENT_BYTES), uint256)
            self._check_pair(pair >> 32, pair & (2**32 - 1))
            if pair & (2**32 - 1) != 0:
                credited |= 1 << seat
                total += pair & (2**32 - 1)
            offset += COEFFICIENT_BYTES
        rest >>= 1
    check._that(total != 0, "rule: every weight is 0")
    check._that(total < WEIGHT_LIMIT, "rule: weights of 2**25 or more")
    return credited


@internal
@view
def _check_pair(clip: uint256, weight: uint256):
    assert clip <= CLIP_ONE, "rule: a clip factor above 2**16"
    if not HAS_CLIP and SELECTION == UNSELECTED:
        assert clip == CLIP_ONE, "rule: clipped without a clip"
    if WEIGHTING == EQUAL and SELECTION == UNSELECTED:
        assert weight == 1, "rule: equal weights are 1"


@internal
@pure
def _count(bitmap: uint256) -> uint256:
    """
    @notice Number of bits set among the low 128, summed in halves (Warren, Hacker's Delight, 5-1).
    """
    m1: uint256 = (2**128 - 1) // 3  # 0x5555...
    m2: uint256 = (2**128 - 1) // 5  # 0x3333...
    m4: uint256 = (2**128 - 1) // 17  # 0x0f0f...
    x: uint256 = bitmap - ((bitmap >> 1) & m1)
    x = (x & m2) + ((x >> 2) & m2)
    x = (x + (x >> 4)) & m4
    # The product's byte 15 is the sum of all sixteen bytes.
    return ((x * ((2**128 - 1) // 255)) >> 120) & (2**8 - 1)
