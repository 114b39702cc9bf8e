"""Sorting `n` rows coordinate by coordinate, and summing only the weight that a trim keeps.

`n` is small and `d` is large, so the rows are sorted by a network: a fixed list of compare-and-swap
steps, each of which is one minimum and one maximum over whole rows.
"""

from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = Sequence[NDArray[Any]]

POSITION_BITS = 7  # of a key; a federation has at most 128 seats
_KEY_DTYPES = {1: np.int16, 2: np.int32}  # 8 + 7 and 16 + 7 bits


class Comparator(NamedTuple):
    """Put the lesser value of two rows into `low`, the greater into `high`, if they are needed."""

    low: int
    high: int
    is_low_needed: bool
    is_high_needed: bool


def build_network(count: int, needed: Collection[int]) -> list[Comparator]:
    """Return steps after which every row whose rank is `needed` holds that rank's values.

    Batcher's merge exchange (Knuth, TAOCP 3, 5.2.2, algorithm M), less what no needed row sees.
    """
    wanted, network = set(needed), []
    for low, high in reversed(_merge_exchange(count)):
        if low in wanted or high in wanted:
            network.append(Comparator(low, high, low in wanted, high in wanted))
            wanted |= {low, high}
    return network[::-1]


def _merge_exchange(count: int) -> list[tuple[int, int]]:
    pairs = []
    top = 1 << max(0, (count - 1).bit_length() - 1)
    stride = top if count > 1 else 0
    while stride:
        reach, gap, phase = top, stride, 0
        while True:
            pairs += [(i, i + gap) for i in range(count - gap) if i & stride == phase]
            if reach == stride:
                break
            gap, phase = reach - stride, stride
            reach //= 2
        stride //= 2
    return pairs


def sort_rows(rows: list[NDArray[Any]], network: Sequence[Comparator]) -> None:
    """Sort the rows in place, along the list; rows that the network does not need become void."""
    spare = np.empty_like(rows[0])
    for low, high, is_low_needed, is_high_needed in network:
        if is_low_needed and is_high_needed:
            np.minimum(rows[low], rows[high], out=spare)
            np.maximum(rows[low], rows[high], out=rows[high])
            rows[low], spare = spare, rows[low]
        elif is_low_needed:
            np.minimum(rows[low], rows[high], out=rows[low])
        else:
            np.maximum(rows[low], rows[high], out=rows[high])


def compute_kept(weights: Sequence[int], trim: int) -> list[int]:
    """Return, for rows in order of their values, what is left of each weight between the trims.

    >>> compute_kept([4, 4, 4], 5)
    [0, 2, 0]
    """
    top = sum(weights) - trim
    ends = list(accumulate(weights, initial=0))
    return [max(0, min(end, top) - max(start, trim)) for start, end in pairwise(ends)]


def build_keys(rows: Rows, value_bytes: int) -> list[NDArray[Any]]:
    """Return rows of value and position in one integer: these sort by value, and know their row."""
    dtype = _KEY_DTYPES[value_bytes]
    keys = []
    for position, row in enumerate(rows):
        key = row.astype(dtype)
        key <<= POSITION_BITS
        key |= position
        keys.append(key)
    return keys


def find_ranks_below(weights: Sequence[int], top: int) -> int:
    """Return how many of the lowest ranks may begin below the weight `top`."""
    starts = accumulate(sorted(weights)[:-1], initial=0)
    return sum(start < top for start in starts)


def sum_kept(keys: Rows, ranks: int, weights: NDArray[np.int32], trim: int) -> NDArray[np.float64]:
    """Return the sum of value times kept weight over the first `ranks` of the sorted keys.

    Weights sum to less than 2**25, so the running sums fit int32, and a value of int16 times what
    is kept of the weights stays below 2**40: the float64 sums are exact.
    """
    top = int(weights.sum()) - trim
    size = keys[0].size
    sums, product = np.zeros(size), np.empty(size)
    end, inside = np.zeros(size, np.int32), np.empty(size, np.int32)
    previous, weight = np.full(size, trim, np.int32), np.empty(size, np.int32)
    for key in keys[:ranks]:
        # The position is within bounds; "wrap" only tells numpy that it need not look.
        np.take(weights, key & ((1 << POSITION_BITS) - 1), out=weight, mode="wrap")
        end += weight
        np.clip(end, trim, top, out=inside)
        np.subtract(inside, previous, out=weight)
        previous, inside = inside, previous
        np.multiply(key >> POSITION_BITS, weight, out=product, dtype=np.float64)
        sums += product
    return sums


def find_kept(rows: NDArray[Any], weights: NDArray[np.int64], trim: int) -> NDArray[np.int64]:
    """Return what a trim keeps of the weight of each of `n` rows in each coordinate, `(n, d)`.

    Slow and plain, for whoever asks about one row; the sums go without it. Of equal values that of
    the first row counts as the lower one.
    """
    order = np.argsort(rows, axis=0, kind="stable")
    ordered = weights[order]
    ends = np.cumsum(ordered, axis=0)
    top = int(weights.sum()) - trim
    inside = np.clip(ends, trim, top) - np.clip(ends - ordered, trim, top)
    kept = np.empty(rows.shape, np.int64)
    np.put_along_axis(kept, order, inside, axis=0)
    return kept
