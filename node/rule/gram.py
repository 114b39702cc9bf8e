"""The Gram matrix of the updates: all that stage 1 asks of `n × d` integers, in `n × n` numbers."""

from collections.abc import Sequence

import numpy as np

from node.encoding import Update

EXACT_COORDINATES = 1 << 22  # of int16: 2**22 * 2**30 = 2**52, half of what float64 holds exactly
_BLOCK_NUMBERS = 1 << 18  # float64 numbers at a time: 2 MB, the size of a processor's second cache


def compute_gram(updates: Sequence[Update]) -> list[list[int]]:
    """Return `G[i][j] = <u_i, u_j>` exactly, as Python integers, for `n` updates `(d,)`.

    Float64 BLAS adds up at most 2**22 coordinates before its sums become integers. Each product of
    two int16 is an integer of at most 2**30, so any sum of some of them, taken in any order and
    grouping, with fused steps or without, is an integer of at most 2**52 in absolute value. Float64
    holds all of those, so nothing is ever rounded, and neither processor nor BLAS nor number of
    threads can change a bit. (A fast matrix product that adds up factors first, like Strassen's,
    would break this; no BLAS in use does that for float64.)

    >>> compute_gram([np.array([1, -2], np.int16), np.array([3, 4], np.int16)])
    [[5, -5], [-5, 25]]
    """
    count, coordinates = len(updates), len(updates[0])
    width = max(1, min(EXACT_COORDINATES, _BLOCK_NUMBERS // count, coordinates))
    block = np.empty((count, width))
    gram = [[0] * count for _ in range(count)]
    for first in range(0, coordinates, EXACT_COORDINATES):
        end = min(first + EXACT_COORDINATES, coordinates)
        part = np.zeros((count, count))
        for start in range(first, end, width):
            taken = min(width, end - start)
            for row, update in zip(block, updates, strict=True):
                row[:taken] = update[start : start + taken]
            part += block[:, :taken] @ block[:, :taken].T
        for row_sums, exact in zip(gram, part.astype(np.int64).tolist(), strict=True):
            row_sums[:] = [total + number for total, number in zip(row_sums, exact, strict=True)]
    return gram
