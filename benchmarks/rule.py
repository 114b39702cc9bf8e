"""The rule at 20 updates of a million coordinates, beside the memory's own speed.

Quoted figures are of byzfl and Flower 1.42 on another machine of two cores, as handed down with
the project's design, undated; they are constants, not reproduced here.
"""

from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.table import print_table
from chain.types import Seat, Wei
from node.encoding import Update
from node.rule.aggregate import aggregate
from node.rule.gram import compute_gram
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting

UPDATES, COORDINATES, REPEATS = 20, 1_000_000, 7


def main() -> None:
    """Print the table."""
    generator = np.random.default_rng(0)
    table = generator.integers(-3000, 3000, (UPDATES, COORDINATES)).astype(np.int16)
    updates: list[Update] = list(table)
    head = generator.integers(-(2**24), 2**24, COORDINATES).astype(np.int32)
    members = [Member(Seat(i), Wei(10**18), 100) for i in range(UPDATES)]
    roll = Roll(Wei(UPDATES * 10**18), UPDATES)
    mean = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 14, 20)
    vouched = replace(mean, selection=Selection.VOUCHED, faults_bps=2000, clip=10**8)
    krum = replace(vouched, selection=Selection.MULTI_KRUM)

    def run(rule: Rule) -> Callable[[], object]:
        return lambda: aggregate(rule, roll, members, head, updates)

    rows = [
        ("read all updates once", lambda: table.sum(dtype=np.int64), "the memory's limit"),
        ("exact Gram matrix", lambda: compute_gram(updates), "36 (prototype)"),
        ("mean", run(mean), "-"),
        ("trimmed mean, 20 %", run(replace(mean, trim_bps=2000)), "byzfl 72, Flower 384"),
        ("median", run(replace(mean, trim_bps=5000)), "byzfl 328"),
        ("vouched", run(vouched), "byzfl NNM 407"),
        ("multi_krum", run(krum), "byzfl Krum 166, Flower Krum 111"),
    ]
    print_table(
        f"Milliseconds, {UPDATES} updates of {COORDINATES:,} int16",
        ["rule", "holdfast", "quoted"],
        [[name, f"{_milliseconds(work):.1f}", quoted] for name, work, quoted in rows],
    )


def _milliseconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return 1000 * median(times)
