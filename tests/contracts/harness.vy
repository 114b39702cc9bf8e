# pragma version 0.4.3
"""
@title Harness: what the contracts compute within, one thing at a time
@license Apache-2.0
@notice For tests against the vectors that all implementations share; nobody deploys it.
"""

from modules import arithmetic
from modules import evidence
from modules import merkle
from modules import parameters
from modules import rule

initializes: rule

# Behind selector, tag, leaf, depth, offset and length.
DATA_AT: constant(uint256) = 4 + 32 * 5


@deploy
def __init__(p: parameters.Parameters):
    rule.__init__(p)


@external
@view
def depth(size: uint256) -> uint256:
    return merkle._depth(merkle._leaves(size))


@external
@view
def root(tag: bytes32, leaf: uint256, depth: uint256, data: Bytes[4096]) -> bytes32:
    """
    @notice The root over a chunk by its path, which stand in the data.
    """
    return merkle._climb(merkle._leaf(tag, DATA_AT), leaf, DATA_AT + merkle.LEAF_BYTES, depth)


@external
@view
def value(tag: bytes32, first: uint256, width: uint256, data: Bytes[4096]) -> int256:
    """
    @notice The integer of `width` bytes that begins `first` bytes into the chunk in the data.
    """
    return merkle._value(DATA_AT, first, width)


@external
@view
def tag(federation: address, round: uint256, seat: uint256) -> bytes32:
    return evidence._tag(federation, round, seat)


@external
@view
def credited(included: uint256, coefficients: Bytes[1024]) -> uint256:
    return rule._credited(included, coefficients)


@external
@view
def shorten(coordinate: int256, clip: uint256) -> int256:
    return arithmetic._shorten(coordinate, clip)


@external
@view
def move(
    old: int256,
    values: DynArray[int256, 128],
    weights: DynArray[uint256, 128],
    trim_bps: uint256,
    guard: uint256,
) -> int256:
    """
    @notice The next model's coordinate from shortened ones, in ascending order.
    """
    total: uint256 = 0
    for weight: uint256 in weights:
        total += weight
    trimmed: uint256 = arithmetic._trimmed(total, trim_bps)
    below: uint256 = 0
    kept: int256 = 0
    for i: uint256 in range(len(values), bound=128):
        kept += values[i] * arithmetic._overlap(below, weights[i], trimmed, total)
        below += weights[i]
    return arithmetic._move(old, kept, total - 2 * trimmed, guard)
