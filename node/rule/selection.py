"""Stage 1: from `n` norms and `n × n` distances to one coefficient for each member.

`n` members have weights `w` of sum `W`, of which `B` may be faulty, and updates with Gram matrix
`G`. Everything is a Python integer, so nothing is rounded but where the protocol says so.
"""

from collections.abc import Sequence
from math import isqrt

from node.rule.coefficients import Coefficient
from node.rule.parameters import FACTOR_ONE, Selection

Gram = Sequence[Sequence[int]]


def compute_median_norm(norms: Sequence[int], weights: Sequence[int]) -> int:
    """Return the least norm such that members of at least half of the weight have no longer one.

    >>> compute_median_norm([7, 1, 5], [1, 1, 2])
    5
    """
    reached, total = 0, sum(weights)
    ordered = sorted(zip(norms, weights, strict=True))
    for norm, weight in ordered:
        reached += weight
        if 2 * reached >= total:
            return norm
    return ordered[-1][0]


def compute_norms(gram: Gram) -> list[int]:
    """Return how long each update is, in units of an update, rounded down."""
    return [isqrt(gram[j][j]) for j in range(len(gram))]


def compute_limit(norms: Sequence[int], weights: Sequence[int], clip: int) -> int:
    """Return the norm that no update may exceed: `clip`, or twice the median norm where that is
    less. One long update cannot buy influence, and no peer has to guess how long an honest one
    will be."""
    return min(clip, 2 * compute_median_norm(norms, weights))


def compute_clip_factors(gram: Gram, weights: Sequence[int], clip: int) -> list[int]:
    """Return, in units of 2**-16, what each update is multiplied by to come down to the limit."""
    norms = compute_norms(gram)
    limit = compute_limit(norms, weights, clip)
    return [
        FACTOR_ONE if gram[j][j] <= limit**2 else FACTOR_ONE * limit // norm
        for j, norm in enumerate(norms)
    ]


def compute_distances(gram: Gram, factors: Sequence[int]) -> list[list[int]]:
    """Return the squared distances of the clipped updates, in units of 2**-32, unrounded."""
    count = len(gram)
    squares = [factors[j] ** 2 * gram[j][j] for j in range(count)]
    return [
        [squares[i] + squares[j] - 2 * factors[i] * factors[j] * gram[i][j] for j in range(count)]
        for i in range(count)
    ]


def select_vouched(
    distances: Sequence[Sequence[int]], weights: Sequence[int], faulty: int
) -> list[int]:
    """Return the weights after every member has vouched for its nearest `W - B`, itself first.

    Nearest-neighbour mixing (Allouah et al. 2023, "Fixing by mixing"), with the average of averages
    multiplied out: what j weighs is the sum over i of `w_i` times what i vouches for in j. Who is
    vouched for by no more than a faulty share could, `B * w_j`, weighs nothing. Needs `2 B < W`.
    """
    vouched = compute_vouches(distances, weights, faulty)
    mixed = [sum(column) for column in zip(*vouched, strict=True)]
    return [weight if weight > faulty * weights[j] else 0 for j, weight in enumerate(mixed)]


def compute_vouches(
    distances: Sequence[Sequence[int]], weights: Sequence[int], faulty: int
) -> list[list[int]]:
    """Return `w_i` times the weight of j that i vouches for, as row i, column j.

    Each vouches for the `W - B` of weight that is nearest to it, itself first; of equally near
    ones the next seat comes first, and of the last one perhaps a part of its weight.
    """
    count, trusted = len(weights), sum(weights) - faulty
    vouches = [[0] * count for _ in range(count)]
    for i in range(count):
        row = distances[i]
        others = sorted(range(1, count), key=lambda ahead: (row[(i + ahead) % count], ahead))
        left = trusted
        for ahead in [0, *others]:
            j = (i + ahead) % count
            vouched = min(weights[j], left)
            vouches[i][j] = weights[i] * vouched
            left -= vouched
    return vouches


def select_multi_krum(
    distances: Sequence[Sequence[int]], weights: Sequence[int], faults: int
) -> list[int]:
    """Return the weights of the `n - f` members with the lowest scores, and 0 for the others.

    Equal scores: the lower seat. Needs `n >= 2 f + 3`.
    """
    count, scores = len(weights), compute_krum_scores(distances, faults)
    chosen = set(sorted(range(count), key=lambda j: (scores[j], j))[: count - faults])
    return [weight if j in chosen else 0 for j, weight in enumerate(weights)]


def compute_krum_scores(distances: Sequence[Sequence[int]], faults: int) -> list[int]:
    """Return, for each member, the sum of the squared distances to the `n - f - 2` others nearest
    to it (Blanchard et al. 2017)."""
    count, scores = len(distances), []
    for i in range(count):
        others = sorted(distances[i][j] for j in range(count) if j != i)
        scores.append(sum(others[: count - faults - 2]))
    return scores


def compute_coefficients(
    selection: Selection,
    clip: int,
    gram: Gram | None,
    weights: Sequence[int],
    faulty: int,
    faults: int,
) -> list[Coefficient]:
    """Return stage 1 as a whole; `gram` is `None` where neither clip nor selection asks for it."""
    if gram is None:
        return [Coefficient(FACTOR_ONE, weight) for weight in weights]
    factors = compute_clip_factors(gram, weights, clip)
    match selection:
        case Selection.NONE:
            chosen = list(weights)
        case Selection.VOUCHED:
            chosen = select_vouched(compute_distances(gram, factors), weights, faulty)
        case Selection.MULTI_KRUM:
            chosen = select_multi_krum(compute_distances(gram, factors), weights, faults)
    return [Coefficient(*pair) for pair in zip(factors, chosen, strict=True)]
