"""Stage 2: from updates and coefficients to the next model, one coordinate at a time.

With `A` the sum of the weights `a`, `T` the weight trimmed at either end and `Q = A - 2 T`, each
coordinate moves by the kept sum `S` over `Q`, in units of the model, rounded with halves upwards:

    head' = saturate(head + floor((2 S 2**guard + Q) / (2 Q)))

Sums are float64 or float32 where every partial sum is an integer that the type holds exactly, and
int64 after that: `|S| < 2**(8 update_bytes - 1) * 2**25`, so `2 S 2**guard + Q` stays within 62
bits by the bound that `check_rule` keeps.
"""

from collections.abc import Callable, Sequence
from math import gcd
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from node.encoding import INT32_MAX, INT32_MIN, UPDATE_DTYPES, Model, Update
from node.errors import InputRefused
from node.rule import sorting
from node.rule.coefficients import Coefficient, check_coefficients
from node.rule.parameters import BPS, FACTOR_ONE, HALF_BPS, Rule, check_rule

_BLOCK = 1 << 14  # coordinates at a time: 20 rows of int16 fit a processor's second cache

Rows = list[NDArray[Any]]
Summing = Callable[[Rows], NDArray[Any]]


def compute_trim(total: int, trim_bps: int) -> int:
    """Return `T`, the weight that is cut at either end; 5000 leaves the one or two in the middle.

    >>> [compute_trim(total, 5000) for total in (1, 2, 3, 4)]
    [0, 0, 1, 1]
    """
    return (total - 1) // 2 if trim_bps == HALF_BPS else total * trim_bps // BPS


