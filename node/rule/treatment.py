"""What the rule made of one update, and by which numbers: nothing new is decided here.

Every number comes from the function that decides with it, so it cannot differ from what was agreed
unless the result itself is wrong, and that is told too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from chain.types import Seat
from node.errors import QuorumRefused
from node.rule.aggregate import select_members
from node.rule.coefficients import Coefficient
from node.rule.combine import count_trimmed
from node.rule.contribution import Agreement
from node.rule.gram import compute_gram
from node.rule.parameters import FACTOR_ONE, Member, Roll, Rule, Selection, Weighting
from node.rule.selection import (
    Gram,
    compute_clip_factors,
    compute_distances,
    compute_krum_scores,
    compute_limit,
    compute_median_norm,
    compute_norms,
    compute_vouches,
)
from node.rule.weights import (
    compute_faults,
    compute_faulty_weight,
    compute_samples_cap,
    compute_weights,
)


@dataclass(frozen=True)
class Standing:
    """What a member brings into the selection: its weight `own` of `total`, of which `faulty` may
    be faulty. `samples_cap`: what a claim of samples counts for at most; None: it counts for
    nothing."""

    own: int
    total: int
    faulty: int
    samples_cap: int | None


@dataclass(frozen=True)
class Vouching:
    """Which others vouch for a member, and for how much: it is selected where `weight` is more than
    `needed`; both are parts of `total`, which all members would give it together."""

    by: tuple[Seat, ...]
    weight: int
    needed: int
    total: int


@dataclass(frozen=True)
class Scoring:
    """Multi-Krum: `rank` of a member's score, the first being 1; the first `chosen` of `members`
    are selected."""

    rank: int
    chosen: int
    members: int


@dataclass(frozen=True)
class Treatment:
    """What became of an update; lengths in units of an update, rounded down.

    `median_norm`: by weight. `limit`: the length that it was shortened to, if it was longer; None:
    the rule has no clip.
    `distances`: to the others, all of them shortened; as the selection saw them. `trimmed`: in how
    many of `coordinates` the trim left nothing of its weight; None: the rule does not trim.
    `is_as_ruled`: whether the agreed coefficients are those that the rule gives.
    """

    norm: int
    median_norm: int
    limit: int | None
    distances: dict[Seat, int]
    vouching: Vouching | None
    scoring: Scoring | None
    trimmed: int | None
    coordinates: int
    is_as_ruled: bool


def describe_standing(rule: Rule, roll: Roll, members: Sequence[Member], position: int) -> Standing:
    """Return what a member brings into the selection. Raises InputRefused."""
    weights = compute_weights(rule, roll, members)
    cap = None
    if rule.weighting == Weighting.SAMPLES:
        cap = compute_samples_cap([member.samples for member in members])
    return Standing(weights[position], sum(weights), compute_faulty_weight(rule, roll), cap)


def describe_treatment(rule: Rule, agreement: Agreement, position: int) -> Treatment:
    """Return what the rule made of the update at a position among the members."""
    roll, members, updates = agreement.roll, agreement.members, agreement.updates
    weights = compute_weights(rule, roll, members)
    gram = compute_gram(updates)
    norms = compute_norms(gram)
    factors = [FACTOR_ONE] * len(members)
    limit = None
    if rule.clip:
        limit = compute_limit(norms, weights, rule.clip)
        factors = compute_clip_factors(gram, weights, rule.clip)
    squares = compute_distances(gram, factors)
    trimmed = count_trimmed(rule, updates, agreement.coefficients) if rule.trim_bps else None
    return Treatment(
        norm=norms[position],
        median_norm=compute_median_norm(norms, weights),
        limit=limit,
        distances={
            member.seat: isqrt(squares[position][other]) // FACTOR_ONE
            for other, member in enumerate(members)
            if other != position
        },
        vouching=_describe_vouching(rule, agreement, squares, position),
        scoring=_describe_scoring(rule, agreement, squares, position),
        trimmed=None if trimmed is None else trimmed[position],
        coordinates=agreement.head.size,
        is_as_ruled=_select(rule, agreement, gram) == list(agreement.coefficients),
    )


def _select(rule: Rule, agreement: Agreement, gram: Gram) -> list[Coefficient] | None:
    """Return the coefficients that the rule gives; None: it must not be applied to these."""
    try:
        return select_members(rule, agreement.roll, agreement.members, gram if rule.clip else None)
    except QuorumRefused:
        return None


def _describe_vouching(
    rule: Rule, agreement: Agreement, squares: Sequence[Sequence[int]], position: int
) -> Vouching | None:
    if rule.selection != Selection.VOUCHED:
        return None
    members = agreement.members
    weights = compute_weights(rule, agreement.roll, members)
    faulty = compute_faulty_weight(rule, agreement.roll)
    vouches = [row[position] for row in compute_vouches(squares, weights, faulty)]
    return Vouching(
        by=tuple(
            member.seat
            for other, (member, vouched) in enumerate(zip(members, vouches, strict=True))
            if vouched and other != position
        ),
        weight=sum(vouches),
        needed=faulty * weights[position],
        total=sum(weights) * weights[position],
    )


def _describe_scoring(
    rule: Rule, agreement: Agreement, squares: Sequence[Sequence[int]], position: int
) -> Scoring | None:
    if rule.selection != Selection.MULTI_KRUM:
        return None
    faults, count = compute_faults(rule, agreement.roll), len(agreement.members)
    scores = compute_krum_scores(squares, faults)
    ranked = sorted(range(count), key=lambda other: (scores[other], other))
    return Scoring(ranked.index(position) + 1, count - faults, count)
