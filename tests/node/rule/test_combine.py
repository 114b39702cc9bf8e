"""Laws of stage 2: ends of the trim, the honest range, bounds at which numpy would wrap."""

from statistics import median, median_high, median_low

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import CoefficientsRefused, RuleRefused
from node.rule import sorting
from node.rule.coefficients import Coefficient
from node.rule.combine import combine
from node.rule.parameters import Rule, Selection, Weighting
from node.rule.readable import clip_update, find_step

INT16 = st.integers(-(2**15), 2**15 - 1)
ROWS = st.integers(1, 3).flatmap(
    lambda d: st.lists(
        st.lists(INT16 | st.integers(-2, 2), min_size=d, max_size=d), min_size=1, max_size=9
    )
)


def step(rows, weights, *, trim_bps=0, guard=0, dtype=np.int16, factors=None):
    """Return how far a head of zeros moves."""
    size = np.dtype(dtype).itemsize
    rule = Rule(Weighting.STAKE, Selection.NONE, trim_bps, 0, 1, size, 0, guard)
    updates = [np.array(row, dtype) for row in rows]
    factors = factors or [65536] * len(rows)
    coefficients = [Coefficient(*pair) for pair in zip(factors, weights, strict=True)]
    return combine(rule, np.zeros(len(rows[0]), np.int32), updates, coefficients).tolist()


