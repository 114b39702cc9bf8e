"""How the data of a federation on one machine are dealt out, and how unlike the parts are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localnet.scenario import Scenario
from node.data.balance import BalanceReport, describe_balance
from node.data.dataset import Dataset
from node.data.partition import deal, parse_partition, tell_idle_groups
from node.data.sources import load
from node.data.split import stratified_holdout
from node.learning.hosting import Hosting
from node.learning.process import LearnerProcess

HELD_OUT = 0.2
"""Share of each class that no peer trains on."""


@dataclass(frozen=True)
class DealReport:
    """`treatment`: how values and empty cells were treated; `remarks`: what else to know of the
    data."""

    balance: BalanceReport
    treatment: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Dealt:
    """`parts`: the rows of `train` that each peer has; `held_out`: what no peer trains on."""

    train: Dataset
    held_out: Dataset
    parts: tuple[NDArray[np.int64], ...]
    report: DealReport


def deal_out(scenario: Scenario, dataset: Dataset) -> Dealt:
    """Return what each peer is dealt. Raises what the partition refuses."""
    partition = parse_partition(scenario.partition)
    train, held_out = stratified_holdout(dataset, HELD_OUT, seed=scenario.seed)
    parts = tuple(deal(partition, train, scenario.peers, np.random.default_rng(scenario.seed)))
    balance = describe_balance(train.labels, parts, train.classes)
    remarks = (*dataset.recipe.remarks, *tell_idle_groups(partition, dataset))
    return Dealt(train, held_out, parts, DealReport(balance, dataset.recipe.told, remarks))


def describe_deal(scenario: Scenario, hosting: Hosting) -> DealReport | None:
    """Return what is to be said of the parts that peers deal to themselves; None: each brings its
    own data. Raises what the source and the partition refuse."""
    if scenario.brings_data:
        return None
    return deal_out(scenario, _read(scenario, hosting)).report


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
