"""Contributions: the fast form is the readable one, the golden vectors are both; and what the
measure pays and does not pay for."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from rule_cases import DTYPES, cases, has_quorum, rules, values

from node.errors import InputRefused, QuorumRefused
from node.rule.aggregate import aggregate
from node.rule.coefficients import Coefficient
from node.rule.contribution import Agreement, compute_contributions, compute_model_without
from node.rule.gram import compute_gram
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting
from node.rule.readable_contribution import ReadableAgreement, contribute_readably

PATH = Path(__file__).parents[2] / "vectors" / "contribution.json"
VECTORS = json.loads(PATH.read_text())
MEAN = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 14, 20)
VOUCHED = replace(MEAN, selection=Selection.VOUCHED, faults_bps=2000, clip=10**6)
KRUM = replace(VOUCHED, selection=Selection.MULTI_KRUM)
TRIMMED = replace(MEAN, trim_bps=2000, faults_bps=2000, clip=10**6)
COORDINATES = 50


def agree(rule, head, updates, stakes=None, absent=0):
    """Apply the rule to members with these stakes (1024 each), some others being absent."""
    stakes = stakes or [1024] * len(updates)
    members = [Member(seat, stake, 1) for seat, stake in enumerate(stakes)]
    roll = Roll(sum(stakes) + 1024 * absent, len(stakes) + absent)
    rows = [np.asarray(row).astype(np.int16) for row in updates]
    result = aggregate(rule, roll, members, np.asarray(head, np.int32), rows)
    return Agreement(
        roll, members, np.asarray(head, np.int32), rows, result.coefficients, result.model
    )


def draw_updates(count, seed, common=200):
    """Return updates that agree on a direction and differ in the rest."""
    generator = np.random.default_rng(seed)
    shared = np.random.default_rng(0).normal(0, common, COORDINATES)
    return [shared + generator.normal(0, 100, COORDINATES) for _ in range(count)]


def play(rule, *rounds, stakes=None):
    """Return agreements, each on the model of the one before, from a head of zeros."""
    found, head = [], np.zeros(COORDINATES, np.int32)
    for updates in rounds:
        found.append(agree(rule, head, updates, stakes))
        head = found[-1].model
    return found


def measure(rule, before, agreement, following):
    return compute_contributions(rule, agreement, following, before.head)


def to_readable(agreement):
    return ReadableAgreement(
        agreement.roll,
        agreement.members,
        agreement.head.tolist(),
        [update.tolist() for update in agreement.updates],
        [(each.clip, each.weight) for each in agreement.coefficients],
        agreement.model.tolist(),
    )


def apply(case, head):
    assume(has_quorum(case))
    _, updates = case.arrays
    try:
        result = aggregate(case.rule, case.roll, case.members, head, updates)
    except QuorumRefused:
        assume(False)
    return Agreement(case.roll, case.members, head, updates, result.coefficients, result.model)


@st.composite
def histories(draw):
    """Draw a rule, two results of it, one on the other, and the model before both, or none."""
    first = draw(cases(largest_count=7))
    size = len(first.head)
    second = draw(cases(largest_count=7, rule=first.rule, coordinates=size))
    agreement = apply(first, first.arrays[0])
    head = st.integers(-(2**31), 2**31 - 1) | st.integers(-5, 5)
    before = draw(st.none() | st.lists(head, min_size=size, max_size=size))
    return first.rule, agreement, apply(second, agreement.model), before


@settings(max_examples=500, deadline=None)
@given(histories())
def test_compute_contributions__any_rule_and_rounds__is_the_readable_form(history):
    rule, agreement, following, before = history
    found = compute_contributions(
        rule, agreement, following, None if before is None else np.array(before, np.int32)
    )
    event(f"{rule.selection.name}, {'some' if any(found) else 'none'} paid")
    assert all(each >= 0 for each in found)
    assert found == contribute_readably(
        rule, to_readable(agreement), to_readable(following), before
    )
