"""Contributions: laws, and the same in plain Python fractions of exact integers."""

from math import isqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import InputRefused
from node.rule.coefficients import Coefficient
from node.rule.contribution import MILLION, compute_contributions, compute_step

WHOLE = Coefficient(65536, 1)
INT16 = st.integers(-(2**15), 2**15 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)


def by_hand(updates, clips, step, before):
    """The formula, coordinate by coordinate in Python's integers."""

    def dot(a, b):
        return sum(int(x) * int(y) for x, y in zip(a, b, strict=True))

    lengths = [c * c * dot(u, u) for u, c in zip(updates, clips, strict=True)]
    middle = sorted(lengths)[(len(lengths) - 1) // 2]
    found = []
    for u, c, length in zip(updates, clips, lengths, strict=True):
        above = max(0, c * dot(u, step))
        below = isqrt(max(length, middle) * dot(step, step))
        if above == 0 or below == 0:
            found.append(0)
            continue
        if before is not None and dot(before, before):
            of = dot(u, u) * dot(before, before)
            found.append(MILLION * above * (of - dot(u, before) ** 2) // (below * of))
        else:
            found.append(MILLION * above // below)
    return found


@st.composite
def rounds(draw):
    count, size = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    rows = st.lists(INT16, min_size=size, max_size=size)
    heads = st.lists(INT32, min_size=size, max_size=size)
    return (
        [draw(rows) for _ in range(count)],
        draw(st.lists(st.integers(0, 65536), min_size=count, max_size=count)),
        [draw(heads) for _ in range(3)],
    )


@given(rounds())
def test_compute_contributions__any_round__is_what_the_formula_says(drawn):
    rows, clips, heads = drawn
    heads = [np.array(head, np.int32) for head in heads]
    before, step = compute_step(heads[0], heads[1]), compute_step(heads[1], heads[2])
    updates = [np.array(row, np.int16) for row in rows]
    coefficients = [Coefficient(clip, 1) for clip in clips]
    for past in (None, before):
        found = compute_contributions(updates, coefficients, step, past)
        assert found == by_hand(rows, clips, step.tolist(), None if past is None else past.tolist())


def test_compute_contributions__extreme_values_in_many_coordinates__nothing_wraps():
    size = 100_000
    update = np.full(size, -(2**15), np.int16)
    step = compute_step(np.full(size, 2**31 - 1, np.int32), np.full(size, -(2**31), np.int32))
    assert compute_contributions([update], [WHOLE], step) == [MILLION]


def test_compute_contributions__against_the_step_or_a_copy_of_the_last__earns_nothing():
    honest, last = np.array([30, 40, 5], np.int16), np.array([1, -1, 2], np.int64)
    found = compute_contributions(
        [honest, -honest, (10 * last).astype(np.int16)],
        [WHOLE] * 3,
        np.array([300, 400, 60], np.int64),
        last,
    )
    assert found[0] > 900_000
    assert found[1:] == [0, 0]


def test_compute_contributions__a_short_update__earns_for_its_length():
    long, short = np.array([300, 400], np.int16), np.array([30, 40], np.int16)
    found = compute_contributions([long, long, short], [WHOLE] * 3, np.array([3, 4]))
    assert found == [MILLION, MILLION, MILLION // 10]


@pytest.mark.parametrize(
    ("updates", "coefficients"),
    [([np.zeros(2, np.int16)], []), ([np.zeros(3, np.int16)], [WHOLE])],
)
def test_compute_contributions__counts_that_clash__are_told(updates, coefficients):
    with pytest.raises(InputRefused, match="contribution"):
        compute_contributions(updates, coefficients, np.zeros(2, np.int64))
