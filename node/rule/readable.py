"""The rule once more, for reading: lists, Python integers and fractions, nothing fast.

Written from the protocol, not from the other modules of this room; a differential test holds the
two forms together, and golden vectors come from this one. Where the fast form works with the Gram
matrix, this one clips whole vectors and measures them; where the fast form shifts and floors, this
one rounds fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt
from statistics import median_low

from chain.types import Seat
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting

Vector = Sequence[int]
HALF = Fraction(1, 2)
ONE = 65536  # a clip factor that leaves an update as it is


@dataclass(frozen=True)
class ReadableAggregate:
    """A result; each coefficient is the pair (clip factor, weight)."""

    model: list[int]
    coefficients: list[tuple[int, int]]
    credited: list[Seat]


def aggregate_readably(
    rule: Rule, roll: Roll, members: Sequence[Member], head: Vector, updates: Sequence[Vector]
) -> ReadableAggregate:
    """Return the result of inputs that `check_rule` and `check_quorum` accept.

    Where multi_krum selects members of no weight alone, there is none: `ZeroDivisionError`.

    >>> rule = Rule(Weighting.EQUAL, Selection.NONE, 0, 0, 0, 2, 14, 15)
    >>> members = [Member(Seat(0), 5, 1), Member(Seat(1), 5, 1)]
    >>> aggregate_readably(rule, Roll(10, 2), members, [100], [[3], [4]]).model
    [107]
    """
    weights = weigh(rule, roll, members)
    factors = find_clip_factors(rule, weights, updates)
    votes = select(rule, roll, weights, factors, updates)
    clipped = [clip_update(*pair) for pair in zip(updates, factors, strict=True)]
    model = []
    for k, old in enumerate(head):
        step = find_step([x[k] for x in clipped], votes, rule.trim_bps, rule.guard)
        model.append(min(max(old + step, -(2**31)), 2**31 - 1))
    credited = [m.seat for m, vote in zip(members, votes, strict=True) if vote > 0]
    return ReadableAggregate(model, list(zip(factors, votes, strict=True)), credited)


def weigh(rule: Rule, roll: Roll, members: Sequence[Member]) -> list[int]:
    """What each member counts for: its share of 4096 parts, or one."""
    if rule.weighting == Weighting.EQUAL:
        return [1 for _ in members]
    if rule.weighting == Weighting.STAKE:
        return [floor(Fraction(4096 * m.stake_wei, roll.power_wei)) for m in members]
    believable = 4 * median_low([m.samples for m in members])
    claims = [min(m.samples, believable) for m in members]
    everything = sum(claims)
    return [max(1, floor(Fraction(4096 * c, everything)) if everything else 0) for c in claims]


def count_faulty(rule: Rule, roll: Roll) -> int:
    """How many of the seats active at the opening may be faulty."""
    return floor(Fraction(roll.active * rule.faults_bps, 10000))


def weigh_faulty(rule: Rule, roll: Roll) -> int:
    """How much weight may be faulty."""
    if rule.weighting == Weighting.SAMPLES:
        return 0
    if rule.weighting == Weighting.EQUAL:
        return count_faulty(rule, roll)
    return floor(Fraction(4096 * rule.faults_bps, 10000))


def measure(vector: Vector) -> int:
    """The length of a vector, rounded down."""
    return isqrt(sum(u * u for u in vector))


def find_clip_factors(rule: Rule, weights: Sequence[int], updates: Sequence[Vector]) -> list[int]:
    """By what, in parts of 65536, each update is shortened to the limit."""
    if rule.clip == 0:
        return [ONE for _ in updates]
    lengths = [measure(update) for update in updates]
    everything = sum(weights)

    def reaches_half(length: int) -> bool:
        within = [w for w, other in zip(weights, lengths, strict=True) if other <= length]
        return 2 * sum(within) >= everything

    typical = min(length for length in lengths if reaches_half(length))
    limit = min(rule.clip, 2 * typical)
    factors = []
    for update, length in zip(updates, lengths, strict=True):
        is_within = sum(u * u for u in update) <= limit * limit
        factors.append(ONE if is_within else floor(Fraction(ONE * limit, length)))
    return factors


def clip_update(update: Vector, factor: int) -> list[int]:
    """The update times its factor, each coordinate rounded to the nearest, halves upwards."""
    return [floor(Fraction(u * factor, ONE) + HALF) for u in update]


def find_distances(updates: Sequence[Vector], factors: Sequence[int]) -> list[list[int]]:
    """Squared distances between the shortened updates, before they are rounded to integers."""
    scaled = [[c * u for u in update] for update, c in zip(updates, factors, strict=True)]
    return [
        [sum((p - q) ** 2 for p, q in zip(one, other, strict=True)) for other in scaled]
        for one in scaled
    ]


def select(
    rule: Rule,
    roll: Roll,
    weights: Sequence[int],
    factors: Sequence[int],
    updates: Sequence[Vector],
) -> list[int]:
    """How much each member's update weighs in the mean."""
    if rule.selection == Selection.NONE:
        return list(weights)
    distances = find_distances(updates, factors)
    if rule.selection == Selection.VOUCHED:
        return select_vouched(weights, distances, weigh_faulty(rule, roll))
    return select_krum(weights, distances, count_faulty(rule, roll))


def select_vouched(weights: Sequence[int], distances: Sequence[Vector], faulty: int) -> list[int]:
    """Each member hands out vouchers for as much weight as must be honest: the nearest first."""
    n = len(weights)
    vouchers = [[0] * n for _ in range(n)]
    for i in range(n):
        to_give = sum(weights) - faulty
        others = [j for j in range(n) if j != i]
        others.sort(key=lambda j, i=i: (distances[i][j], (j - i) % n))  # type: ignore[misc]
        for j in (i, *others):
            vouchers[i][j] = min(weights[j], to_give)
            to_give -= vouchers[i][j]
    votes = []
    for j in range(n):
        received = sum(weights[i] * vouchers[i][j] for i in range(n))
        is_trusted = received > faulty * weights[j]
        votes.append(received if is_trusted else 0)
    return votes


def select_krum(weights: Sequence[int], distances: Sequence[Vector], faults: int) -> list[int]:
    """The members nearest to their neighbours keep their weight; as many drop out as may lie."""
    n = len(weights)
    ranking = []
    for i in range(n):
        to_others = [distance for j, distance in enumerate(distances[i]) if j != i]
        score = sum(sorted(to_others)[: n - faults - 2])
        ranking.append((score, i))
    kept = [i for _, i in sorted(ranking)[: n - faults]]
    return [weights[i] if i in kept else 0 for i in range(n)]


def find_step(values: Vector, votes: Vector, trim_bps: int, guard: int) -> int:
    """The trimmed mean of one coordinate, in units of the model, halves rounded upwards.

    >>> [find_step([v], [1], 0, 0) for v in (-3, 2)]
    [-3, 2]
    >>> [find_step([v, 0], [1, 1], 0, 0) for v in (-1, -3, 3)]
    [0, -1, 2]
    """
    everything = sum(votes)
    trimmed = (everything - 1) // 2 if trim_bps == 5000 else everything * trim_bps // 10000
    to_skip, to_take = trimmed, everything - 2 * trimmed
    total = 0
    for value, vote in sorted(zip(values, votes, strict=True)):
        skipped = min(vote, to_skip)
        taken = min(vote - skipped, to_take)
        to_skip, to_take = to_skip - skipped, to_take - taken
        total += taken * value
    return floor(Fraction(total * 2**guard, everything - 2 * trimmed) + HALF)
