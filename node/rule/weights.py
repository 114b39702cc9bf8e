"""What each member of a result weighs, and how much of that may be faulty."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low

from node.errors import InputRefused
from node.rule.parameters import BPS, WEIGHT_UNITS, Member, Roll, Rule, Weighting

SAMPLES_CAP = 4  # a claim counts for at most this many times the lower median claim


def compute_faults(rule: Rule, roll: Roll) -> int:
    """Return `f`, how many seats may be faulty, of those active at the opening."""
    return roll.active * rule.faults_bps // BPS


def compute_faulty_weight(rule: Rule, roll: Roll) -> int:
    """Return `B`, how much weight may be faulty; absent members do not lower it."""
    match rule.weighting:
        case Weighting.STAKE:
            return WEIGHT_UNITS * rule.faults_bps // BPS
        case Weighting.EQUAL:
            return compute_faults(rule, roll)
        case Weighting.SAMPLES:
            return 0


def compute_weights(rule: Rule, roll: Roll, members: Sequence[Member]) -> list[int]:
    """Return the members' weights `w`; a stake of less than 1/4096 of the power weighs 0.

    By stake they sum to at most 4096, by samples to at most 4096 and one for each member. Raises
    `InputRefused` where the members contradict the roll.
    """
    _check_members(roll, members)
    match rule.weighting:
        case Weighting.STAKE:
            return [member.stake_wei * WEIGHT_UNITS // roll.power_wei for member in members]
        case Weighting.EQUAL:
            return [1] * len(members)
        case Weighting.SAMPLES:
            return _compute_sample_weights([member.samples for member in members])


def compute_samples_cap(claims: Sequence[int]) -> int:
    """Return what a claim of samples counts for at most."""
    return SAMPLES_CAP * median_low(claims)


def _compute_sample_weights(claims: list[int]) -> list[int]:
    """Return weights by capped claims; where the capped claims are all 0, each weighs 1."""
    cap = compute_samples_cap(claims)
    capped = [min(claim, cap) for claim in claims]
    total = sum(capped)
    if total == 0:
        return [1] * len(claims)
    return [max(1, claim * WEIGHT_UNITS // total) for claim in capped]


def _check_members(roll: Roll, members: Sequence[Member]) -> None:
    if not members:
        raise InputRefused("rule: members", "at least 1", 0)
    if len(members) > roll.active:
        raise InputRefused("rule: members", f"at most {roll.active}, those active", len(members))
    seats = [member.seat for member in members]
    if any(left >= right for left, right in pairwise(seats)):
        raise InputRefused("rule: seats of the members", "ascending", seats)
    if any(member.stake_wei < 0 or member.samples < 0 for member in members):
        raise InputRefused("rule: stakes and samples", "none negative", list(members))
    stake_wei = sum(member.stake_wei for member in members)
    if roll.power_wei < 1 or stake_wei > roll.power_wei:
        raise InputRefused("rule: power at the opening", f"at least {stake_wei}", roll.power_wei)
