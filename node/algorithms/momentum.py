"""Client momentum: a peer sends the running mean of its steps, which varies less than the step.

    g_i = w - w_i        m_i = (1 - beta) g_i + beta m_i        sent: -m_i

The first m_i is g_i. Less variance among honest peers is less room for a liar: with a rule that
bounds what one peer can do, errors no longer add up over rounds.

Source: Karimireddy, He and Jaggi 2021, arXiv 2012.10333, whose g_i is one stochastic gradient; here
it is the step of a round.
"""

from dataclasses import dataclass
from typing import ClassVar

from node.algorithms.algorithm import Local, Sent, Start
from node.algorithms.options import check_number
from node.encoding import Floats


@dataclass(frozen=True)
class Momentum:
    """`beta`: 0 (federated averaging) up to, but not, 1."""

    beta: float = 0.9

    name: ClassVar[str] = "momentum"
    needs: ClassVar[tuple[str, ...]] = ()
    needs_steps: ClassVar[bool] = False
    needs_rate: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("momentum: beta", self.beta, below=1.0)

    def ask(self, start: Start) -> Local:
        return Local()

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        if self.beta == 0:
            return Sent(trained)
        step = start.head - trained
        before = start.memory.get("momentum", step)
        momentum = (1 - self.beta) * step + self.beta * before
        return Sent(start.head - momentum, {"momentum": momentum})
