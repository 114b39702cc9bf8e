"""One peer's part of a source of data, by its description: to be loaded where it is used."""

from dataclasses import dataclass

import numpy as np

from node.data.dataset import Dataset
from node.data.partition import parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout

OWN = "own"
"""As a source: the learner brings its own data."""


@dataclass(frozen=True)
class Share:
    """`part`: (which, of how many), the first being 1, of what a `partition` deals out; None: all.

    `held_out`: the fraction that nobody trains on, drawn with `seed`, as the parts are.
    """

    source: str
    label: str | None
    part: tuple[int, int] | None
    partition: str
    held_out: float
    seed: int

    def load(self) -> tuple[Dataset, Dataset] | tuple[None, None]:
        """Return what is trained on and what is judged on; nothing where the learner brings its
        own. Raises what the source, or the partition, refuse."""
        if self.source == OWN:
            return None, None
        train_on, held_out = stratified_holdout(
            load(self.source, label=self.label), self.held_out, seed=self.seed
        )
        if self.part is None:
            return train_on, held_out
        which, count = self.part
        parts = parse_partition(self.partition).split(
            train_on.labels, count, np.random.default_rng(self.seed)
        )
        return train_on.take(parts[which - 1]), held_out
