"""A federation without a chain, and those who would be paid in it for nothing.

Digits, MLP 64-32-10, ten honest peers under Dirichlet(0.5), the default rule. A seed splits the
data, starts the model and rounds the updates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chain.types import Seat, Wei
from node.data.dataset import Dataset
from node.data.partition import parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.encoding import Layout, Model, Update, decode_model, encode_model, encode_update
from node.learning.catalogue import build_learner
from node.learning.learner import Learner
from node.rule.aggregate import aggregate
from node.rule.contribution import Agreement, Step
from node.rule.parameters import Member, Roll, Rule, Selection, Weighting

HONEST, ATTACKERS = 10, 2
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

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.train, self._test = stratified_holdout(load("digits"), seed=seed)
        parts = parse_partition("dirichlet:0.5").split(
            self.train.labels, HONEST, np.random.default_rng(seed)
        )
        self.learners = [self.build(self.train.take(part), i) for i, part in enumerate(parts)]
        start = self.learners[0].get_parameters({"seed": seed})
        self._layout = Layout.from_arrays(start, None)
        self.genesis = encode_model(self._layout.flatten(start), RULE.model_bits)

    def build(self, data: Dataset, number: int) -> Learner:
        """Return a learner on some data; its number starts its generator."""
        return build_learner("mlp", OPTIONS, train=data, test=self._test, partition=number)

    def learn(self, learner: Learner, head: Model, number: int, peer: int) -> Update:
        """Return what a learner makes of a head, as its peer would encode it."""
        start = decode_model(head, RULE.model_bits)
        config = {"round": number, "seed": self._seed}
        arrays, _, _ = learner.fit(self._layout.unflatten(start), config)
        return encode_update(
            self._layout.flatten(arrays),
            start,
            update_bits=RULE.update_bits,
            update_bytes=RULE.update_bytes,
            clip=RULE.clip,
            generator=np.random.default_rng([peer, number]),
        )

    def loss(self, model: Model) -> float:
        """Return the mean loss on what nobody trains on."""
        arrays = self._layout.unflatten(decode_model(model, RULE.model_bits))
        return float(self.learners[0].evaluate(arrays, {"round": 0, "seed": self._seed})[0])

    def sample(self, count: int, number: int) -> Dataset:
        """Return some of what the honest train on."""
        generator = np.random.default_rng([self._seed, count, number])
        return self.train.take(generator.choice(self.train.labels.size, count, replace=False))


def agree(head: Model, updates: Sequence[Update]) -> Agreement:
    """Apply the rule, all stakes being equal."""
    count = len(updates)
    members = [Member(Seat(i), Wei(ETHER), 100) for i in range(count)]
    roll = Roll(Wei(count * ETHER), count)
    result = aggregate(RULE, roll, members, head, updates)
    return Agreement(roll, members, head, updates, result.coefficients, result.model)


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

    return {
        "labels flipped": learn_from(flip),
        "inner product (IPM)": oppose,
        "copies the last step": copy,
        f"{FEW_SAMPLES} samples each": learn_from(lambda i: world.sample(FEW_SAMPLES, i)),
        "a little is enough (ALIE)": hide,
    }


def oppose(number: int, now: Round) -> Update:
    """Half of what the honest want, the other way round (Xie et al. 2019)."""
    opposite: Update = (-0.5 * np.mean(now.honest, axis=0)).astype(np.int16)
    return opposite


def copy(number: int, now: Round) -> Update:
    """The step before, from the record (Fraboni et al. 2021)."""
    past = np.zeros_like(now.head) if now.before is None else now.before >> RULE.guard
    return np.clip(past, -(2**15), 2**15 - 1).astype(np.int16)


def hide(number: int, now: Round) -> Update:
    """One deviation off the honest mean in every coordinate (Baruch et al. 2019)."""
    hidden: Update = (np.mean(now.honest, axis=0) - np.std(now.honest, axis=0)).astype(np.int16)
    return hidden
