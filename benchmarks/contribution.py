"""What attackers and honest peers earn by the measure of contribution, beside what they are worth.

An honest peer's worth is leave-one-out by training again: the whole federation runs once more
without it, and the loss on data that nobody trained on is compared, round by round. An attacker's
share is told beside that of an average honest seat in the same run. No chain: none is needed.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.freeloading import (
    ATTACKERS,
    HONEST,
    RULE,
    Attack,
    Round,
    World,
    agree,
    name_attacks,
)
from benchmarks.table import print_table
from chain.types import RoundId
from node.contributions import AgreedRound, Contributions
from node.encoding import Floats, Model
from node.learning.process import ONE_THREAD
from node.rule.contribution import Agreement, compute_contributions, compute_step

ROUNDS, SEEDS = 20, range(20)
MOST_SHARE, LEAST_CORRELATION = 0.15, 0.80
UNBOUND = "a little is enough (ALIE)"
"""Told, but no bar: it hides in the spread of the honest, and moves the model little."""
UPDATES, COORDINATES = 20, 1_000_000


@dataclass(frozen=True)
class Measured:
    """What one seed shows: an attacker's share by attack, and how contributions of the honest, as
    they are and as far as they can be paid, follow worth; of `gain`, worth too counts only as far
    as it can be paid, for who is better left out has no share by either."""

    shares: dict[str, float]
    correlation: float
    correlation_of_pay: float
    correlation_of_gain: float


def measure(seed: int) -> Measured:
    """Run every attack, the honest alone, and the honest without each of them."""
    world = World(seed)
    shares = {}
    for name, attack in name_attacks(world).items():
        paid = np.maximum(0, run(world, attack))
        shares[name] = float(np.mean(paid[HONEST:]) / np.mean(paid[:HONEST]))
    sums, worth = run(world, None), compute_worth(world)
    pairs = (
        (sums, worth),
        (np.maximum(0, sums), worth),
        (np.maximum(0, sums), np.maximum(0, worth)),
    )
    return Measured(shares, *(float(np.corrcoef(*pair)[0, 1]) for pair in pairs))


def run(world: World, attack: Attack | None) -> list[float]:
    """Return the sum over all rounds of the contributions of every seat."""
    sums = [0.0] * (HONEST + (ATTACKERS if attack else 0))
    contributions = Contributions(RULE)
    head, before = world.genesis, None
    for number in range(1, ROUNDS + 1):
        updates = [world.learn(each, head, number, i) for i, each in enumerate(world.learners)]
        if attack is not None:
            now = Round(number, head, updates, before)
            updates = [*updates, *(attack(i, now) for i in range(ATTACKERS))]
        agreement = agree(head, updates)
        contributed = contributions.add(AgreedRound(RoundId(number), number, agreement))
        for seat, part in contributed.by_seat.items() if contributed else ():
            sums[seat] += part
        before = compute_step(head, agreement.model)
        head = agreement.model
    return sums


def compute_worth(world: World) -> list[float]:
    """Return, for each honest peer, the mean over all rounds of the loss without it, less the loss
    with it."""
    everybody = list(range(HONEST))
    whole = follow_loss(world, everybody)
    return [
        float(np.mean(follow_loss(world, [i for i in everybody if i != out]) - whole))
        for out in everybody
    ]


def follow_loss(world: World, peers: Sequence[int]) -> Floats:
    """Return the loss after every round of a federation of some of the honest alone."""
    head, losses = world.genesis, []
    for number in range(1, ROUNDS + 1):
        updates = [world.learn(world.learners[i], head, number, i) for i in peers]
        head = agree(head, updates).model
        losses.append(world.loss(head))
    return np.array(losses)


def time_height() -> float:
    """Return the seconds that one height takes at 20 updates of a million coordinates."""
    generator = np.random.default_rng(0)
    common = generator.normal(0, 200, COORDINATES)

    def build(head: Model) -> Agreement:
        rows = (common + generator.normal(0, 1000, COORDINATES) for _ in range(UPDATES))
        return agree(head, [row.astype(np.int16) for row in rows])

    before = build(np.zeros(COORDINATES, np.int32))
    agreement = build(before.model)
    following = build(agreement.model)
    started = perf_counter()
    compute_contributions(RULE, agreement, following, before.head)
    return perf_counter() - started


def tell(figures: Sequence[float], worst: float, bar: str) -> list[str]:
    """Return the cells of a row: the worst and the middle one, the bar, and every one."""
    every = " ".join(f"{each:.2f}" for each in figures)
    return [f"{worst:.2f}", f"{median(figures):.2f}", bar, every]


def main() -> None:
    """Print the tables."""
    started = perf_counter()
    # One core a seed; a worker reads its environment before numpy does.
    os.environ.update(ONE_THREAD)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        measured = list(pool.map(measure, SEEDS))
    rows = []
    for name in measured[0].shares:
        shares = [each.shares[name] for each in measured]
        bar = "-" if name == UNBOUND else f"< {MOST_SHARE}"
        rows.append([name, *tell(shares, max(shares), bar)])
    title = f"{len(SEEDS)} seeds, {ROUNDS} rounds"
    header = ["worst", "median", "bar", "seed by seed"]
    print_table(
        f"Share of an attacker's seat, an honest one's being 1, {ATTACKERS} to {HONEST}; {title}",
        ["attack", *header],
        rows,
    )
    whole = [each.correlation for each in measured]
    payable = [each.correlation_of_pay for each in measured]
    gains = [each.correlation_of_gain for each in measured]
    bar = f"> {LEAST_CORRELATION}"
    print_table(
        f"Honest seats: correlation of contribution and worth; {title}",
        ["contribution", *header],
        [
            ["sum over all heights", *tell(whole, min(whole), bar)],
            ["what can be paid of it: no less than 0", *tell(payable, min(payable), bar)],
            ["the same, and worth no less than 0", *tell(gains, min(gains), bar)],
        ],
    )
    seconds = time_height()
    print_table(
        f"One height, {UPDATES} updates of {COORDINATES:,} int16", ["seconds"], [[f"{seconds:.2f}"]]
    )
    print(f"\nin {perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
