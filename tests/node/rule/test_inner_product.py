"""Inner products are those of Python's integers, at the ends of the range and over many blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.rule.inner_product import LIMIT, compute_inner_product

ENDS = st.sampled_from([-LIMIT, LIMIT, -(2**15), 2**15 - 1, 2**15, -(2**31), 2**31 - 1])
NUMBERS = ENDS | st.integers(-LIMIT, LIMIT)


def by_hand(left, right):
    return sum(a * b for a, b in zip(left.tolist(), right.tolist(), strict=True))


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_compute_inner_product__any_integers_within_the_limit__is_exact(pairs):
    left, right = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    assert compute_inner_product(left, right) == by_hand(left, right)


@pytest.mark.parametrize("size", [1, 2**16 - 1, 2**16, 2**16 + 1, 2**17 + 5])
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_compute_inner_product__ends_of_every_type_over_blocks__nothing_wraps(size, dtype):
    end = LIMIT if dtype == np.int64 else -int(np.iinfo(dtype).min)
    left = np.full(size, -end).astype(dtype)
    right = np.full(size, LIMIT - 1)
    right[::3] = -LIMIT
    assert compute_inner_product(left, right) == by_hand(left, right)
    assert compute_inner_product(right, left) == by_hand(left, right)
    assert compute_inner_product(left, left) == size * end**2
