"""A learner that follows an algorithm: it stands between a peer's learner and the encoder."""

from collections.abc import Mapping, MutableMapping
from math import prod
from typing import Any

import numpy as np

from node.algorithms.algorithm import Algorithm, Local, Start
from node.algorithms.errors import AlgorithmRefused
from node.algorithms.options import check_positive
from node.encoding import Floats, Layout
from node.learning.learner import Config, Learner, Metrics, Parameters
from node.learning.memory import Memory, Values, get_line
from node.learning.terms import LINEAR, ONE_STEP, PROXIMAL_MU, find_obeyed

KEY = "holdfast.algorithm"
"""Under which the memory of the algorithm stands in the state."""
SINGLE = np.dtype(np.float32)


class Guided:
    """A `Learner` around one of the same arrays, which remembers in `state`.

    Raises AlgorithmRefused where the learner cannot do what the algorithm asks of it.
    """

    def __init__(
        self,
        learner: Learner,
        algorithm: Algorithm,
        layout: Layout,
        state: MutableMapping[str, Any],
    ) -> None:
        self._learner = learner
        self._algorithm = algorithm
        self._layout = layout
        self._memory = Memory(state, KEY)
        self._rate = find_rate(algorithm, learner)
        check_obeys(algorithm, learner)

    def get_parameters(self, config: Config) -> Parameters:
        return self._learner.get_parameters(config)

    def fit(self, parameters: Parameters, config: Config) -> tuple[Parameters, int, Metrics]:
        """Train as the algorithm asks, and return what it sends. Raises AlgorithmRefused for a
        learner that does not tell its steps, where they are needed."""
        line, head = get_line(config), self._layout.flatten(parameters)
        rounds = self._memory.count_rounds(line)
        start = Start(head, rounds, self._memory.recall(line), self._rate)
        asked = self._tell(self._algorithm.ask(start))
        arrays, samples, metrics = self._learner.fit(parameters, {**config, **asked})
        trained = self._layout.flatten(arrays)
        sent = self._algorithm.answer(start, trained, self._count_steps(metrics))
        # What is no number is refused by the encoder, and nothing is to follow from it.
        if sent.memory and np.isfinite(sent.vector).all():
            self._memory.note(line, self._narrow(sent.memory))
        # What is sent as it came keeps its own bits.
        kept = arrays if sent.vector is trained else self._split(sent.vector)
        return kept, samples, metrics

    def evaluate(self, parameters: Parameters, config: Config) -> tuple[float, int, Metrics]:
        return self._learner.evaluate(parameters, config)

    def _tell(self, local: Local) -> Config:
        """Return the entries of the config; what is not asked for is not in it."""
        told: Config = {}
        if PROXIMAL_MU in self._algorithm.needs:
            told[PROXIMAL_MU] = local.proximal_mu
        if local.linear is not None:
            told[LINEAR] = self._layout.unflatten(local.linear)
        if local.is_one_step:
            told[ONE_STEP] = True
        return told

    def _split(self, vector: Floats) -> Parameters:
        """Return arrays in float64: what an algorithm computes is rounded once, by the encoder."""
        arrays, first = [], 0
        for shape in self._layout.shapes:
            arrays.append(vector[first : first + prod(shape)].reshape(shape))
            first += prod(shape)
        return arrays

    def _narrow(self, memory: Values) -> Values:
        """Return vectors in single precision where the learner's own arrays have no more."""
        if any(np.dtype(dtype).itemsize > SINGLE.itemsize for dtype in self._layout.dtypes):
            return memory
        return {name: vector.astype(SINGLE) for name, vector in memory.items()}

    def _count_steps(self, metrics: object) -> int:
        if not self._algorithm.needs_steps:
            return 0
        steps: Any = metrics.get("steps") if isinstance(metrics, Mapping) else None
        is_whole = isinstance(steps, int | np.integer) and not isinstance(steps, bool)
        if not is_whole or steps < 1:
            what = f"algorithm {self._algorithm.name}: metrics['steps'] of the learner"
            raise AlgorithmRefused(what, "a whole number, at least 1", repr(steps))
        return int(steps)


def check_obeys(algorithm: Algorithm, learner: object) -> None:
    """Raise AlgorithmRefused unless the learner says that it obeys what the algorithm asks."""
    obeyed = find_obeyed(learner)
    missing = [name for name in algorithm.needs if name not in obeyed]
    if missing:
        wanted = " and ".join(f"config[{name!r}]" for name in missing)
        raise AlgorithmRefused(
            f"algorithm {algorithm.name}",
            f"a learner whose fit obeys {wanted} and says so (obeys = {algorithm.needs!r})",
            f"one that obeys {', '.join(obeyed) or 'nothing of the kind'}",
        )


def find_rate(algorithm: Algorithm, learner: object) -> float | None:
    """Return the length of a local step, where it is needed: the algorithm's option, or what the
    learner tells. Raises AlgorithmRefused where neither has it."""
    if not algorithm.needs_rate:
        return None
    rate: Any = getattr(algorithm, "learning_rate", None)
    if rate is None:
        rate = getattr(learner, "learning_rate", None)
    if rate is None:
        raise AlgorithmRefused(
            f"algorithm {algorithm.name}: learning_rate",
            f"a local step's length, as in --algorithm {algorithm.name}:steps=K,learning_rate=0.1, "
            "or as the learner's attribute learning_rate",
            "neither",
        )
    check_positive(f"{algorithm.name}: learning_rate", rate)
    return float(rate)
