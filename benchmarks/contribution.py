"""What attackers and honest peers earn by the measure of contribution, and what honest peers are
worth: the loss without each of them, recomputed round by round.

Digits, MLP 64-32-10, Dirichlet(0.5), the default rule; no chain, since the measure needs none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.table import print_table
from chain.types import Seat, Wei
from node.data.dataset import Dataset
from node.data.partition import parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.encoding import Layout, Model, Update, decode_model, encode_model, encode_update
from node.learning.catalogue import build_learner
from node.learning.learner import Learner
from node.rule.aggregate import Aggregate, aggregate
from node.rule.contribution import Step, compute_contributions, compute_step
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting

HONEST, ATTACKERS, ROUNDS, SEED = 10, 2, 20, 0
OPTIONS = {"hidden": [32], "learning_rate": 0.3}
FEW_SAMPLES = 5
ETHER = 10**18
CLIP = 300_000
RULE = Rule(Weighting.STAKE, Selection.VOUCHED, 0, 2000, CLIP, 2, 14, 20)


@dataclass(frozen=True)
class Round:
    """What an attacker knows: the head, what the honest learned, the step before."""

    number: int
    head: Model
    honest: Sequence[Update]
    before: Step | None


Attack = Callable[[int, Round], Update]
"""(which attacker, round) → its update."""


class World:
    """The data, split among the honest, and their learners."""

    def __init__(self) -> None:
        self.train, self.test = stratified_holdout(load("digits"), seed=SEED)
        parts = parse_partition("dirichlet:0.5").split(
            self.train.labels, HONEST, np.random.default_rng(SEED)
        )
        self.learners = [self.build(self.train.take(part), i) for i, part in enumerate(parts)]
        start = self.learners[0].get_parameters({"seed": SEED})
        self.layout = Layout.from_arrays(start, None)
        self.genesis = encode_model(self.layout.flatten(start), RULE.model_bits)

    def build(self, data: Dataset, number: int) -> Learner:
        return build_learner("mlp", OPTIONS, train=data, test=self.test, partition=number)

    def learn(self, learner: Learner, head: Model, number: int, peer: int) -> Update:
        """Return what a learner makes of a head, as its peer would encode it."""
        start = decode_model(head, RULE.model_bits)
        config = {"round": number, "seed": SEED}
        arrays, _, _ = learner.fit(self.layout.unflatten(start), config)
        return encode_update(
            self.layout.flatten(arrays),
            start,
            update_bits=RULE.update_bits,
            update_bytes=RULE.update_bytes,
            clip=RULE.clip,
            generator=np.random.default_rng([peer, number]),
        )

    def loss(self, model: Model) -> float:
        """Return the mean loss on what nobody trains on."""
        arrays = self.layout.unflatten(decode_model(model, RULE.model_bits))
        return float(self.learners[0].evaluate(arrays, {"round": 0, "seed": SEED})[0])

    def sample(self, count: int, number: int) -> Dataset:
        """Return some of what the honest train on."""
        generator = np.random.default_rng([SEED, count, number])
        return self.train.take(generator.choice(self.train.labels.size, count, replace=False))


def name_attacks(world: World) -> dict[str, Attack]:
    """Return every attack of the table."""
    share = world.train.labels.size // HONEST
    classes = int(world.train.labels.max())

    def learn_from(data: Callable[[int], Dataset]) -> Attack:
        learners = [world.build(data(i), HONEST + i) for i in range(ATTACKERS)]
        return lambda i, now: world.learn(learners[i], now.head, now.number, HONEST + i)

    def flip(number: int) -> Dataset:
        data = world.sample(share, number)
        return replace(data, labels=classes - data.labels)

    def oppose(number: int, now: Round) -> Update:
        return (-0.5 * np.mean(now.honest, axis=0)).astype(np.int16)

    def copy(number: int, now: Round) -> Update:
        past = np.zeros_like(now.head) if now.before is None else now.before >> RULE.guard
        return np.clip(past, -(2**15), 2**15 - 1).astype(np.int16)

    def hide(number: int, now: Round) -> Update:
        return (np.mean(now.honest, axis=0) - np.std(now.honest, axis=0)).astype(np.int16)

    return {
        "labels flipped": learn_from(flip),
        "inner product (IPM)": oppose,
        "copies the last step": copy,
        f"{FEW_SAMPLES} samples each": learn_from(lambda i: world.sample(FEW_SAMPLES, i)),
        "a little is enough (ALIE)": hide,
    }


def run(world: World, attack: Attack | None) -> tuple[list[int], list[float]]:
    """Return the sum over all rounds, per seat, of contributions, and of the loss that the head
    would have gained without it."""
    seats = HONEST + (ATTACKERS if attack else 0)
    paid, worth = [0] * seats, [0.0] * seats
    head, before = world.genesis, None
    for number in range(1, ROUNDS + 1):
        updates = [world.learn(each, head, number, i) for i, each in enumerate(world.learners)]
        now = Round(number, head, updates, before)
        if attack is not None:
            updates = [*updates, *(attack(i, now) for i in range(ATTACKERS))]
        result = combine(head, updates)
        step = compute_step(head, result.model)
        for seat, part in enumerate(
            compute_contributions(updates, result.coefficients, step, before)
        ):
            paid[seat] += part * (seat in result.credited)
        if attack is None:
            loss = world.loss(result.model)
            for seat in range(seats):
                others = [update for other, update in enumerate(updates) if other != seat]
                worth[seat] += world.loss(combine(head, others).model) - loss
        head, before = result.model, step
    return paid, worth


def combine(head: Model, updates: Sequence[Update]) -> Aggregate:
    """Apply the rule, all stakes being equal."""
    count = len(updates)
    members = [Member(Seat(i), Wei(ETHER), 100) for i in range(count)]
    return aggregate(RULE, Roll(Wei(count * ETHER), count), members, head, updates)


def main() -> None:
    """Print the tables."""
    world = World()
    rows = []
    for name, attack in name_attacks(world).items():
        paid, _ = run(world, attack)
        honest, wrong = np.mean(paid[:HONEST]), np.mean(paid[HONEST:])
        rows.append([name, f"{wrong / honest:.2f}", "-" if "ALIE" in name else "0.15"])
    print_table(
        f"Share of an attacker, an honest peer's being 1 ({ATTACKERS} of {HONEST + ATTACKERS})",
        ["attack", "share", "at most"],
        rows,
    )
    paid, worth = run(world, None)
    correlation = float(np.corrcoef(paid, worth)[0, 1])
    print_table(
        f"Honest peers, {ROUNDS} rounds: share and worth",
        ["", "correlation", "at least"],
        [["contribution and loss without it", f"{correlation:.2f}", "0.80"]],
    )


if __name__ == "__main__":
    main()
