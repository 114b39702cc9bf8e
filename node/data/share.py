"""One peer's part of a source of data, by its description: to be loaded where it is used."""

import importlib
from dataclasses import dataclass

import numpy as np

from node.data.dataset import Dataset
from node.data.errors import InvalidSchema
from node.data.iterator import read_iterator
from node.data.partition import deal, parse_partition
from node.data.schema import Schema
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
    schema: Schema = Schema()

    def load(self) -> tuple[Dataset, Dataset] | tuple[None, None]:
        """Return what is trained on and what is judged on; nothing where the learner brings its
        own. Raises what the source, or the partition, refuse."""
        if self.source == OWN:
            return None, None
        dataset = read_source(self.source, self.label, self.schema)
        train_on, held_out = stratified_holdout(dataset, self.held_out, seed=self.seed)
        if self.part is None:
            return train_on, held_out
        which, count = self.part
        parts = deal(
            parse_partition(self.partition), train_on, count, np.random.default_rng(self.seed)
        )
        return train_on.take(parts[which - 1]), held_out


def choose_label(own: str | None, declared: str | None) -> str | None:
    """Return the column to learn: what the federation's page names, or a peer's own settings.

    Raises InvalidSchema for two that differ: such peers would learn two targets as one model.
    """
    if own is not None and declared is not None and own != declared:
        expected = f"{declared!r}, as the federation's page says, or none"
        raise InvalidSchema("label of a peer's own data", expected, repr(own))
    return declared if own is None else own


def read_source(source: str, label: str | None, schema: Schema) -> Dataset:
    """Return the data set of a source, also of `module:function`; for a learner's process alone,
    since it runs code of the user's. Raises what the source refuses."""
    if ":" not in source:
        return load(source, label=label, schema=schema)
    module, _, function = source.partition(":")
    call = getattr(importlib.import_module(module), function)
    return read_iterator(source, call, label=label, schema=schema)
