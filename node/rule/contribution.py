"""What each included update brought: a measure that anybody recomputes from the record.

The question is leave-one-out: how much worse would the model be, had this update not been there?
The record holds no test data, but it holds what all peers wanted next. With `D` the step that the
head owes to an update, the head without it is `head' - D`, and to the second order its loss is

    loss(head' - D) - loss(head') = -<gradient(head'), D> + <D, Hessian D> / 2

What the peers of the next height learned from `head'` points, on the whole, down the gradient
there. Let `N` be the mean of it, by the weights of the rule, and take the curvature as one. Then

    gain         = <D, N> + |D|**2 / 2
    contribution = gain * (1 - cos(x, P)**2)     where gain > 0 and <x, R> > 0
                 = 0                             where gain > 0 and <x, R> <= 0
                 = gain                          where gain <= 0

in squared units of the model, where `x` is the update after its clip factor; 0 for who is not
credited. `D` comes from the rule itself, applied again to the others, so being vouched for, clipped
and trimmed is in it. What harmed is told as such and lowers the sum over the heights: noise goes
both ways there, and only what is of use adds up. Merit, not blame, is taken away by two factors:

* `P`, the step before: who sends it again has it from the record, and brings nothing new.
* `R`, the step after: who pulls against what the robust rule does next has no merit, even where
  its like pull `N`, a plain mean, its way. (Flipped labels; the inner-product manipulation of Xie
  et al. 2019, which a bare leave-one-out cosine would pay.)

Few samples make a small `D` that helps as often as it harms (free riders: Fraboni et al. 2021).
Weights stand in `N`, not heads: stake split over many seats wants no more than in one.

Sources: Koh & Liang 2017 for the expansion, Wang et al. 2020 for valuing peers round by round from
the updates alone. What it is held against is leave-one-out by training again, `python -m
benchmarks.contribution`. All in integers, so peers and audit come to the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chain.types import Wei
from node.encoding import Model, Update
from node.errors import InputRefused, QuorumRefused
from node.rule.aggregate import select_members
from node.rule.coefficients import Coefficient
from node.rule.combine import combine, shorten
from node.rule.gram import compute_gram
from node.rule.inner_product import compute_inner_product
from node.rule.parameters import Member, Roll, Rule
from node.rule.selection import Gram
from node.rule.weights import compute_weights

Step = NDArray[np.int64]
"""A difference of models, in units of the model, `(d,)`."""


@dataclass(frozen=True, eq=False)  # arrays have no truth value to compare by
class Agreement:
    """An agreed result, `model`, and all that it was made of; members and updates in seat order."""

    roll: Roll
    members: Sequence[Member]
    head: Model
    updates: Sequence[Update]
    coefficients: Sequence[Coefficient]
    model: Model


@dataclass(frozen=True)
class Merit:
    """The part of a gain that is the seat's own, `new / of`, from 0 to 1; `is_against`: nothing of
    it is, since the update does not point the way of the step after."""

    new: int
    of: int
    is_against: bool = False


@dataclass(frozen=True)
class Value:
    """The contribution of a member, `amount`, and the `gain` that it is a part of; both in squared
    units of the model, rounded down, negative for what harmed."""

    amount: int
    gain: int
    merit: Merit


def compute_contributions(
    rule: Rule, agreement: Agreement, following: Agreement, before: Model | None
) -> list[int]:
    """Return the contribution of each member of `agreement`, in squared units of the model, rounded
    down; negative for what harmed. Arguments and errors are those of `value_updates`."""
    return [each.amount for each in value_updates(rule, agreement, following, before)]


def value_updates(
    rule: Rule, agreement: Agreement, following: Agreement, before: Model | None
) -> list[Value]:
    """Return the contribution of each member of `agreement`, and what it was made of.

    `following` is what was agreed next, on its model; `before` the model that its head was built
    on, int32 `(d,)`, None where the head is the genesis model. What a zero step is parallel to
    nobody can say: without a step before, there is nothing to copy, and the cosine counts as 0.

    Raises InputRefused where the two do not belong together, or members and updates do not.
    """
    check_consecutive(agreement, following)
    wanted, weight = _sum_wanted(rule, following)
    after = compute_step(following.head, following.model)
    past = None if before is None else compute_step(before, agreement.head)
    gram = compute_gram(agreement.updates) if rule.clip else None
    found = []
    for position, (update, each) in enumerate(
        zip(agreement.updates, agreement.coefficients, strict=True)
    ):
        shortened = shorten(update, each.clip)
        if each.weight == 0:
            found.append(Value(0, 0, Merit(1, 1)))
            continue
        without = compute_model_without(rule, agreement, gram, position)
        step = compute_step(without, agreement.model)
        gain = 2 * (compute_inner_product(step, wanted) << rule.guard)
        gain += weight * compute_inner_product(step, step)
        merit = _compute_merit(shortened, past, after) if gain > 0 else Merit(1, 1)
        amount = gain * merit.new // (2 * weight * merit.of)
        found.append(Value(amount, gain // (2 * weight), merit))
    return found


def compute_step(before: Model, after: Model) -> Step:
    """Return the step from one model to another, int32 `(d,)` each."""
    return after.astype(np.int64) - before


def compute_model_without(
    rule: Rule, agreement: Agreement, gram: Gram | None, position: int
) -> Model:
    """Return what the rule would have made of the updates but one, int32 `(d,)`.

    Both stages are run again on the others, as if the seat had never been: its stake is not in the
    power, nor is it one of those that may be faulty. `gram` is the matrix of all updates, None for
    a rule without a clip.

    Where the rule must not be applied to the others, they keep the coefficients that they had: that
    a quorum hung on a seat says nothing of its update, and where a federation is as small as its
    rule allows, all seats would be equal. Where none of the others weighs anything, the head stays.
    """
    rest = [other for other in range(len(agreement.members)) if other != position]
    try:
        coefficients = _select_rest(rule, agreement, gram, rest)
    except QuorumRefused:
        coefficients = [agreement.coefficients[other] for other in rest]
    if not any(each.weight for each in coefficients):
        return agreement.head
    updates = [agreement.updates[other] for other in rest]
    return combine(rule, agreement.head, updates, coefficients)


def _select_rest(
    rule: Rule, agreement: Agreement, gram: Gram | None, rest: Sequence[int]
) -> list[Coefficient]:
    """Return stage 1 for all positions but one. Raises QuorumRefused."""
    members = [agreement.members[other] for other in rest]
    if not members:
        raise QuorumRefused("contribution: other members", "at least 1", 0)
    all_wei = sum(each.stake_wei for each in agreement.members)
    gone_wei = all_wei - sum(each.stake_wei for each in members)
    roll = Roll(Wei(agreement.roll.power_wei - gone_wei), agreement.roll.active - 1)
    if roll.power_wei == 0:
        raise QuorumRefused("contribution: power of the others", "above 0 wei", 0)
    part = None if gram is None else [[gram[i][j] for j in rest] for i in rest]
    return select_members(rule, roll, members, part)


def _sum_wanted(rule: Rule, following: Agreement) -> tuple[Step, int]:
    """Return the sum of the next updates by weight, in units of an update, and of the weights.

    Weights sum to less than 2**13 and updates are int16, so the sum stays below 2**28. A rule that
    has a quorum has a weight above 0.
    """
    weights = compute_weights(rule, following.roll, following.members)
    total = np.zeros(following.head.size, np.int64)
    for update, each, weight in zip(
        following.updates, following.coefficients, weights, strict=True
    ):
        total += shorten(update, each.clip).astype(np.int64) * weight
    return total, sum(weights)


def _compute_merit(update: Update, past: Step | None, after: Step) -> Merit:
    """Return `1 - cos(update, past)**2`; 0 where `update` does not point the way of the step
    `after`."""
    if compute_inner_product(update, after) <= 0:
        return Merit(0, 1, is_against=True)
    if past is None:
        return Merit(1, 1)
    of = compute_inner_product(update, update) * compute_inner_product(past, past)
    if of == 0:
        return Merit(1, 1)
    return Merit(of - compute_inner_product(update, past) ** 2, of)


def check_consecutive(agreement: Agreement, following: Agreement) -> None:
    """Raise InputRefused unless one builds on the other and both are whole."""
    if not np.array_equal(agreement.model, following.head):
        raise InputRefused("contribution: next head", "the model agreed before", "another model")
    for each in (agreement, following):
        counts = (len(each.members), len(each.updates), len(each.coefficients))
        if len(set(counts)) != 1:
            expected = "as many members, updates and coefficients"
            raise InputRefused("contribution: counts", expected, counts)
