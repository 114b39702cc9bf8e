"""The diagnosis of a model on a peer's own rows, in a learner's process of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from node.learning.examination import Examined, summarise_drops
from node.learning.hosting import Hosting
from node.learning.process import LearnerProcess
from node.learning.trial import PEER, Subject
from node.training import Course

SEEDS = 2**31
"""As many as scikit-learn draws from."""


@dataclass(frozen=True)
class Importance:
    """What the score loses when a column is shuffled: mean and standard deviation."""

    column: str
    mean: float
    deviation: float


class Diagnosis:
    """A context manager, within which `examined` says what the model is worth.

    Raises what the learner or its data refuse; WorkerFailed where the learner raises, dies, or
    takes too long.
    """

    def __init__(self, subject: Subject, course: Course, payload: bytes, hosting: Hosting) -> None:
        self._subject = subject
        self._course = course
        self._payload = payload
        self._hosting = hosting

    def __enter__(self) -> Self:
        self._process = LearnerProcess(self._hosting)
        subject = self._subject
        learner = subject.name, dict(subject.options), subject.share, subject.place
        try:
            self.examined: Examined = self._ask("examine", *learner, self._course, self._payload)
        except BaseException:
            self._process.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.close()

    def measure(
        self, repeats: int, seed: int, advance: Callable[[], None] = lambda: None
    ) -> Iterator[Importance]:
        """Return the importance of each column, in the order of the data. Each shuffle is asked for
        by itself, so that it has the time of one judgement, and is followed by `advance`."""
        # One draw for all columns: their shuffles are the same, in whatever order they stand.
        drawn = int(np.random.RandomState(seed % 2**32).randint(SEEDS))
        for place, name in enumerate(self.examined.columns):
            drops: list[float] = []
            for repeat in range(repeats):
                drops.append(self._ask("shuffle", place, repeat, drawn))
                advance()
            yield Importance(name, *summarise_drops(drops))

    def _ask(self, method: str, *arguments: Any) -> Any:
        return self._process.settle(self._process.ask(method, (PEER, *arguments)))
