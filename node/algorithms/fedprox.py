"""FedProx: federated averaging in which no peer strays far from the head w.

    w_i = argmin over v of f_i(v) + (mu / 2) ||v - w||^2        sent: w_i - w

Source: Li et al. 2020, arXiv 1812.06127. With mu 0 it is federated averaging, to the bit.
"""

from dataclasses import dataclass
from typing import ClassVar

from node.algorithms.algorithm import Local, Sent, Start
from node.algorithms.options import check_number
from node.encoding import Floats
from node.learning.terms import PROXIMAL_MU


@dataclass(frozen=True)
class FedProx:
    """`mu`: at least 0."""

    mu: float = 0.1

    name: ClassVar[str] = "fedprox"
    needs: ClassVar[tuple[str, ...]] = (PROXIMAL_MU,)
    needs_steps: ClassVar[bool] = False
    needs_rate: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("fedprox: mu", self.mu)

    def ask(self, start: Start) -> Local:
        return Local(proximal_mu=self.mu)

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        return Sent(trained)
