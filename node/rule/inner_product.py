"""Inner products of long vectors of integers, to the last bit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LIMIT = 1 << 33
"""Of a coordinate: steps between int32 models, and sums of updates by weight, stay below it."""
_HALF_BITS = 16
_BLOCK = 1 << 14  # coordinates at a time: halves of at most 2**17 give sums of at most 2**48


def compute_inner_product(left: NDArray[Any], right: NDArray[Any]) -> int:
    """Return `<left, right>` exactly, for integers `(d,)` of at most `LIMIT` in absolute value.

    Each is taken apart, `high * 2**16 + low` with `low` from -2**15 to 2**15, and float64 sums
    the products of the halves: integers below 2**53 all the way, so no order of summing, hardware
    or number of threads can change a bit (see `compute_gram`). Python adds up the blocks.

    >>> compute_inner_product(np.array([2**32, -1]), np.array([2**32, 5]))
    18446744073709551611
    """
    total = 0
    for start in range(0, left.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        sums = _split(left[block]) @ _split(right[block]).T
        for i, row in enumerate(sums.tolist()):
            for j, each in enumerate(row):
                total += int(each) << (_HALF_BITS * (i + j))
    return total


def _split(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Return low halves and, of numbers that have such, high ones: `(1, b)` or `(2, b)`."""
    whole = numbers.astype(np.float64)
    if numbers.dtype.itemsize * 8 <= _HALF_BITS:
        return whole[np.newaxis]
    # Scaling by a power of two and rounding to an integer are exact, so the rest is one, too.
    high = np.rint(whole * 2.0**-_HALF_BITS)
    return np.array([whole - high * 2.0**_HALF_BITS, high])
