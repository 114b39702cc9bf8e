"""Writes contribution.json: `python tests/vectors/generate_contribution_vectors.py`.

Rounds and contributions come from the rule's readable forms, so numpy has no part in them.
"""

from dataclasses import asdict
from random import Random

from generate_rule_vectors import write

from node.rule.parameters import Member, Roll, Rule, Selection, Weighting, check_rule
from node.rule.readable import aggregate_readably
from node.rule.readable_contribution import ReadableAgreement, contribute_readably


def agree(rule, head, updates, stakes):
    members = [Member(seat, stake, 10 + seat) for seat, stake in enumerate(stakes)]
    roll = Roll(sum(stakes), len(stakes))
    result = aggregate_readably(rule, roll, members, head, updates)
    return ReadableAgreement(roll, members, head, updates, result.coefficients, result.model)


def build_case(name, rule, stakes, size=6):
    """Three rounds of peers that agree on a direction, but for the last, which opposes it."""
    generator = Random(name)
    check_rule(rule, size)
    common = [generator.randint(-60, 60) for _ in range(size)]

    def learn(seat):
        sign = -1 if seat == len(stakes) - 1 else 1
        return [sign * x + generator.randint(-30, 30) for x in common]

    rounds, head = [], [1000 * k for k in range(size)]
    for _ in range(3):
        rounds.append(agree(rule, head, [learn(seat) for seat in range(len(stakes))], stakes))
        head = rounds[-1].model
    first, second, third = rounds
    return {
        "name": name,
        "rule": asdict(rule),
        "rounds": [asdict(each) for each in rounds],
        "contributions": [
            contribute_readably(rule, first, second, None),
            contribute_readably(rule, second, third, first.head),
        ],
    }


def build():
    stake, equal, samples = Weighting.STAKE, Weighting.EQUAL, Weighting.SAMPLES
    none, vouched, krum = Selection.NONE, Selection.VOUCHED, Selection.MULTI_KRUM
    unequal = [30, 25, 20, 15, 10]
    return [
        build_case("the mean by samples", Rule(samples, none, 0, 0, 0, 2, 14, 20), [1] * 4),
        build_case("vouched", Rule(stake, vouched, 0, 2000, 100, 2, 14, 20), unequal),
        build_case("vouched, trimmed", Rule(stake, vouched, 1500, 2000, 90, 1, 7, 20), unequal),
        build_case("the median", Rule(equal, none, 5000, 2500, 0, 2, 14, 14), [1] * 5),
        build_case("multi_krum of 6", Rule(equal, krum, 0, 2000, 1000, 2, 14, 20), [1] * 6),
        build_case("multi_krum, least quorum", Rule(equal, krum, 0, 2000, 99, 2, 14, 20), [1] * 5),
    ]


if __name__ == "__main__":
    write("contribution.json", {"contributions": build()})
