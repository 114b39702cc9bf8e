"""What is told of an update follows from what the rule decides by."""

from dataclasses import replace

import numpy as np
import pytest

from chain.types import Seat, Wei
from node.rule import sorting
from node.rule.aggregate import aggregate
from node.rule.combine import compute_trim, count_trimmed, shorten
from node.rule.contribution import Agreement
from node.rule.parameters import FACTOR_ONE, Member, Roll, Rule, Selection, Weighting
from node.rule.treatment import describe_standing, describe_treatment

COORDINATES = 500
RULE = Rule(Weighting.STAKE, Selection.VOUCHED, 0, 2000, 60_000, 2, 14, 20)
SEATS = 7


def make_agreement(rule, *, samples=10):
    """Six alike and the last its opposite; the first five times as long as its like."""
    random = np.random.default_rng(1)
    aim = random.normal(0, 500, COORDINATES)
    steps = [aim + random.normal(0, 100, COORDINATES) for _ in range(SEATS)]
    steps[0] *= 5
    steps[-1] *= -1
    updates = [np.rint(step).astype(np.int16) for step in steps]
    members = [Member(Seat(2 * n), Wei(10), samples * (1 + 9 * (n == 1))) for n in range(SEATS)]
    roll = Roll(Wei(70), SEATS)
    head = np.zeros(COORDINATES, np.int32)
    made = aggregate(rule, roll, members, head, updates)
    return Agreement(roll, members, head, updates, made.coefficients, made.model)


@pytest.mark.parametrize("selection", [Selection.VOUCHED, Selection.MULTI_KRUM])
def test_describe_treatment__each_member__is_what_was_decided(selection):
    rule = replace(RULE, selection=selection)
    agreement = make_agreement(rule)
    for position, each in enumerate(agreement.coefficients):
        told = describe_treatment(rule, agreement, position)
        assert told.is_as_ruled
        assert (told.norm > told.limit) == (each.clip < FACTOR_ONE) == (position == 0)
        assert sorted(told.distances) == [2 * n for n in range(SEATS) if n != position]
        if selection is Selection.VOUCHED:
            is_chosen = told.vouching.weight > told.vouching.needed
            assert told.vouching.weight * is_chosen == each.weight
        else:
            is_chosen = told.scoring.rank <= told.scoring.chosen
            assert (told.scoring.chosen, told.scoring.members) == (SEATS - 1, SEATS)
        assert is_chosen == (each.weight > 0) == (position != SEATS - 1)
    assert told.trimmed is None


def test_describe_treatment__the_opposite_one__is_far_and_nobody_vouches():
    told = describe_treatment(RULE, make_agreement(RULE), SEATS - 1)
    others = describe_treatment(RULE, make_agreement(RULE), 1)
    assert told.vouching.by == ()
    assert min(told.distances.values()) > 1.5 * told.median_norm
    assert others.vouching.by[:1] == (0,)
    # Seen from both ends a distance is the same.
    assert others.distances[12] == told.distances[2]


def test_describe_treatment__coefficients_that_were_lied_about__is_told():
    agreement = make_agreement(RULE)
    lied = list(agreement.coefficients)
    lied[3] = replace(lied[3], weight=lied[3].weight + 1)
    assert not describe_treatment(RULE, replace(agreement, coefficients=lied), 3).is_as_ruled


def test_describe_treatment__a_rule_that_neither_clips_nor_selects__says_none():
    rule = replace(RULE, selection=Selection.NONE, faults_bps=0, clip=0)
    told = describe_treatment(rule, make_agreement(rule), 0)
    assert (told.limit, told.vouching, told.scoring, told.trimmed) == (None, None, None, None)
    assert told.is_as_ruled
    assert told.norm > 4 * told.median_norm


@pytest.mark.parametrize(("samples", "cap"), [(10, 40), (0, 0)])
def test_describe_standing__by_samples__tells_the_cap(samples, cap):
    rule = Rule(Weighting.SAMPLES, Selection.NONE, 0, 0, 0, 2, 14, 20)
    agreement = make_agreement(rule, samples=samples)
    told = describe_standing(rule, agreement.roll, agreement.members, 1)
    assert told.samples_cap == cap
    assert told.own == agreement.coefficients[1].weight
    assert describe_standing(RULE, agreement.roll, agreement.members, 1).samples_cap is None


@pytest.mark.parametrize("weights", [(1, 1, 1, 1, 1, 1, 1), (4, 1, 9, 2, 2, 7, 3)])
@pytest.mark.parametrize("trim_bps", [2000, 3300, 5000])
def test_find_kept__any_weights__what_it_keeps_is_what_is_summed(weights, trim_bps):
    rule = replace(RULE, selection=Selection.NONE, trim_bps=trim_bps)
    agreement = make_agreement(rule)
    chosen = np.array(weights, np.int64)
    trim = compute_trim(int(chosen.sum()), trim_bps)
    rows = np.stack(
        [shorten(u, c.clip) for u, c in zip(agreement.updates, agreement.coefficients, strict=True)]
    )
    kept = sorting.find_kept(rows, chosen, trim)
    assert (kept >= 0).all()
    assert (kept.sum(axis=0) == chosen.sum() - 2 * trim).all()
    # The middle of the sorted values, each as often as it weighs.
    spread = np.sort(np.repeat(rows, chosen, axis=0), axis=0)
    middle = spread[trim : len(spread) - trim].sum(axis=0, dtype=np.int64)
    assert np.array_equal((kept * rows).sum(axis=0), middle)


def test_count_trimmed__a_trimmed_mean__the_opposite_one_nearly_everywhere():
    rule = replace(RULE, selection=Selection.NONE, trim_bps=2000)
    agreement = make_agreement(rule)
    counts = count_trimmed(rule, agreement.updates, agreement.coefficients)
    # A fifth of seven like weights is cut at either end: one update and two fifths of the next.
    assert sum(counts) == 2 * COORDINATES
    assert counts[-1] > 0.8 * COORDINATES > max(counts[1:-1])
    assert describe_treatment(rule, agreement, 6).trimmed == counts[-1]
    untrimmed = replace(rule, trim_bps=0, faults_bps=0)
    assert count_trimmed(untrimmed, agreement.updates, agreement.coefficients) == [0] * SEATS
