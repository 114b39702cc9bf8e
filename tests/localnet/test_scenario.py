"""Which scenarios are refused, how Byzantine seats are dealt, and what a rule's name sets."""

from dataclasses import replace

import pytest

from localnet.errors import ScenarioRefused
from localnet.scenario import Scenario
from node.errors import QuorumRefused, RuleRefused
from node.rule.choices import RULES
from node.rule.parameters import Selection, Weighting, check_rule


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"peers": 0}, "peers: expected 1 to 128, got 0"),
        ({"peers": 129}, "peers: expected 1 to 128, got 129"),
        ({"rounds": 0}, "rounds: expected at least 1, got 0"),
        ({"seed": -1}, "seed: expected 0 to"),
        ({"seed": 2**63}, "seed: expected 0 to"),
        ({"rule": "krum"}, "rule: expected vouched, multi_krum, trimmed_mean, median, mean, got"),
        ({"weighting": "votes"}, "weighting: expected stake, equal, samples, got 'votes'"),
        ({"min_updates": 0}, "min_updates: expected 1 to 10, as there are 10 peers, got 0"),
        ({"min_updates": 11}, "min_updates: expected 1 to 10, as there are 10 peers, got 11"),
        ({"attest_seconds": 0}, "seconds of a phase: expected at least 1, got 0"),
        ({"grace_seconds": -3}, "seconds of a phase: expected at least 1, got -3"),
        ({"rule": "multi_krum", "peers": 2, "min_updates": 2}, "too few for multi_krum: expected"),
        ({"byzantine": ("11:zero",)}, "byzantine seats: expected at most 10, got 11:zero"),
        ({"byzantine": ("6:zero", "5:noise")}, "byzantine seats"),
        ({"byzantine": ("1:sulk",)}, "byzantine: expected COUNT:KIND"),
    ],
)
def test_check__cannot_be_run__is_refused_with_what_would_do(changed, reason):
    with pytest.raises((ScenarioRefused, RuleRefused, QuorumRefused), match=reason):
        replace(Scenario(), **changed).check()


@pytest.mark.parametrize(
    "changed",
    [
        {"faults_bps": 5000},
        {"rule": "mean", "faults_bps": 1},
        {"clip": 0},
        {"weighting": "samples"},
        {"update_bits": 21},
        {"model_bits": 32},
    ],
)
def test_check__guarantee_does_not_hold__is_refused_by_the_rule(changed):
    with pytest.raises(RuleRefused):
        replace(Scenario(), **changed).check()


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"peers": 1, "min_updates": 1},
        {"peers": 128},
        {"seed": 2**63 - 1},
        {"rule": "mean", "weighting": "samples"},
        {"update_bytes": 1},
        {"byzantine": ("10:absent",)},
        {"byzantine": ("0:zero",)},
    ],
)
def test_check__can_be_run__is_taken(changed):
    replace(Scenario(), **changed).check()


@pytest.mark.parametrize("rule", RULES)
def test_rule_with__every_name__is_a_rule_that_holds(rule):
    built = Scenario(rule=rule).rule_with(1000)
    check_rule(built, 1)
    assert built.weighting == Weighting.STAKE
    assert built.clip == (0 if rule == "mean" else 1000)


def test_rule_with__named_values__stand_over_the_rules_own():
    scenario = Scenario(rule="multi_krum", trim_bps=1500, faults_bps=3000, clip=7, update_bytes=1)
    rule = scenario.rule_with(1000)
    assert (rule.trim_bps, rule.faults_bps, rule.clip, rule.update_bits) == (1500, 3000, 7, 7)
    assert rule.selection == Selection.MULTI_KRUM
    assert not scenario.needs_calibration
    assert scenario.with_rule("vouched").needs_calibration


def test_seat_kinds__several__are_dealt_from_the_highest_seat_down():
    kinds = Scenario(byzantine=("2:boost", "0:zero", "1:absent:3")).seat_kinds()
    assert {seat: kind.kind for seat, kind in kinds.items()} == {
        9: "boost",
        8: "boost",
        7: "absent",
    }


def test_to_json__any_scenario__comes_back():
    scenario = Scenario(options={"hidden": [8], "epochs": 2}, byzantine=("1:zero",), clip=5)
    assert Scenario.from_json(scenario.to_json()) == scenario
