"""How the data of a federation on one machine are dealt out, and how unlike the parts are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localnet.scenario import Scenario
from node.data.balance import BalanceReport, describe_balance
from node.data.dataset import Dataset
from node.data.partition import deal, parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.learning.hosting import Hosting
from node.learning.process import LearnerProcess

HELD_OUT = 0.2
"""Share of each class that no peer trains on."""


@dataclass(frozen=True, eq=False)
class Dealt:
    """`parts`: the rows of `train` that each peer has; `held_out`: what no peer trains on."""

    train: Dataset
    held_out: Dataset
    parts: tuple[NDArray[np.int64], ...]

    def describe(self) -> BalanceReport:
        """Return how unlike the parts are."""
        return describe_balance(self.train.labels, self.parts, self.train.classes)


def deal_out(scenario: Scenario, dataset: Dataset) -> Dealt:
    """Return what each peer is dealt. Raises what the partition refuses."""
    train, held_out = stratified_holdout(dataset, HELD_OUT, seed=scenario.seed)
    random = np.random.default_rng(scenario.seed)
    parts = deal(parse_partition(scenario.partition), train, scenario.peers, random)
    return Dealt(train, held_out, tuple(parts))


def describe_deal(scenario: Scenario, hosting: Hosting) -> BalanceReport | None:
    """Return how unlike the parts are that peers deal to themselves; None: each brings its own
    data. Raises what the source and the partition refuse."""
    if scenario.brings_data:
        return None
    return deal_out(scenario, _read(scenario, hosting)).describe()


def _read(scenario: Scenario, hosting: Hosting) -> Dataset:
    """Return all data; what is code is read in a process of its own."""
    source, label, schema = scenario.dataset, scenario.label, scenario.schema()
    if ":" not in source:
        return load(source, label=label, schema=schema)
    process = LearnerProcess(hosting)
    try:
        dataset: Dataset = process.settle(process.ask("read", (source, label, schema)))
        return dataset
    finally:
        process.close()
