"""Weights by stake, by head and by claim, at their edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import InputRefused
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting
from node.rule.weights import compute_faults, compute_faulty_weight, compute_weights


def build_rule(weighting, faults_bps=0):
    return Rule(weighting, Selection.VOUCHED, 0, faults_bps, 100, 2, 14, 20)


def weigh(weighting, pairs, power_wei=None):
    members = [Member(seat, stake, samples) for seat, (stake, samples) in enumerate(pairs)]
    total = sum(stake for stake, _ in pairs) if power_wei is None else power_wei
    return compute_weights(build_rule(weighting), Roll(total, len(pairs)), members)


def test_compute_weights__stake__is_floored_parts_of_the_power():
    assert weigh(Weighting.STAKE, [(1, 0), (2, 0)]) == [1365, 2730]
    assert weigh(Weighting.STAKE, [(1, 0), (2, 0)], power_wei=6) == [682, 1365]
    assert weigh(Weighting.STAKE, [(10**18, 0), (10**18 * 4095, 0)]) == [1, 4095]
    assert weigh(Weighting.STAKE, [(10**18 - 1, 0), (10**18 * 4095 + 1, 0)]) == [0, 4095]


def test_compute_weights__equal__is_one_each():
    assert weigh(Weighting.EQUAL, [(1, 5), (9, 0)]) == [1, 1]


def test_compute_weights__samples__caps_at_four_lower_medians():
    # The lower median of 10, 20, 30, 10**6 is 20: the last counts for 80 of 140.
    claims = [(1, 10), (1, 20), (1, 30), (1, 10**6)]
    assert weigh(Weighting.SAMPLES, claims) == [4096 * c // 140 for c in (10, 20, 30, 80)]


def test_compute_weights__samples_far_apart__none_weighs_nothing():
    assert weigh(Weighting.SAMPLES, [(1, 0), (1, 5), (1, 5)]) == [1, 2048, 2048]


def test_compute_weights__median_claim_is_zero__weighs_all_alike():
    assert weigh(Weighting.SAMPLES, [(1, 0), (1, 0), (1, 9)]) == [1, 1, 1]


@given(
    st.lists(st.tuples(st.integers(1, 10**20), st.integers(0, 10**12)), min_size=1, max_size=128)
)
def test_compute_weights__any_members__stay_within_what_the_sums_bear(pairs):
    assert sum(weigh(Weighting.STAKE, pairs)) <= 4096
    assert sum(weigh(Weighting.SAMPLES, pairs)) <= 4096 + len(pairs)


@pytest.mark.parametrize(
    ("weighting", "faults_bps", "active", "faults", "faulty"),
    [
        (Weighting.STAKE, 2000, 10, 2, 819),
        (Weighting.STAKE, 0, 10, 0, 0),
        (Weighting.EQUAL, 2000, 9, 1, 1),
        (Weighting.EQUAL, 2000, 10, 2, 2),
        (Weighting.EQUAL, 4999, 128, 63, 63),
        (Weighting.SAMPLES, 0, 10, 0, 0),
    ],
)
def test_compute_faulty_weight__at_the_opening__is_floored(
    weighting, faults_bps, active, faults, faulty
):
    rule, roll = build_rule(weighting, faults_bps), Roll(100, active)
    assert compute_faults(rule, roll) == faults
    assert compute_faulty_weight(rule, roll) == faulty


def test_compute_weights__members_against_the_roll__are_refused():
    with pytest.raises(InputRefused, match="power at the opening: expected at least 3, got 2"):
        weigh(Weighting.STAKE, [(1, 0), (2, 0)], power_wei=2)
    with pytest.raises(InputRefused, match="power at the opening"):
        weigh(Weighting.EQUAL, [(0, 0)])
