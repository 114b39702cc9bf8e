"""A learner before there is a federation: in a process of its own, asked what it learns and how far
a round takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from node.calibration import Movement
from node.data.share import Share
from node.encoding import Model
from node.learning.hosting import Hosting, Place
from node.learning.process import LearnerProcess
from node.training import Course

PEER = 0
"""The only one in its process."""


@dataclass(frozen=True)
class Subject:
    """Which learner, on which data, in which place of the federation to be."""

    name: str
    options: Mapping[str, Any]
    share: Share
    place: Place


class Trial:
    """A context manager. Raises what the learner or its data refuse; WorkerFailed where the learner
    raises, dies, or takes too long."""

    def __init__(self, subject: Subject, hosting: Hosting) -> None:
        self._subject = subject
        self._hosting = hosting

    def __enter__(self) -> Self:
        self._process = LearnerProcess(self._hosting)
        subject = self._subject
        learner = subject.name, dict(subject.options)
        try:
            self._ask("enrol_share", *learner, subject.share, subject.place)
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

    def describe(self) -> tuple[list[str], list[Any]]:
        """Return names and arrays of the model that the learner starts from."""
        names, arrays = self._ask("describe")
        return names, arrays

    def follow(self, course: Course) -> None:
        """Check that the learner can. Raises LayoutMismatch and AlgorithmRefused."""
        self._ask("follow", course)

    def measure(self, course: Course, head: Model) -> Movement:
        """Train a round that nobody sees, and return how far it went."""
        self.follow(course)
        movement: Movement = self._ask("measure", head)
        return movement

    def judge(self, payload: bytes, model_bits: int) -> None:
        """Check that the learner, which follows a course, can judge a model."""
        self._ask("evaluate", payload, model_bits)

    def _ask(self, method: str, *arguments: Any) -> Any:
        return self._process.settle(self._process.ask(method, (PEER, *arguments)))
