"""SCAFFOLD: every step is corrected by how the peer's own gradient differs from that of all.

    y_i    by steps  y <- y - eta (g_i(y) - c_i + c)      from the head x: f_i(y) + <c - c_i, y>
    c_i+ = c_i - c + (x - y_i) / (K eta)                  option II
    x+   = x + mean_i (y_i - x)          c+ = c + mean_i (c_i+ - c_i)

The mean of the second line is (x - x+) / (K eta) where the c_i have the mean c, so every peer reads
c off two heads and no second vector travels. For that all must do the same work: what is sent is
(K / K_i) (y_i - x), with the K of all and the K_i steps that the peer took, as in FedNova. With K_i
= K it is the paper's.

Guarantee: no drift, whatever the number of local steps, while all members take part, the rule is a
mean with their weights, and nothing is clipped. A peer that was away takes the mean direction of
the rounds between for c. As c comes from the heads, what one round leaves out of the mean stays
between c and the mean of the c_i for good, and the optimum is missed by as much: where members come
and go, or a rule leaves updates out, FedNova or FedProx promise more.

Source: Karimireddy et al. 2020, arXiv 1910.06378, algorithm 1.
"""

from dataclasses import dataclass
from typing import ClassVar

from node.algorithms.algorithm import Local, Sent, Start
from node.algorithms.fednova import scale_work
from node.algorithms.options import check_count, check_positive
from node.encoding import Floats
from node.learning.terms import LINEAR


@dataclass(frozen=True)
class Scaffold:
    """`steps`: K, those of a usual peer. `learning_rate`: eta; None: as the learner tells."""

    steps: int
    learning_rate: float | None = None

    name: ClassVar[str] = "scaffold"
    needs: ClassVar[tuple[str, ...]] = (LINEAR,)
    needs_steps: ClassVar[bool] = True
    needs_rate: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_count("scaffold: steps", self.steps, "those of a usual peer in a round")
        if self.learning_rate is not None:
            check_positive("scaffold: learning_rate", self.learning_rate)

    def ask(self, start: Start) -> Local:
        if not start.memory:
            return Local()
        return Local(linear=self._read_common(start) - start.memory["own"])

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        assert start.rate is not None, "it was checked before"
        mean_gradient = (start.head - trained) / (steps * start.rate)
        own = mean_gradient
        if start.memory:
            own = start.memory["own"] - self._read_common(start) + mean_gradient
        vector = scale_work(start.head, trained, self.steps, steps)
        return Sent(vector, {"own": own, "head": start.head})

    def _read_common(self, start: Start) -> Floats:
        """Return c, from the last head that was trained on and this one."""
        assert start.rate is not None, "it was checked before"
        work = start.rounds * self.steps * start.rate
        common: Floats = (start.memory["head"] - start.head) / work
        return common
