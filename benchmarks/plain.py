"""The loop without a chain, an encoder or a vote: float federated averaging (McMahan et al. 2017).

Same data, partitions and learners as the simulation, weighted by samples, on as many processes.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from localnet.scenario import Scenario
from node.data.dataset import Dataset
from node.data.partition import parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.learning.catalogue import build_learner
from node.learning.learner import Learner

Arrays = list[NDArray[Any]]

_learners: dict[int, Learner] = {}
"""Of this process: a pool's task is a function, so what lasts from task to task must stand here."""


def enrol(scenario: Scenario, peer: int, data: Dataset) -> None:
    """Build a peer's learner in this process."""
    _learners[peer] = build_learner(scenario.learner, scenario.options, train=data, partition=peer)


def fit_all(parameters: Arrays, round_id: int, seed: int) -> list[tuple[Arrays, int]]:
    """Train every peer of this process for a round."""
    results = []
    for learner in _learners.values():
        arrays, samples, _ = learner.fit(parameters, {"round": round_id, "seed": seed})
        results.append((arrays, samples))
    return results


class PlainLoop:
    """A loop over rounds; `cores` 1 runs in this process. A context manager."""

    def __init__(self, scenario: Scenario, cores: int) -> None:
        self._scenario = scenario
        train, held_out = stratified_holdout(load(scenario.dataset), seed=scenario.seed)
        parts = parse_partition(scenario.partition).split(
            train.labels, scenario.peers, np.random.default_rng(scenario.seed)
        )
        self._judge = build_learner(
            scenario.learner, scenario.options, train=train.take(parts[0]), test=held_out
        )
        self.parameters = self._judge.get_parameters({"seed": scenario.seed})
        self._round = 0
        self._pools = [
            ProcessPoolExecutor(1, mp_context=get_context("spawn")) for _ in range(cores)
        ]
        burden = [0] * cores
        for peer in sorted(range(scenario.peers), key=lambda peer: -parts[peer].size):
            core = burden.index(min(burden))
            burden[core] += parts[peer].size
            self._pools[core].submit(enrol, scenario, peer, train.take(parts[peer])).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pool in self._pools:
            pool.shutdown()

    def run_round(self) -> None:
        """Train all peers once and average."""
        self._round += 1
        futures = [
            pool.submit(fit_all, self.parameters, self._round, self._scenario.seed)
            for pool in self._pools
        ]
        self.parameters = average([fit for future in futures for fit in future.result()])

    def accuracy(self) -> float:
        """Return the accuracy on the data that no peer trains on."""
        _, _, metrics = self._judge.evaluate(self.parameters, {"seed": self._scenario.seed})
        return float(metrics["accuracy"])


def average(fits: Sequence[tuple[Arrays, int]]) -> Arrays:
    """Return the mean of the models, weighted by samples."""
    total = sum(samples for _, samples in fits)
    layers = zip(*(arrays for arrays, _ in fits), strict=True)
    weights = [samples / total for _, samples in fits]
    return [
        np.asarray(sum(w * a for w, a in zip(weights, layer, strict=True)), dtype=np.float32)
        for layer in layers
    ]
