"""The measure of contribution once more, for reading: lists, Python integers and fractions.

Written from the protocol, not from `contribution`; a differential test holds the two together, and
golden vectors come from this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from chain.types import Wei
from node.rule.parameters import Member, Roll, Rule, Selection
from node.rule.readable import (
    Vector,
    aggregate_readably,
    clip_update,
    count_faulty,
    find_step,
    weigh,
    weigh_faulty,
)


@dataclass(frozen=True)
class ReadableAgreement:
    """What was agreed, and what it was made of; each coefficient is (clip factor, weight)."""

    roll: Roll
    members: Sequence[Member]
    head: Vector
    updates: Sequence[Vector]
    coefficients: Sequence[tuple[int, int]]
    model: Vector


def contribute_readably(
    rule: Rule, agreed: ReadableAgreement, following: ReadableAgreement, before: Vector | None
) -> list[int]:
    """What each member of `agreed` brought, in squared units of the model, rounded down; what
    harmed counts below 0.

    >>> from node.rule.parameters import Selection, Weighting
    >>> from chain.types import Seat
    >>> rule = Rule(Weighting.EQUAL, Selection.NONE, 0, 0, 0, 2, 14, 14)
    >>> two, whole = [Member(Seat(0), 1, 1), Member(Seat(1), 1, 1)], [(65536, 1)] * 2
    >>> one = ReadableAgreement(Roll(2, 2), two, [0], [[6], [2]], whole, [4])
    >>> other = ReadableAgreement(Roll(2, 2), two, [4], [[3], [5]], whole, [8])
    >>> contribute_readably(rule, one, other, None)  # 2 * 4 + 2**2 / 2, and -2 * 4 + 2**2 / 2
    [10, -6]
    """
    wanted = find_wanted(rule, following)
    onward = subtract(following.model, following.head)
    found = []
    for i, (factor, vote) in enumerate(agreed.coefficients):
        update = clip_update(agreed.updates[i], factor)
        owed = subtract(agreed.model, leave_out(rule, agreed, i))
        gain = multiply(owed, wanted) + multiply(owed, owed) / 2
        past = [0 for _ in update] if before is None else subtract(agreed.head, before)
        if gain > 0:
            is_with_the_rule = multiply(update, onward) > 0
            gain *= (1 - find_likeness(update, past)) if is_with_the_rule else 0
        found.append(floor(gain) if vote > 0 else 0)
    return found


def find_wanted(rule: Rule, following: ReadableAgreement) -> list[int | Fraction]:
    """The mean of what peers want at a head, by their weights, in units of the model."""
    weights = weigh(rule, following.roll, following.members)
    total: list[int | Fraction] = [0 for _ in following.head]
    for weight, update, (factor, _) in zip(
        weights, following.updates, following.coefficients, strict=True
    ):
        share = Fraction(weight * 2**rule.guard, sum(weights))
        shortened = clip_update(update, factor)
        total = [old + share * x for old, x in zip(total, shortened, strict=True)]
    return total


def leave_out(rule: Rule, agreed: ReadableAgreement, i: int) -> list[int]:
    """The model that the others would have made: by the rule, or, where it may not be applied to
    them, with the coefficients that they had."""
    rest = [j for j in range(len(agreed.members)) if j != i]
    members = [agreed.members[j] for j in rest]
    updates = [agreed.updates[j] for j in rest]
    power = agreed.roll.power_wei - agreed.members[i].stake_wei
    if members and power > 0:
        roll = Roll(Wei(power), agreed.roll.active - 1)
        if may_apply(rule, roll, members, updates):
            return aggregate_readably(rule, roll, members, agreed.head, updates).model
    votes = [agreed.coefficients[j][1] for j in rest]
    if sum(votes) == 0:
        return list(agreed.head)
    clipped = [clip_update(agreed.updates[j], agreed.coefficients[j][0]) for j in rest]
    model = []
    for k, old in enumerate(agreed.head):
        moved = old + find_step([x[k] for x in clipped], votes, rule.trim_bps, rule.guard)
        model.append(min(max(moved, -(2**31)), 2**31 - 1))
    return model


def may_apply(rule: Rule, roll: Roll, members: Sequence[Member], updates: Sequence[Vector]) -> bool:
    """Whether enough weight is there, enough members for multi_krum, and somebody is selected."""
    if not 2 * weigh_faulty(rule, roll) < sum(weigh(rule, roll, members)):
        return False
    is_krum = rule.selection == Selection.MULTI_KRUM
    if is_krum and len(members) < 2 * count_faulty(rule, roll) + 3:
        return False
    return bool(aggregate_readably(rule, roll, members, [], updates).credited)


def find_likeness(update: Vector, past: Vector) -> Fraction:
    """The squared cosine between an update and a step; 0 where either is nothing."""
    squares = multiply(update, update) * multiply(past, past)
    return multiply(update, past) ** 2 / squares if squares else Fraction(0)


def subtract(left: Vector, right: Vector) -> list[int]:
    """The step from `right` to `left`."""
    return [a - b for a, b in zip(left, right, strict=True)]


def multiply(left: Vector, right: Sequence[int | Fraction]) -> Fraction:
    """The inner product."""
    return sum((a * Fraction(b) for a, b in zip(left, right, strict=True)), start=Fraction(0))
