"""Federated averaging: every peer trains from the head, and the head becomes the weighted mean.

    w_i = train(f_i, from w)        sent: w_i - w        w+ = w + sum_i p_i (w_i - w)

Source: McMahan et al. 2017, arXiv 1602.05629.
"""

from dataclasses import dataclass
from typing import ClassVar

from node.algorithms.algorithm import Local, Sent, Start
from node.encoding import Floats


@dataclass(frozen=True)
class FedAvg:
    """The usual."""

    name: ClassVar[str] = "fedavg"
    needs: ClassVar[tuple[str, ...]] = ()
    needs_steps: ClassVar[bool] = False
    needs_rate: ClassVar[bool] = False

    def ask(self, start: Start) -> Local:
        return Local()

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        return Sent(trained)
