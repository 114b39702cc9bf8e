"""Stage 1 by hand: the median norm, clipping, vouching, Krum."""

from math import isqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from node.rule import selection
from node.rule.gram import compute_gram
from node.rule.selection import (
    compute_clip_factors,
    compute_coefficients,
    compute_distances,
    compute_median_norm,
    select_multi_krum,
    select_vouched,
)

WEIGHTED = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), min_size=1, max_size=9)


@given(WEIGHTED)
def test_compute_median_norm__any_weights__is_the_least_that_half_the_weight_reaches(pairs):
    assume(sum(weight for _, weight in pairs))
    norms, weights = zip(*pairs, strict=True)
    found = compute_median_norm(norms, weights)

    def reaches(value):
        return 2 * sum(w for n, w in pairs if n <= value) >= sum(weights)

    assert reaches(found)
    assert not reaches(found - 1)


@pytest.mark.parametrize(
    ("norms", "weights", "expected"),
    [
        ([3, 9], [1, 1], 3),  # exactly half reaches
        ([3, 9], [1, 2], 9),
        ([3, 9, 1], [1, 1, 0], 3),  # dust does not count
        ([9, 0], [0, 5], 0),
    ],
)
def test_compute_median_norm__by_hand__agrees(norms, weights, expected):
    assert compute_median_norm(norms, weights) == expected


def build_gram(*norms_squared):
    return [
        [square if i == j else 0 for j in range(len(norms_squared))]
        for i, square in enumerate(norms_squared)
    ]


def test_compute_clip_factors__both_sides_of_the_limit__only_the_longer_is_clipped():
    gram = build_gram(100, 400, 401, 440, 441, 1600)  # median norm 20, twice that 40
    assert compute_clip_factors(gram, [1] * 6, 20) == [65536] * 4 + [65536 * 20 // 21, 32768]
    assert compute_clip_factors(gram, [1] * 6, 10**9) == [65536] * 6
    assert compute_clip_factors(build_gram(1, 1, 10_000), [1] * 3, 50) == [65536, 65536, 1310]


def test_compute_clip_factors__median_update_is_zero__silences_the_others():
    assert compute_clip_factors(build_gram(0, 0, 1), [1] * 3, 50) == [65536, 65536, 0]


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=9), st.integers(1, 2**25))
def test_compute_clip_factors__any_norms__are_at_most_one_and_reach_the_limit(squares, clip):
    factors = compute_clip_factors(build_gram(*squares), [1] * len(squares), clip)
    for square, factor in zip(squares, factors, strict=True):
        assert 0 <= factor <= 65536
        assert factor * isqrt(square) <= 65536 * clip


@given(st.integers(1, 8), st.integers(0, 2**32))
def test_compute_distances__clipped_updates__are_squared_lengths_of_differences(count, seed):
    generator = np.random.default_rng(seed)
    updates = generator.integers(-(2**15), 2**15, (count, 3), np.int16)
    factors = generator.integers(0, 2**16, count, endpoint=True).tolist()
    scaled = [[c * u for u in row] for c, row in zip(factors, updates.tolist(), strict=True)]
    expected = [
        [sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for q in scaled] for p in scaled
    ]
    assert compute_distances(compute_gram(list(updates)), factors) == expected


def test_select_vouched__one_far_away__weighs_nothing():
    line = [0, 1, 3, 100]
    distances = [[(a - b) ** 2 for b in line] for a in line]
    # W - B = 3: 0, 1 and 2 vouch for each other, 3 vouches for itself, 2 and 1.
    assert select_vouched(distances, [1] * 4, 1) == [3, 4, 4, 0]


def test_select_vouched__last_one_partly__takes_what_is_left():
    line = [0, 1, 10]
    distances = [[(a - b) ** 2 for b in line] for a in line]
    # W - B = 7: 0 gives itself 4, 1 gets 3; 1 gives 4, 0 gets 3; 2 gives itself 2, 1 gets 4, 0 1.
    assert select_vouched(distances, [4, 4, 2], 3) == [
        4 * 4 + 4 * 3 + 2 * 1,
        4 * 3 + 4 * 4 + 2 * 4,
        0,  # 2 * 2 = 4 is not above 3 * 2
    ]


def test_select_vouched__heavier_than_all_that_is_trusted__vouches_for_itself_alone():
    assert select_vouched([[0, 1], [1, 0]], [9, 1], 2) == [9 * 8 + 1 * 7, 0]


def test_select_vouched__equally_near__goes_round_from_the_next_position():
    square = [[0 if i == j else 1 for j in range(4)] for i in range(4)]
    # W - B = 3, so i vouches for i, i + 1 and i + 2.
    assert select_vouched(square, [1] * 4, 1) == [3] * 4
    # W - B = 7: 0 takes 4 of the 5 of member 3; 1, 2 and 3 have one member too many.
    assert select_vouched(square, [1, 1, 1, 5], 1) == [
        1 * 1 + 1 * 1 + 5 * 1,  # by 0, 2 and 3
        1 * 1 + 1 * 1 + 5 * 1,  # by 0, 1 and 3
        1 * 1 + 1 * 1 + 1 * 1,  # by 0, 1 and 2: 3 has used up its 7
        1 * 4 + 1 * 5 + 1 * 5 + 5 * 5,
    ]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=9), st.data())
def test_select_vouched__less_than_half_faulty__somebody_is_left(weights, data):
    faulty = data.draw(st.integers(0, (sum(weights) - 1) // 2))
    entries = st.integers(0, 5)
    distances = [[data.draw(entries) for _ in weights] for _ in weights]
    chosen = select_vouched(distances, weights, faulty)
    assert sum(chosen) > 0
    assert sum(chosen) <= sum(weights) * (sum(weights) - faulty)
    if faulty == 0:
        assert chosen == [sum(weights) * weight for weight in weights]


def test_select_multi_krum__one_far_away__is_dropped():
    line = [0, 1, 3, 100, 2]
    distances = [[(a - b) ** 2 for b in line] for a in line]
    assert select_multi_krum(distances, [5, 6, 7, 8, 9], 1) == [5, 6, 7, 0, 9]


def test_select_multi_krum__two_nearest_others__are_all_that_scores():
    line = [0, 1, 4, 5, 7]  # n - f - 2 = 2; with three, the last would be dropped instead
    distances = [[(a - b) ** 2 for b in line] for a in line]
    assert select_multi_krum(distances, [1] * 5, 1) == [0, 1, 1, 1, 1]


def test_select_multi_krum__scores_tie__keeps_the_lower_seats():
    square = [[0 if i == j else 1 for j in range(5)] for i in range(5)]
    assert select_multi_krum(square, [1] * 5, 1) == [1, 1, 1, 1, 0]


def test_compute_coefficients__neither_clip_nor_selection__asks_for_no_gram():
    plain = compute_coefficients(selection.Selection.NONE, 0, None, [3, 4], 0, 0)
    assert [(each.clip, each.weight) for each in plain] == [(65536, 3), (65536, 4)]
