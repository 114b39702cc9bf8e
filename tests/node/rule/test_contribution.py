"""Contributions: the fast form is the readable one, the golden vectors are both; and what the
measure pays and does not pay for."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from rule_cases import cases, has_quorum

from node.errors import InputRefused, QuorumRefused
from node.rule.aggregate import aggregate, check_quorum
from node.rule.coefficients import Coefficient
from node.rule.combine import combine
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


def pull(*parts):
    """Return updates that go so many parts of one and the same way."""
    way = np.random.default_rng(0).normal(0, 500, COORDINATES)
    return [part * way for part in parts]


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


@settings(max_examples=60)
@given(histories())
def test_compute_contributions__any_rule_and_rounds__is_the_readable_form(history):
    rule, agreement, following, before = history
    found = compute_contributions(
        rule, agreement, following, None if before is None else np.array(before, np.int32)
    )
    event(f"{rule.selection.name}, {'some' if max(found) > 0 else 'no'} merit")
    assert found == contribute_readably(
        rule, to_readable(agreement), to_readable(following), before
    )


@pytest.mark.parametrize("case", VECTORS["contributions"], ids=lambda case: case["name"])
def test_compute_contributions__golden_vectors__are_met(case):
    rule = Rule(**case["rule"])
    first, second, third = (build_agreement(rule, each) for each in case["rounds"])
    assert compute_contributions(rule, first, second, None) == case["contributions"][0]
    assert compute_contributions(rule, second, third, first.head) == case["contributions"][1]


def build_agreement(rule, drawn):
    dtype = np.int8 if rule.update_bytes == 1 else np.int16
    return Agreement(
        Roll(**drawn["roll"]),
        [Member(**member) for member in drawn["members"]],
        np.array(drawn["head"], np.int32),
        [np.array(update, dtype) for update in drawn["updates"]],
        [Coefficient(*pair) for pair in drawn["coefficients"]],
        np.array(drawn["model"], np.int32),
    )


# -- what it pays for -----------------------------------------------------------------------


def test_compute_contributions__more_of_what_is_wanted_next__has_merit_and_less_has_blame():
    parts = [0.4, 1.6, 0.7, 1.3, 0.9, 1.1]
    agreement, following = play(MEAN, pull(*parts), pull(*[1] * 6))
    found = compute_contributions(MEAN, agreement, following, None)
    assert [each > 0 for each in found] == [part > 1 for part in parts]
    assert sorted(range(6), key=found.__getitem__) == sorted(range(6), key=parts.__getitem__)


@pytest.mark.parametrize("rule", [MEAN, TRIMMED, VOUCHED, KRUM])
def test_compute_contributions__seats_permuted__permutes_contributions(rule):
    stakes, next_stakes = [1024 + 64 * i for i in range(7)], [1024] * 7
    updates, order = draw_updates(7, 1), [3, 6, 0, 5, 1, 4, 2]
    before = play(rule, draw_updates(7, 0))[0]
    agreement = agree(rule, before.model, updates, stakes)
    following = agree(rule, agreement.model, draw_updates(7, 2), next_stakes)
    permuted = agree(rule, before.model, [updates[i] for i in order], [stakes[i] for i in order])
    assert permuted.model.tolist() == agreement.model.tolist()
    found = measure(rule, before, agreement, following)
    assert measure(rule, before, permuted, following) == [found[i] for i in order]


def test_compute_contributions__stake_split_over_seats_in_the_next_round__wants_the_same():
    before, agreement, following = play(MEAN, *(draw_updates(4, seed) for seed in range(3)))
    updates = following.updates
    split = agree(
        MEAN, agreement.model, [*updates, updates[3], updates[3]], [1024] * 3 + [512, 256, 256]
    )
    assert measure(MEAN, before, agreement, split) == measure(MEAN, before, agreement, following)


def test_compute_contributions__a_seat_split_into_two__earns_less_than_before():
    whole = agree(MEAN, np.zeros(COORDINATES), pull(0.5, 0.7, 0.9, 2))
    split = agree(MEAN, whole.head, pull(0.5, 0.7, 0.9, 2, 2), [1024] * 3 + [512, 512])
    assert split.model.tolist() == whole.model.tolist()
    following = agree(MEAN, whole.model, pull(1, 1, 1, 1))
    one = compute_contributions(MEAN, whole, following, None)
    two = compute_contributions(MEAN, split, following, None)
    assert two[:3] == pytest.approx(one[:3], rel=0.01)  # weights are rounded to 4096ths
    assert 0 < two[3] + two[4] < one[3]


def test_compute_contributions__no_step_before_or_one_of_zeros__nothing_counts_as_copied():
    agreement = agree(MEAN, np.arange(COORDINATES), pull(0.5, 1.5))
    following = agree(MEAN, agreement.model, pull(1, 1))
    first = compute_contributions(MEAN, agreement, following, None)
    assert first[0] < 0 < first[1]
    assert compute_contributions(MEAN, agreement, following, agreement.head) == first
    # A step before that is the same in all coordinates has something of any way.
    blamed, copied = compute_contributions(MEAN, agreement, following, agreement.head - np.int32(9))
    assert blamed == first[0]
    assert 0 < copied < first[1]


# -- what it does not pay for ---------------------------------------------------------------


@pytest.mark.parametrize("rule", [MEAN, TRIMMED])
def test_compute_contributions__a_copy_of_the_last_step__earns_nearly_nothing(rule):
    before, _ = play(rule, pull(*[1] * 7), pull(1))
    copy = (before.model >> rule.guard).astype(float)
    agreement = agree(rule, before.model, [*pull(0.3, 0.4, 0.5, 0.5, 0.6, 0.7), copy])
    following = agree(rule, agreement.model, pull(*[1] * 7))
    unseen = compute_contributions(rule, agreement, following, None)[6]
    assert 0 <= measure(rule, before, agreement, following)[6] < unseen / 10**5


@pytest.mark.parametrize("rule", [MEAN, TRIMMED])
@pytest.mark.parametrize("part", [-0.5, 0])
def test_compute_contributions__against_the_others_or_idle__is_blamed(rule, part):
    agreement, following = play(rule, pull(0.7, 0.8, 0.9, 1.1, 1.2, 1.3, part), pull(*[1] * 7))
    assert compute_contributions(rule, agreement, following, None)[6] < 0


def test_compute_contributions__pulling_against_what_the_rule_then_does__has_no_merit():
    rule = replace(MEAN, trim_bps=4500, faults_bps=2000)
    agreement = agree(rule, [0], [[-20], [-10], [1], [5], [10]])
    # The mean of the peers goes down either way, the rule only the second time.
    against = agree(rule, agreement.model, [[10], [10], [10], [-400], [-400]])
    along = agree(rule, agreement.model, [[10], [10], [-100], [-400], [-400]])
    assert against.model[0] > agreement.model[0] > along.model[0]
    assert compute_contributions(rule, agreement, against, None)[0] == 0
    assert compute_contributions(rule, agreement, along, None)[0] > 0


def test_compute_contributions__who_is_not_vouched_for__earns_nothing():
    before = play(VOUCHED, draw_updates(7, 0))[0]
    far = 50 * np.ones(COORDINATES) * np.resize([1, -1], COORDINATES)
    agreement = agree(VOUCHED, before.model, [*draw_updates(6, 1), 20 * far])
    following = agree(VOUCHED, agreement.model, draw_updates(7, 2))
    assert agreement.coefficients[6].weight == 0
    assert measure(VOUCHED, before, agreement, following)[6] == 0


# -- the model without one ------------------------------------------------------------------


@pytest.mark.parametrize("rule", [MEAN, TRIMMED, VOUCHED, KRUM])
def test_compute_model_without__a_quorum_is_left__is_the_rule_without_the_seat(rule):
    stakes, head = [1024 + 64 * i for i in range(8)], np.arange(COORDINATES)
    agreement = agree(rule, head, draw_updates(8, 1), stakes, absent=1)
    gram = compute_gram(agreement.updates) if rule.clip else None
    for out in range(8):
        rest = [i for i in range(8) if i != out]
        expected = agree(
            rule, head, [agreement.updates[i] for i in rest], [stakes[i] for i in rest], absent=1
        )
        found = compute_model_without(rule, agreement, gram, out)
        assert found.tolist() == expected.model.tolist()


def test_compute_model_without__no_quorum_is_left__the_others_keep_their_coefficients():
    """Three seats are absent: 4 of 7 are enough where a quarter may be faulty, 3 of 6 are not."""
    rule = replace(VOUCHED, faults_bps=2500)
    agreement = agree(rule, [0, 0], [[30, 10], [10, 30], [50, 20], [20, 50]], absent=3)
    gram = compute_gram(agreement.updates)
    rest = [agreement.members[i] for i in (1, 2, 3)]
    with pytest.raises(QuorumRefused, match="included weight too low"):
        check_quorum(rule, Roll(6 * 1024, 6), rest)
    found = compute_model_without(rule, agreement, gram, 0)
    kept = agreement.coefficients[1:]
    assert found.tolist() == combine(rule, agreement.head, agreement.updates[1:], kept).tolist()


def test_compute_model_without__the_only_one__leaves_the_head():
    agreement = agree(MEAN, [5, -5], [[100, 200]])
    assert compute_model_without(MEAN, agreement, None, 0).tolist() == [5, -5]


# -- what does not belong together ----------------------------------------------------------


def test_compute_contributions__another_head__is_refused():
    agreement, following = play(MEAN, draw_updates(3, 0), draw_updates(3, 1))
    strange = replace(following, head=following.head + np.int32(1))
    with pytest.raises(InputRefused) as caught:
        compute_contributions(MEAN, agreement, strange, None)
    expected = "contribution: next head: expected the model agreed before, got another model"
    assert str(caught.value) == expected


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("field", ["members", "updates", "coefficients"])
def test_compute_contributions__counts_that_clash__are_refused(which, field):
    pair = play(MEAN, draw_updates(3, 0), draw_updates(3, 1))
    pair[which] = replace(pair[which], **{field: getattr(pair[which], field)[:2]})
    with pytest.raises(InputRefused, match="contribution: counts: expected as many members"):
        compute_contributions(MEAN, *pair, None)
