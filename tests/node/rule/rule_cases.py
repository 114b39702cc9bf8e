"""Inputs for the rule: every valid combination of parameters, with ties, dust and extremes."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from node.errors import QuorumRefused
from node.rule.aggregate import check_quorum
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting, check_rule

DTYPES = {1: np.int8, 2: np.int16}


@dataclass(frozen=True)
class Case:
    rule: Rule
    roll: Roll
    members: list[Member]
    head: list[int]
    updates: list[list[int]]

    @property
    def arrays(self):
        dtype = DTYPES[self.rule.update_bytes]
        return np.array(self.head, np.int32), [np.array(row, dtype) for row in self.updates]


@st.composite
def rules(draw):
    weighting = draw(st.sampled_from(Weighting))
    selection = draw(st.sampled_from(Selection))
    trim_bps = draw(st.sampled_from([0, 5000]) | st.integers(0, 5000))
    most_bps = 4999 if selection != Selection.NONE else min(trim_bps, 4999)
    if weighting == Weighting.SAMPLES:
        most_bps = 0
    usual = [bps for bps in (0, 1000, 2000, 3333, 4999) if bps <= most_bps]
    faults_bps = draw(st.sampled_from(usual) | st.integers(0, most_bps))
    least_clip = 0 if selection == Selection.NONE else 1
    clip = draw(st.sampled_from([least_clip, 1, 7]) | st.integers(least_clip, 10**6))
    update_bytes = draw(st.sampled_from([1, 2]))
    largest_guard = 36 - 8 * update_bytes
    guard = draw(st.sampled_from([0, 6, largest_guard]) | st.integers(0, largest_guard))
    update_bits = draw(st.integers(0, min(14, 31 - guard)))
    rule = Rule(
        weighting,
        selection,
        trim_bps,
        faults_bps,
        clip,
        update_bytes,
        update_bits,
        update_bits + guard,
    )
    check_rule(rule, 1)
    return rule


def values(update_bytes):
    """Small values, so that some tie, and the ends, so that some saturate."""
    end = 2 ** (8 * update_bytes - 1)
    return st.sampled_from([-end, end - 1]) | st.integers(-3, 3) | st.integers(-end, end - 1)


@st.composite
def cases(draw, largest_count=12, largest_coordinates=4, rule=None, coordinates=None):
    """Draw inputs; `rule` and the number of coordinates may be given."""
    rule = rule or draw(rules())
    # With fewer than 5 members multi_krum can have no fault, and then it selects everybody.
    least_count = 5 if rule.selection == Selection.MULTI_KRUM else 1
    count = draw(st.integers(least_count, largest_count))
    coordinates = coordinates or draw(st.integers(1, largest_coordinates))
    stakes = st.sampled_from([1, 1, 2, 5, 10**18]) | st.integers(0, 10**4)
    seats = sorted(draw(st.sets(st.integers(0, 127), min_size=count, max_size=count)))
    same = draw(st.booleans())
    common = draw(stakes)
    members = [
        Member(seat, common if same else draw(stakes), draw(st.integers(0, 10**6)))
        for seat in seats
    ]
    power = sum(member.stake_wei for member in members) + draw(st.sampled_from([0, 1, 10**3]))
    roll = Roll(max(1, power), count + draw(st.integers(0, 2)))
    head = st.integers(-(2**31), 2**31 - 1) | st.integers(-5, 5)
    row = st.lists(values(rule.update_bytes), min_size=coordinates, max_size=coordinates)
    rows = draw(st.lists(row, min_size=draw(st.sampled_from([1, count])), max_size=count))
    updates = rows + [draw(st.sampled_from(rows)) for _ in range(count - len(rows))]
    heads = draw(st.lists(head, min_size=coordinates, max_size=coordinates))
    return Case(rule, roll, members, heads, updates)


def has_quorum(case):
    try:
        check_quorum(case.rule, case.roll, case.members)
    except QuorumRefused:
        return False
    return True
