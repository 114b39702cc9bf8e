"""Distributed gradient descent: one step of each peer along the gradient of all its data.

    w_i = w - eta grad f_i(w)        sent: w_i - w        w+ = w - eta sum_i p_i grad f_i(w)

Guarantee: with weights by samples and the plain mean it is gradient descent on all data together.

Source: FedSGD of McMahan et al. 2017, arXiv 1602.05629.
"""

from dataclasses import dataclass
from typing import ClassVar

from node.algorithms.algorithm import Local, Sent, Start
from node.encoding import Floats
from node.learning.terms import ONE_STEP


@dataclass(frozen=True)
class GradientDescent:
    """The rate is the learner's."""

    name: ClassVar[str] = "gradient_descent"
    needs: ClassVar[tuple[str, ...]] = (ONE_STEP,)
    needs_steps: ClassVar[bool] = False
    needs_rate: ClassVar[bool] = False

    def ask(self, start: Start) -> Local:
        return Local(is_one_step=True)

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        return Sent(trained)
