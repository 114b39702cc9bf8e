"""Both sides of every bound on the parameters, and which coefficients are well-formed."""

from dataclasses import replace

import pytest

from node.errors import CoefficientsRefused, RuleRefused
from node.rule.coefficients import (
    Coefficient,
    check_coefficients,
    decode_coefficients,
    encode_coefficients,
)
from node.rule.parameters import Rule, Selection, Weighting, check_rule

DEFAULT = Rule(Weighting.STAKE, Selection.VOUCHED, 0, 2000, 4000, 2, 14, 20)
PLAIN = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 14, 20)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"trim_bps": 5000},
        {"faults_bps": 4999},
        {"selection": Selection.NONE, "trim_bps": 2000},
        {"selection": Selection.NONE, "faults_bps": 0, "clip": 0},
        {"weighting": Weighting.SAMPLES, "faults_bps": 0},
        {"selection": Selection.MULTI_KRUM, "weighting": Weighting.EQUAL},
        {"model_bits": 14},
        {"update_bits": 11, "model_bits": 31},
        {"update_bytes": 1, "update_bits": 3, "model_bits": 31},
        {"clip": 1},
        {"clip": 2**63 - 1},
    ],
)
def test_check_rule__within_the_bounds__is_taken(changed):
    check_rule(replace(DEFAULT, **changed), 1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"trim_bps": 5001}, "rule: trim out of range: expected trim_bps 0 to 5000, got 5001"),
        ({"trim_bps": -1}, "rule: trim out of range: expected trim_bps 0 to 5000, got -1"),
        (
            {"faults_bps": 5000},
            "rule: faults out of range: expected faults_bps 0 to 4999, got 5000",
        ),
        ({"faults_bps": -1}, "rule: faults out of range: expected faults_bps 0 to 4999, got -1"),
        ({"clip": 0}, "rule: selection needs a clip: expected clip > 0, got 0"),
        ({"clip": -1}, f"rule: clip out of range: expected clip 0 to {2**63 - 1}, got -1"),
        (
            {"clip": 2**63},
            f"rule: clip out of range: expected clip 0 to {2**63 - 1}, got {2**63}",
        ),
        (
            {"selection": Selection.NONE, "clip": 0},
            "rule: trims less than the faults: "
            "expected a selection, or trim_bps of at least faults_bps = 2000, got 0",
        ),
        (
            {"selection": Selection.NONE, "trim_bps": 1999},
            "rule: trims less than the faults: "
            "expected a selection, or trim_bps of at least faults_bps = 2000, got 1999",
        ),
        (
            {"weighting": Weighting.SAMPLES, "faults_bps": 1},
            "rule: claimed samples bear no faults: expected faults_bps 0, got 1",
        ),
        ({"update_bytes": 0}, "rule: update size: expected update_bytes 1 or 2, got 0"),
        ({"update_bytes": 4}, "rule: update size: expected update_bytes 1 or 2, got 4"),
        ({"update_bits": -1}, "rule: update unit: expected update_bits >= 0, got -1"),
        (
            {"model_bits": 13},
            "rule: model coarser than updates: expected model_bits >= update_bits = 14, got 13",
        ),
        (
            {"model_bits": 32},
            "rule: model unit: expected model_bits up to 31, got 32",
        ),
        (
            {"update_bits": 10, "model_bits": 31},
            "rule: sums overflow: expected 8 * update_bytes + guard + 26 <= 62, got 63",
        ),
        (
            {"update_bytes": 1, "update_bits": 2, "model_bits": 31},
            "rule: sums overflow: expected 8 * update_bytes + guard + 26 <= 62, got 63",
        ),
    ],
)
def test_check_rule__one_step_too_far__is_refused_with_the_numbers(changed, message):
    with pytest.raises(RuleRefused) as caught:
        check_rule(replace(DEFAULT, **changed), 1)
    assert str(caught.value) == message


@pytest.mark.parametrize("coordinates", [0, 2**32])
def test_check_rule__coordinates_out_of_range__is_refused(coordinates):
    with pytest.raises(RuleRefused, match=f"expected 1 to {2**32 - 1}, got {coordinates}"):
        check_rule(DEFAULT, coordinates)


@pytest.mark.parametrize("coordinates", [1, 2**32 - 1])
def test_check_rule__coordinates_at_the_bounds__is_taken(coordinates):
    check_rule(DEFAULT, coordinates)


def test_encode_coefficients__uint32_ends__is_big_endian_and_back():
    pairs = [Coefficient(65536, 1), Coefficient(0, 2**25 - 1)]
    wire = encode_coefficients(pairs)
    assert wire.hex() == "00010000000000010000000001ffffff"
    assert decode_coefficients(wire, 2) == pairs


@pytest.mark.parametrize("each", [Coefficient(-1, 0), Coefficient(0, 2**32)])
def test_encode_coefficients__no_uint32__is_refused(each):
    with pytest.raises(CoefficientsRefused, match="coefficient 1: expected two uint32"):
        encode_coefficients([Coefficient(1, 1), each])


@pytest.mark.parametrize("size", [15, 17, 8, 0])
def test_decode_coefficients__wrong_length__is_refused(size):
    with pytest.raises(CoefficientsRefused, match=f"expected 16, got {size}"):
        decode_coefficients(bytes(size), 2)


@pytest.mark.parametrize(
    ("rule", "pairs", "reason"),
    [
        (DEFAULT, [(65537, 1)], "clip factor 0: expected at most 65536, got 65537"),
        (DEFAULT, [(1, 0)], "sum of the weights: expected 1 to 33554431, got 0"),
        (DEFAULT, [(1, 2**24), (1, 2**24)], "sum of the weights"),
        (DEFAULT, [], "sum of the weights"),
        (PLAIN, [(65536, 1), (65535, 1)], "clip factor 1: expected 65536, got 65535"),
        (replace(PLAIN, weighting=Weighting.EQUAL), [(65536, 2)], "weight 0: expected 1, got 2"),
        (
            replace(PLAIN, weighting=Weighting.EQUAL, clip=5),
            [(5, 1), (5, 0)],
            "weight 1: expected 1, got 0",
        ),
    ],
)
def test_check_coefficients__not_well_formed__is_refused(rule, pairs, reason):
    with pytest.raises(CoefficientsRefused, match=reason):
        check_coefficients(rule, [Coefficient(*pair) for pair in pairs])


@pytest.mark.parametrize(
    ("rule", "pairs"),
    [
        (DEFAULT, [(0, 0), (65536, 2**25 - 1)]),
        (PLAIN, [(65536, 0), (65536, 4095)]),
        (replace(PLAIN, clip=5), [(7, 3)]),
        (replace(DEFAULT, weighting=Weighting.EQUAL), [(7, 9), (9, 0)]),
    ],
)
def test_check_coefficients__well_formed__is_taken(rule, pairs):
    check_coefficients(rule, [Coefficient(*pair) for pair in pairs])
