# pragma version 0.4.3
"""
@title Arithmetic: what follows for one coordinate from the updates and their coefficients
@license Apache-2.0
@notice The weighted trimmed mean of the shortened coordinates moves the one of the model, rounded halves up and
        saturated. Bounds that the constructor keeps (see `rule`) hold every intermediate below 2**62.
"""

from modules import parameters


@internal
@pure
def _trimmed(total: uint256, trim_bps: uint256) -> uint256:
    """
    @notice The weight that is cut at either end; 5000 leaves the one or two in the middle.
    """
    if trim_bps == parameters.BPS // 2:
        return (total - 1) // 2
    return total * trim_bps // parameters.BPS


@internal
@pure
def _shorten(coordinate: int256, clip: uint256) -> int256:
    """
    @notice A coordinate of an update by its clip factor, rounded halves up.
    """
    return (coordinate * convert(clip, int256) + 2**15) >> 16


@internal
@pure
def _overlap(below: uint256, weight: uint256, trimmed: uint256, total: uint256) -> int256:
    """
    @notice How much of a weight is left when both ends of the whole are cut; `below` comes before it.
    """
    top: uint256 = min(below + weight, total - trimmed)
    bottom: uint256 = max(below, trimmed)
    return convert(top - bottom, int256) if top > bottom else 0


@internal
@pure
def _move(old: int256, kept: int256, weight: uint256, guard: uint256) -> int256:
    """
    @notice The coordinate of the next model.
    @param kept The sum of the coordinates that were not cut, each by its weight.
    @param weight What was not cut, the sum of the weights.
    @param guard By how many bits the model is finer than an update.
    """
    whole: int256 = convert(weight, int256)
    above: int256 = (kept << (guard + 1)) + whole
    step: int256 = above // (2 * whole)
    if above % (2 * whole) < 0:
        # Division here goes towards zero, the rule's towards minus infinity.
        step -= 1
    return min(max(old + step, -(2**31)), 2**31 - 1)