@given(ROWS)
def test_combine__no_trim_equal_weights__is_the_mean_rounded_up_at_halves(rows):
    count = len(rows)
    expected = [(2 * sum(column) + count) // (2 * count) for column in zip(*rows, strict=True)]
    assert step(rows, [1] * count) == expected


@given(ROWS, st.data())
def test_combine__trim_5000__is_the_weighted_median(rows, data):
    weights = data.draw(
        st.lists(st.integers(0, 5), min_size=len(rows), max_size=len(rows)).filter(sum)
    )
    expected = []
    for column in zip(*rows, strict=True):
        one_by_one = [
            value for value, weight in zip(column, weights, strict=True) for _ in range(weight)
        ]
        assert median(one_by_one) * 2 == median_low(one_by_one) + median_high(one_by_one)
        expected.append((median_low(one_by_one) + median_high(one_by_one) + 1) // 2)
    assert step(rows, weights, trim_bps=5000) == expected


@given(ROWS, ROWS, st.integers(0, 20), st.data())
def test_combine__faulty_weight_within_the_trim__stays_in_the_honest_range(
    honest, faulty, guard, data
):
    coordinates = min(len(honest[0]), len(faulty[0]))
    rows = [row[:coordinates] for row in honest + faulty]
    weights = [data.draw(st.integers(1, 100)) for _ in rows]
    bad = sum(weights[len(honest) :])
    total = sum(weights)
    # The least trim that takes off at least the faulty weight at either end.
    trim_bps = -(-bad * 10000 // total)
    if trim_bps >= 5000:
        return
    moved = step(rows, weights, trim_bps=trim_bps, guard=guard)
    for k, got in enumerate(moved):
        column = [row[k] for row in honest]
        low, high = (
            min(max(end << guard, -(2**31)), 2**31 - 1) for end in (min(column), max(column))
        )
        assert low <= got <= high


@given(ROWS, st.data())
def test_combine__rows_permuted__changes_nothing(rows, data):
    weights = [data.draw(st.integers(0, 9)) for _ in rows]
    weights[0] += 1
    trim_bps = data.draw(st.integers(0, 5000))
    order = data.draw(st.permutations(range(len(rows))))
    moved = step([rows[j] for j in order], [weights[j] for j in order], trim_bps=trim_bps)
    assert moved == step(rows, weights, trim_bps=trim_bps)


@given(ROWS, st.integers(1, 1000), st.integers(0, 5000), st.integers(0, 20))
def test_combine__weights_equal_or_nearly__both_ways_agree_with_the_readable(
    rows, weight, trim_bps, guard
):
    for weights in ([weight] * len(rows), [weight] * (len(rows) - 1) + [weight + 1]):
        expected = [
            min(max(find_step(column, weights, trim_bps, guard), -(2**31)), 2**31 - 1)
            for column in zip(*rows, strict=True)
        ]
        assert step(rows, weights, trim_bps=trim_bps, guard=guard) == expected


@pytest.mark.parametrize(("dtype", "guard"), [(np.int16, 20), (np.int8, 28)])
@pytest.mark.parametrize("trim_bps", [0, 1, 100, 2500, 4999, 5000])
@pytest.mark.parametrize("count", [2, 3, 32, 128])
def test_combine__every_bound_at_once__agrees_with_python_integers(dtype, guard, trim_bps, count):
    """A = 2**25 - 1, extreme values, the largest guard: nothing wraps, nothing is rounded."""
    generator = np.random.default_rng(count)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    columns = [
        [low] * count,
        [high] * count,
        [(low, high)[j % 2] for j in range(count)],
        [(high, low)[j % 2] for j in range(count)],
        *generator.integers(low, high, (12, count), endpoint=True).tolist(),
        # Near zero, so that the step of the largest guard does not saturate.
        *[[(j % 2) * 2 - 1 for j in range(count)], [0] * (count - 1) + [1]],
    ]
    most = (2**25 - 1) // count
    weights = [most] * (count - 1) + [2**25 - 1 - most * (count - 1)]
    uneven = [1 + j for j in range(count - 1)]
    uneven.append(2**25 - 1 - sum(uneven))
    factors = [65536 if j % 3 else 65535 for j in range(count)]
    for votes in (weights, uneven):
        for scales in ([65536] * count, factors):
            clipped = [
                [clip_update([v], c)[0] for v, c in zip(column, scales, strict=True)]
                for column in columns
            ]
            expected = [find_step(column, votes, trim_bps, guard) for column in clipped]
            expected = [min(max(value, -(2**31)), 2**31 - 1) for value in expected]
            rows = [list(row) for row in zip(*columns, strict=True)]
            moved = step(rows, votes, trim_bps=trim_bps, guard=guard, dtype=dtype, factors=scales)
            assert moved == expected


def test_combine__head_and_step_at_the_ends__saturates():
    rule = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 0, 20)
    head = np.array([2**31 - 1, -(2**31), 2**31 - 1, -(2**31), 2**31 - 1 - 2**20], np.int32)
    update = np.array([32767, -32768, -1, 1, 1], np.int16)
    model = combine(rule, head, [update], [Coefficient(65536, 2**25 - 1)])
    assert model.tolist() == [
        2**31 - 1,
        -(2**31),
        2**31 - 1 - 2**20,
        -(2**31) + 2**20,
        2**31 - 1,
    ]


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_combine__every_value_at_every_kind_of_factor__is_the_readable_clip(dtype):
    info = np.iinfo(dtype)
    everything = list(range(info.min, info.max + 1))
    for factor in (0, 1, 2, 32767, 32768, 40_001, 65_535, 65_536):
        moved = step([everything], [1], dtype=dtype, factors=[factor])
        assert moved == [(value * factor + 2**15) >> 16 for value in everything]


def test_combine__coefficients_or_rule_beyond_the_bounds__are_refused():
    for weights in ([2**25], [2**24, 2**24], [0], [-1, 5]):
        with pytest.raises(CoefficientsRefused):
            step([[1]] * len(weights), weights)
    with pytest.raises(CoefficientsRefused, match="clip factor 0"):
        step([[1]], [1], factors=[65537])
    with pytest.raises(RuleRefused, match="sums overflow"):
        step([[1]], [1], guard=21)


@pytest.mark.parametrize("count", range(1, 13))
def test_build_network__all_zeros_and_ones__sorts_them(count):
    """A network that sorts every input of zeros and ones sorts every input (Knuth, 5.3.4)."""
    codes = np.arange(2**count)
    rows = [(codes >> j & 1).astype(np.int16) for j in range(count)]
    expected = np.sort(np.stack(rows), axis=0)
    whole = list(rows)
    sorting.sort_rows([row.copy() for row in whole], [])
    for needed in [range(count), [count // 2], [0], [count - 1], range(count // 3, count)]:
        ordered = [row.copy() for row in rows]
        sorting.sort_rows(ordered, sorting.build_network(count, needed))
        for rank in needed:
            assert (ordered[rank] == expected[rank]).all()


@settings(max_examples=20)
@given(st.integers(13, 128), st.integers(0, 2**32))
def test_build_network__as_many_rows_as_seats__sorts_them(count, seed):
    rows = np.random.default_rng(seed).integers(-50, 50, (count, 64), np.int16)
    ordered = list(rows.copy())
    sorting.sort_rows(ordered, sorting.build_network(count, range(count)))
    assert (np.stack(ordered) == np.sort(rows, axis=0)).all()
