"""The Gram matrix is exact at every extreme, so BLAS, its threads and their order cannot show.

An exact result has one value; whatever order a library adds in, it is that one. Hence no test here
varies the number of threads: what is tested is the exactness.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rule.gram import EXACT_COORDINATES, compute_gram


@given(
    st.integers(1, 12),
    st.integers(1, 60),
    st.sampled_from([np.int8, np.int16]),
    st.integers(0, 2**32),
)
def test_compute_gram__any_updates__is_the_definition(count, coordinates, dtype, seed):
    info = np.iinfo(dtype)
    updates = np.random.default_rng(seed).integers(
        info.min, info.max, (count, coordinates), dtype, endpoint=True
    )
    rows = updates.tolist()
    expected = [[sum(a * b for a, b in zip(p, q, strict=True)) for q in rows] for p in rows]
    gram = compute_gram(list(updates))
    assert gram == expected
    assert all(type(number) is int for row in gram for number in row)


@pytest.mark.parametrize("extra", [-1, 0, 1, 70_001])
def test_compute_gram__extremes_around_the_longest_exact_sum__is_exact(extra):
    coordinates = EXACT_COORDINATES + extra
    low = np.full(coordinates, -32768, np.int16)
    high = np.full(coordinates, 32767, np.int16)
    assert compute_gram([low, high]) == [
        [2**30 * coordinates, -32768 * 32767 * coordinates],
        [-32768 * 32767 * coordinates, 32767**2 * coordinates],
    ]


def test_compute_gram__odd_product_on_top_of_a_huge_sum__is_not_lost():
    coordinates = 2 * EXACT_COORDINATES
    update = np.full(coordinates, -32768, np.int16)
    update[-1] = update[5] = 1
    assert compute_gram([update]) == [[2**30 * (coordinates - 2) + 2]]


def test_compute_gram__more_rows_than_a_block_is_wide__is_exact():
    updates = np.random.default_rng(1).integers(-(2**15), 2**15, (128, 5000), np.int16)
    exact = updates.astype(np.int64) @ updates.astype(np.int64).T
    assert compute_gram(list(updates)) == exact.tolist()
