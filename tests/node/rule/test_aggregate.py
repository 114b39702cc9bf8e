"""The fast form is the readable form; the golden vectors are both; and who may be aggregated."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from rule_cases import Case, cases, has_quorum

from node.errors import InputRefused, QuorumRefused, RuleRefused
from node.rule.aggregate import aggregate, check_quorum
from node.rule.coefficients import (
    Coefficient,
    check_coefficients,
    decode_coefficients,
    encode_coefficients,
)
from node.rule.combine import combine
from node.rule.gram import compute_gram
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting
from node.rule.readable import aggregate_readably, clip_update, find_distances, find_step
from node.rule.weights import compute_faults

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rule.json").read_text())


def build_rule(**changed):
    fields = {
        "weighting": Weighting.EQUAL,
        "selection": Selection.NONE,
        "trim_bps": 0,
        "faults_bps": 0,
        "clip": 0,
        "update_bytes": 2,
        "update_bits": 14,
        "model_bits": 20,
    }
    return Rule(**fields | changed)


def build_members(*stakes):
    return [Member(seat, stake, 1) for seat, stake in enumerate(stakes)]


def run(case):
    head, updates = case.arrays
    return aggregate(case.rule, case.roll, case.members, head, updates)


def selects_somebody(case):
    """Multi-Krum may select dust alone; nothing comes of that."""
    return bool(aggregate_readably(case.rule, case.roll, case.members, [], case.updates).credited)


@settings(max_examples=100)
@given(cases())
def test_aggregate__any_rule_and_updates__is_the_readable_form_or_refused(case):
    if not has_quorum(case):
        event("no quorum")
        with pytest.raises(QuorumRefused):
            run(case)
        return
    event(f"{case.rule.weighting.name} {case.rule.selection.name}")
    if not selects_somebody(case):
        event("selected nobody")
        with pytest.raises(QuorumRefused, match="the selected weigh nothing"):
            run(case)
        return
    readable = aggregate_readably(case.rule, case.roll, case.members, case.head, case.updates)
    result = run(case)
    assert [(each.clip, each.weight) for each in result.coefficients] == readable.coefficients
    assert result.model.dtype == np.int32
    assert result.model.tolist() == readable.model
    assert list(result.credited) == readable.credited


@settings(max_examples=60)
@given(cases())
def test_aggregate__any_result__has_well_formed_coefficients(case):
    assume(has_quorum(case))
    assume(selects_somebody(case))
    result = run(case)
    check_coefficients(case.rule, result.coefficients)
    wire = encode_coefficients(result.coefficients)
    assert decode_coefficients(wire, len(case.members)) == list(result.coefficients)


@settings(max_examples=60)
@given(cases(), st.randoms(use_true_random=False))
def test_aggregate__members_permuted__permutes_coefficients_and_keeps_the_model(case, random):
    """Only where no two neighbours of a member are equally far: ties go by position."""
    assume(has_quorum(case))
    assume(selects_somebody(case))
    before = aggregate_readably(case.rule, case.roll, case.members, case.head, case.updates)
    if case.rule.selection != Selection.NONE:
        factors = [factor for factor, _ in before.coefficients]
        distances = find_distances(case.updates, factors)
        count = len(distances)
        for i, row in enumerate(distances):
            others = [row[j] for j in range(count) if j != i]
            assume(len(set(others)) == len(others))
        if case.rule.selection == Selection.MULTI_KRUM:
            near = count - compute_faults(case.rule, case.roll) - 2
            scores = {sum(sorted(row)[1 : near + 1]) for row in distances}
            assume(len(scores) == count)
    order = list(range(len(case.members)))
    random.shuffle(order)
    moved = [
        Member(old.seat, case.members[j].stake_wei, case.members[j].samples)
        for old, j in zip(case.members, order, strict=True)
    ]
    after = run(Case(case.rule, case.roll, moved, case.head, [case.updates[j] for j in order]))
    pairs = [(each.clip, each.weight) for each in after.coefficients]
    assert pairs == [before.coefficients[j] for j in order]
    assert after.model.tolist() == before.model


@settings(max_examples=60)
@given(cases())
def test_aggregate__all_updates_equal__moves_the_head_by_exactly_that(case):
    rule = replace(case.rule, clip=case.rule.clip and 10**9)
    same = [case.updates[0]] * len(case.members)
    case = Case(rule, case.roll, case.members, case.head, same)
    assume(has_quorum(case))
    assume(selects_somebody(case))
    moved = [old + (u << case.rule.guard) for old, u in zip(case.head, same[0], strict=True)]
    assert run(case).model.tolist() == [min(max(m, -(2**31)), 2**31 - 1) for m in moved]


@pytest.mark.parametrize("case", VECTORS["aggregates"], ids=lambda case: case["name"])
def test_aggregate__golden_vector__agrees_in_both_forms(case):
    fields = case["rule"]
    rule = Rule(
        **fields
        | {
            "weighting": Weighting(fields["weighting"]),
            "selection": Selection(fields["selection"]),
        }
    )
    roll, members = Roll(**case["roll"]), [Member(**member) for member in case["members"]]
    readable = aggregate_readably(rule, roll, members, case["head"], case["updates"])
    assert readable.model == case["model"]
    assert [list(pair) for pair in readable.coefficients] == case["coefficients"]
    result = run(Case(rule, roll, members, case["head"], case["updates"]))
    assert result.model.tolist() == case["model"]
    assert encode_coefficients(result.coefficients).hex() == case["wire"]
    assert list(result.credited) == case["credited"]


@pytest.mark.parametrize("case", VECTORS["steps"], ids=lambda case: str(case["values"]))
def test_combine__golden_step__agrees_in_both_forms(case):
    votes, guard, trim_bps = case["weights"], case["guard"], case["trim_bps"]
    assert find_step(case["values"], votes, trim_bps, guard) == case["step"]
    size = 1 if guard > 20 else 2
    rule = build_rule(
        weighting=Weighting.STAKE,
        trim_bps=trim_bps,
        update_bits=0,
        model_bits=guard,
        update_bytes=size,
    )
    updates = [np.array([value], f"int{8 * size}") for value in case["values"]]
    coefficients = [Coefficient(65536, vote) for vote in votes]
    model = combine(rule, np.zeros(1, np.int32), updates, coefficients)
    assert model.tolist() == [min(max(case["step"], -(2**31)), 2**31 - 1)]


@pytest.mark.parametrize("case", VECTORS["clips"], ids=str)
def test_combine__golden_clip__agrees_in_both_forms(case):
    assert clip_update([case["value"]], case["factor"]) == [case["clipped"]]
    rule = build_rule(weighting=Weighting.STAKE, clip=1, update_bits=0, model_bits=0)
    updates = [np.array([case["value"]], np.int16)]
    model = combine(rule, np.zeros(1, np.int32), updates, [Coefficient(case["factor"], 5)])
    assert model.tolist() == [case["clipped"]]


def test_check_quorum__twice_the_faulty_weight__is_the_edge():
    rule = build_rule(
        weighting=Weighting.STAKE, selection=Selection.VOUCHED, clip=9, faults_bps=2500
    )  # B = 1024, so W must be above 2048
    check_quorum(rule, Roll(4096, 3), build_members(2048, 1))
    with pytest.raises(QuorumRefused) as caught:
        check_quorum(rule, Roll(4096, 3), build_members(2048))
    assert str(caught.value) == ("rule: included weight too low: expected above 2 * 1024, got 2048")


def test_check_quorum__equal_weights__needs_more_than_two_f():
    rule = build_rule(trim_bps=2500, faults_bps=2000)
    check_quorum(rule, Roll(10, 10), build_members(*[1] * 5))
    with pytest.raises(QuorumRefused, match=r"above 2 \* 2, got 4"):
        check_quorum(rule, Roll(10, 10), build_members(*[1] * 4))


def test_check_quorum__multi_krum__needs_two_f_and_three():
    rule = build_rule(selection=Selection.MULTI_KRUM, clip=9, faults_bps=2000)
    check_quorum(rule, Roll(10, 10), build_members(*[1] * 7))
    with pytest.raises(QuorumRefused, match=r"at least 2 \* 2 \+ 3 members, got 6"):
        check_quorum(rule, Roll(10, 10), build_members(*[1] * 6))


def test_check_quorum__only_dust__is_refused():
    rule = build_rule(weighting=Weighting.STAKE)
    with pytest.raises(QuorumRefused, match=r"above 2 \* 0, got 0"):
        check_quorum(rule, Roll(10**9, 2), build_members(1, 1))


def test_aggregate__multi_krum_selects_only_dust__is_refused():
    rule = build_rule(
        weighting=Weighting.STAKE, selection=Selection.MULTI_KRUM, clip=9, faults_bps=2500
    )
    members = build_members(1, 1, 1, 1, 10**9)
    updates = np.array([[0]] * 4 + [[9]], np.int16)
    with pytest.raises(QuorumRefused, match="the selected weigh nothing"):
        aggregate(rule, Roll(10**9 + 4, 5), members, np.zeros(1, np.int32), updates)


@pytest.mark.parametrize(
    ("changed", "error", "reason"),
    [
        ({"rule": build_rule(trim_bps=5001)}, RuleRefused, "trim out of range"),
        ({"members": []}, InputRefused, "members: expected at least 1"),
        ({"roll": Roll(2, 1)}, InputRefused, "at most 1, those active"),
        ({"members": build_members(1, 1)[::-1]}, InputRefused, "ascending"),
        ({"members": build_members(1, 1)[:1] * 2}, InputRefused, "ascending"),
        ({"members": build_members(1, 2)}, InputRefused, "power at the opening"),
        ({"members": build_members(1, -1)}, InputRefused, "none negative"),
        ({"head": np.zeros(3, np.int64)}, InputRefused, "head: expected int32"),
        ({"head": np.zeros((1, 3), np.int32)}, InputRefused, "head: expected int32"),
        ({"updates": np.zeros((3, 3), np.int16)}, InputRefused, "number of updates"),
        ({"updates": np.zeros((2, 2), np.int16)}, InputRefused, "update 0"),
        ({"updates": np.zeros((2, 3), np.int8)}, InputRefused, "update 0: expected int16"),
        ({"updates": np.zeros((2, 3))}, InputRefused, "update 0: expected int16"),
    ],
)
def test_aggregate__one_thing_broken__is_refused(changed, error, reason):
    good = {
        "rule": build_rule(),
        "roll": Roll(2, 2),
        "members": build_members(1, 1),
        "head": np.zeros(3, np.int32),
        "updates": np.ones((2, 3), np.int16),
    }
    assert aggregate(**good).model.tolist() == [64] * 3
    with pytest.raises(error, match=reason):
        aggregate(**good | changed)


def test_aggregate__read_only_rows_or_one_matrix__is_the_same_and_changes_nothing():
    generator = np.random.default_rng(3)
    matrix = generator.integers(-500, 500, (5, 40), np.int16)
    kept = matrix.copy()
    head = generator.integers(-500, 500, 40, np.int32)
    matrix.flags.writeable = head.flags.writeable = False
    for trim_bps in (0, 2000, 5000):
        rule = build_rule(
            weighting=Weighting.STAKE,
            selection=Selection.VOUCHED,
            clip=1000,
            faults_bps=2000,
            trim_bps=trim_bps,
        )
        members = build_members(5, 6, 7, 8, 9)
        one = aggregate(rule, Roll(35, 5), members, head, matrix)
        other = aggregate(rule, Roll(35, 5), members, head, [np.array(row) for row in matrix])
        assert (one.model == other.model).all()
    assert (matrix == kept).all()


@pytest.mark.parametrize("trim_bps", [0, 1500, 5000])
def test_aggregate__longer_than_a_block__agrees_at_sampled_coordinates(trim_bps):
    generator = np.random.default_rng(4)
    coordinates = 2 * 2**15 + 3
    updates = generator.integers(-(2**15), 2**15, (6, coordinates), np.int16)
    head = generator.integers(-(2**20), 2**20, coordinates, np.int32)
    rule = build_rule(
        weighting=Weighting.STAKE,
        selection=Selection.VOUCHED,
        clip=4_000_000,
        faults_bps=1500,
        trim_bps=trim_bps,
    )
    result = aggregate(rule, Roll(21, 6), build_members(1, 2, 3, 4, 5, 6), head, updates)
    assert result.coefficients[0].clip < 65536
    votes = [each.weight for each in result.coefficients]
    for k in [0, 1, 2**14 - 1, 2**14, 2**15 - 1, 2**15, 2**16 - 1, 2**16, coordinates - 1]:
        column = [
            clip_update([int(update[k])], each.clip)[0]
            for update, each in zip(updates, result.coefficients, strict=True)
        ]
        assert result.model[k] == head[k] + find_step(column, votes, trim_bps, rule.guard)
    assert compute_gram(updates)[0][1] == sum(
        a * b for a, b in zip(updates[0].tolist(), updates[1].tolist(), strict=True)
    )
