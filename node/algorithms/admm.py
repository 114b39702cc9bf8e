"""Consensus by the alternating direction method of multipliers (ADMM), z being the head.

    x_i  = argmin over x of f_i(x) + <y_i, x> + (rho / 2) ||x - z||^2
    z+   = sum_i p_i (x_i + y_i / rho)                     sent: u_i = x_i + y_i / rho
    y_i+ = y_i + rho (x_i - z+) = rho (u_i - z+)           the first y_i is 0

The last line is read off the next head: no multiplier travels, and a peer remembers u_i alone.

Guarantee: for convex f_i that the learner minimises, z goes to the least of sum_i p_i f_i, while
all members take part, the rule is their mean with weights p_i, and nothing is clipped. Since y_i is
made anew of every u_i, what rounding adds to an update does not add up: z settles within about one
unit of an update. (Error feedback, which carries the rest of each rounding on, gained nothing.)

Source: Boyd et al. 2011, section 7.1.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from node.algorithms.algorithm import Local, Sent, Start
from node.algorithms.options import check_positive
from node.encoding import Floats
from node.learning.terms import LINEAR, PROXIMAL_MU


@dataclass(frozen=True)
class Admm:
    """`rho`: how strongly peers are held together; it decides the speed, and not the result."""

    rho: float = 1.0

    name: ClassVar[str] = "admm"
    needs: ClassVar[tuple[str, ...]] = (PROXIMAL_MU, LINEAR)
    needs_steps: ClassVar[bool] = False
    needs_rate: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_positive("admm: rho", self.rho)

    def ask(self, start: Start) -> Local:
        return Local(proximal_mu=self.rho, linear=self._find_multiplier(start))

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        vector = trained + self._find_multiplier(start) / self.rho
        return Sent(vector, {"sent": vector})

    def _find_multiplier(self, start: Start) -> Floats:
        if not start.memory:
            return np.zeros_like(start.head)
        multiplier: Floats = self.rho * (start.memory["sent"] - start.head)
        return multiplier
