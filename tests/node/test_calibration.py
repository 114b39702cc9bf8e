"""Units and clip from a dry round: what fits, at both edges, and what is said of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.calibration import (
    STEP_HEADROOM,
    VALUE_HEADROOM,
    Movement,
    calibrate,
    choose_model_bits,
    measure_movement,
)
from node.encoding import Layout
from node.rule.choices import RuleOptions
from node.rule.parameters import check_rule

SIZES = st.floats(1e-9, 1e6)


def calibrate_one(step, value=1.0, norm=None, **options):
    movement = Movement((step,), (value,), step if norm is None else norm)
    return calibrate(RuleOptions(**options), [movement], ["weight"])


@given(step=SIZES, value=SIZES, size=st.sampled_from([1, 2]))
def test_calibrate__any_step_and_value__give_a_rule_that_holds_and_has_room(step, value, size):
    options = calibrate_one(step, value, update_bytes=size).options
    check_rule(options.build(0), 100)
    assert value * VALUE_HEADROOM < 2.0 ** (31 - options.model_bits) * (1 + 1e-9)
    limit = 2 ** (8 * size - 1) - 1
    coarsest = max(0, options.model_bits - {1: 28, 2: 20}[size])
    fits = step * STEP_HEADROOM * 2.0**options.update_bits <= limit
    assert fits or options.update_bits == coarsest
    finer = step * STEP_HEADROOM * 2.0 ** (options.update_bits + 1) <= limit
    assert not finer or options.update_bits == options.model_bits


def test_calibrate__the_edge_of_a_unit__is_met_on_both_sides():
    edge = (2**15 - 1) / STEP_HEADROOM / 2**14
    assert calibrate_one(edge).options.update_bits == 14
    assert calibrate_one(np.nextafter(edge, 1)).options.update_bits == 13


def test_calibrate__nothing_moved__takes_the_usual_and_says_so():
    found = calibrate_one(0.0)
    assert found.options.update_bits == 14
    assert "since the dry round moved nothing" in found.reasons[0]
    assert found.options.clip == 1


def test_calibrate__several_peers__take_the_longest_step_and_the_median_norm():
    movements = [Movement((s,), (1.0,), n) for s, n in ((0.1, 1.0), (0.5, 2.0), (0.2, 30.0))]
    options = calibrate(RuleOptions(), movements, ["weight"]).options
    assert options.update_bits == 12
    assert options.clip == 4 * 2 * 2**12


def test_calibrate__what_is_named__stays():
    found = calibrate_one(0.1, update_bits=9, clip=77)
    assert (found.options.update_bits, found.options.clip, found.reasons) == (9, 77, ())


def test_calibrate__a_rule_without_a_clip__gets_none():
    assert calibrate_one(0.1, name="mean").options.clip is None


def test_calibrate__large_values__make_the_model_coarser_and_say_so():
    found = calibrate_one(0.1, value=1e5)
    assert found.options.model_bits == choose_model_bits(20, 1e5) == 10
    assert found.reasons[0].startswith("model_bits 10, not 20: values up to 1e+05")


def test_calibrate__an_array_that_moves_far_more__is_named():
    movement = Movement((0.01, 0.01, 5.0), (1.0, 1.0, 9.0), 5.0)
    reasons = calibrate(RuleOptions(), [movement], ["a", "b", "norm.running_var"]).reasons
    assert reasons[-1].startswith("array 'norm.running_var' moves 500 times as far as most")


def test_measure_movement__of_each_array__longest_step_and_largest_value():
    layout = Layout(("a", "b"), ((2,), (1,)), ("float32", "float32"))
    found = measure_movement(layout, np.zeros(3), np.array([3.0, -4.0, 12.0]))
    assert found == Movement((4.0, 12.0), (4.0, 12.0), pytest.approx(13.0))
