"""What the simulated federation learns: a point of each seat's own, in a handful of coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chain.types import Key, RoundId, Seat
from node.encoding import Layout, encode_model, to_payload
from node.rule.parameters import Rule
from node.spec import Spec, write_spec
from node.training import Course, Fit, Job, train

COORDINATES = 6
LAYOUT = Layout(("w",), ((COORDINATES,),), ("float64",))
SPEC = write_spec(Spec("toy", 5, "toy", {}, "none", None, "iid", 0.2, LAYOUT))
MODEL_BITS = 20
GENESIS = to_payload(encode_model(np.linspace(-1, 1, COORDINATES), MODEL_BITS))


class Toy:
    """Moves towards a point of its own."""

    def __init__(self, index: int) -> None:
        self._aim = np.cos(np.arange(COORDINATES) + index / 7)
        self._samples = 10 + index

    def get_parameters(self, config: dict[str, Any]) -> list[Any]:
        return [np.zeros(COORDINATES)]

    def fit(self, parameters: list[Any], config: dict[str, Any]) -> tuple[Any, int, dict[str, Any]]:
        step = 0.1 * (self._aim - parameters[0])
        return [parameters[0] + step], self._samples, {"steps": 1}

    def evaluate(self, parameters: list[Any], config: dict[str, Any]) -> Any:
        raise NotImplementedError


class SimulatedTrainer:
    """A peer's `Trainer`: training takes simulated seconds, and ends with the process.

    `entropy` is of the machine; one that changes from life to life stands for a learner that is no
    pure function.
    """

    def __init__(
        self, learner: Toy, rule: Rule, entropy: int, start_timer: Callable[[], Callable[[], bool]]
    ) -> None:
        self._learner = learner
        self._course = Course(LAYOUT, rule, 5, entropy)
        self._start_timer = start_timer
        self._fits: dict[tuple[Key, RoundId], tuple[Callable[[], bool], Fit]] = {}

    def start(self, seat: Seat, parent: Key, job: Job) -> None:
        if (parent, job.round_id) not in self._fits:
            fit = train(self._learner, self._course, job)
            self._fits[parent, job.round_id] = self._start_timer(), fit

    def find(self, seat: Seat, parent: Key, round_id: RoundId) -> Fit | None:
        is_over, fit = self._fits.get((parent, round_id), (None, None))
        if is_over is None or not is_over():
            return None
        del self._fits[parent, round_id]
        return fit
