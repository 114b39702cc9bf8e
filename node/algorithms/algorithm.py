"""What an algorithm of federated learning is here: the peer's side of it.

The contract takes a (robust, weighted) mean of integer updates, and nothing else. So an algorithm
is what a peer does around its training: what it asks of the learner beside its own loss, what it
sends instead of the model arrived at, and what it remembers for its next round.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from node.encoding import Floats
from node.learning.memory import Values


@dataclass(frozen=True, eq=False)
class Start:
    """Where a peer begins: `head` (d,), what is remembered as of that, and how many `rounds` were
    agreed since it was, 1 where none was missed.

    `rate`: of a local step, where algorithm or learner tell it.
    """

    head: Floats
    rounds: int
    memory: Values
    rate: float | None


@dataclass(frozen=True, eq=False)
class Local:
    """What the learner is asked to train on beside its own loss f, w_0 being the head:

        f(w) + <linear, w> + (proximal_mu / 2) ||w - w_0||^2

    `linear` (d,), None: no such term; `is_one_step`: one step along the gradient of all data.
    """

    proximal_mu: float = 0.0
    linear: Floats | None = None
    is_one_step: bool = False


@dataclass(frozen=True, eq=False)
class Sent:
    """The vector (d,) whose difference from the head is the update, and the vectors to remember on
    heads that follow."""

    vector: Floats
    memory: Values = field(default_factory=dict)


class Algorithm(Protocol):
    """A frozen dataclass of options. `needs`: what of `node.learning.terms.TERMS` the learner must
    obey; `needs_steps`, `needs_rate`: whether it must count its steps, and tell their length."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    needs_steps: ClassVar[bool]
    needs_rate: ClassVar[bool]

    def ask(self, start: Start) -> Local:
        """Return what to train on."""
        ...

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        """Return what to send of the model `trained` (d,), reached in `steps`."""
        ...