def combine(
    rule: Rule, head: Model, updates: Sequence[Update], coefficients: Sequence[Coefficient]
) -> Model:
    """Return the next model, int32 `(d,)`, from `head` and `n` updates `(d,)` in seat order.

    Raises `RuleRefused`, `CoefficientsRefused`, or `InputRefused` where shapes or dtypes differ
    from what the rule and the head say. What lies between is bounded, so nothing can wrap.
    """
    check_rule(rule, head.size)
    check_coefficients(rule, coefficients)
    check_arrays(rule, head, updates, len(coefficients))
    voters = [(update, each) for update, each in zip(updates, coefficients, strict=True)]
    voters = [(update, each) for update, each in voters if each.weight]
    weights = [each.weight for _, each in voters]
    trim = compute_trim(sum(weights), rule.trim_bps)
    compute_sums, divisor = _choose_summing(weights, trim, rule.update_bytes)
    model = np.empty(head.size, np.int32)
    for start in range(0, head.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        rows = [shorten(update[block], each.clip) for update, each in voters]
        model[block] = _move_head(head[block], compute_sums(rows), divisor, rule.guard)
    return model


def count_trimmed(
    rule: Rule, updates: Sequence[Update], coefficients: Sequence[Coefficient]
) -> list[int]:
    """Return, for each update, in how many coordinates the trim leaves nothing of its weight; 0 for
    an update without a weight, which is in no coordinate at all."""
    voters = [place for place, each in enumerate(coefficients) if each.weight]
    weights = np.array([coefficients[place].weight for place in voters], np.int64)
    trim = compute_trim(int(weights.sum()), rule.trim_bps)
    counts = [0] * len(coefficients)
    for start in range(0, updates[0].size if trim else 0, _BLOCK):
        block = slice(start, start + _BLOCK)
        rows = [shorten(updates[place][block], coefficients[place].clip) for place in voters]
        kept = sorting.find_kept(np.stack(rows), weights, trim)
        for place, row in zip(voters, kept, strict=True):
            counts[place] += int(np.count_nonzero(row == 0))
    return counts


def check_arrays(rule: Rule, head: Model, updates: Sequence[Update], count: int) -> None:
    """Raise `InputRefused` unless there are `count` updates of the rule's dtype, like the head."""
    if head.ndim != 1 or head.dtype != np.int32:
        raise InputRefused("rule: head", "int32 (d,)", f"{head.dtype.name} {head.shape}")
    if len(updates) != count:
        raise InputRefused("rule: number of updates", count, len(updates))
    dtype = UPDATE_DTYPES[rule.update_bytes]
    for position, update in enumerate(updates):
        if update.shape != head.shape or update.dtype != dtype:
            expected = f"{dtype.name} {head.shape}"
            got = f"{update.dtype.name} {update.shape}"
            raise InputRefused(f"rule: update {position}", expected, got)


def shorten(row: NDArray[Any], factor: int) -> NDArray[Any]:
    """Return `(row * factor + 2**15) >> 16` in the row's dtype: an update, or a part of one.

    A factor below 2**16 keeps the product in int32.
    """
    if factor == FACTOR_ONE:
        return row
    clipped = row.astype(np.int32)
    clipped *= factor
    clipped += FACTOR_ONE // 2
    clipped >>= 16
    return clipped.astype(row.dtype)


def _choose_summing(weights: list[int], trim: int, value_bytes: int) -> tuple[Summing, int]:
    """Return a way to sums `S` and the `Q` that goes with it, both over one common factor.

    All ways agree, they differ in what they have to look at. A factor common to `S` and `Q` leaves
    the step as it is, and smaller sums fit smaller floats.
    """
    if trim and len(set(weights)) > 1:
        return _build_weighted(weights, trim, value_bytes), sum(weights) - 2 * trim
    kept = sorting.compute_kept(weights, trim)
    common = gcd(*kept)
    kept = [weight // common for weight in kept]
    is_ranked = trim > 0
    summing = _build_ranked(kept, value_bytes) if is_ranked else _DotProduct(kept, value_bytes)
    return summing, sum(kept)


class _DotProduct:
    """Sum rows by weights; owns the scratch that the rows are widened into, block by block."""

    def __init__(self, weights: list[int], value_bytes: int) -> None:
        # Float32 holds integers up to 2**24, float64 up to 2**53; the bounds keep S below 2**40.
        largest = sum(weights) << (8 * value_bytes - 1)
        dtype = np.float32 if largest <= 1 << 24 else np.float64
        self._weights = np.array(weights, dtype)
        self._scratch = np.empty((len(weights), _BLOCK), dtype)

    def __call__(self, rows: Rows) -> NDArray[Any]:
        wide = self._scratch[:, : rows[0].size]
        for target, row in zip(wide, rows, strict=True):
            target[:] = row
        return cast(NDArray[Any], self._weights @ wide)


def _build_ranked(kept: list[int], value_bytes: int) -> Summing:
    """Weights are equal, so what is kept depends on the rank alone: sort values, then sum them."""
    ranks = [rank for rank, weight in enumerate(kept) if weight]
    network = sorting.build_network(len(kept), ranks)
    dot = _DotProduct([kept[rank] for rank in ranks], value_bytes)

    def compute_sums(rows: Rows) -> NDArray[Any]:
        ordered = [row.copy() for row in rows]
        sorting.sort_rows(ordered, network)
        return dot([ordered[rank] for rank in ranks])

    return compute_sums


def _build_weighted(weights: list[int], trim: int, value_bytes: int) -> Summing:
    """Weights differ, so each value carries its position through the sort."""
    ranks = sorting.find_ranks_below(weights, sum(weights) - trim)
    network = sorting.build_network(len(weights), range(ranks))
    table = np.array(weights, np.int32)

    def compute_sums(rows: Rows) -> NDArray[Any]:
        keys = sorting.build_keys(rows, value_bytes)
        sorting.sort_rows(keys, network)
        return sorting.sum_kept(keys, ranks, table, trim)

    return compute_sums


def _move_head(head: Model, sums: NDArray[Any], divisor: int, guard: int) -> Model:
    """Return `head` after the step; numpy's `//`, like Python's, is the floor the rule asks for."""
    step = sums.astype(np.int64)
    step <<= guard + 1
    step += divisor
    step //= 2 * divisor
    step += head
    np.clip(step, INT32_MIN, INT32_MAX, out=step)
    return step.astype(np.int32)
