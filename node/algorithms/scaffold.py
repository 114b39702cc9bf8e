"""SCAFFOLD: every step is corrected by how the peer's own gradient differs from that of all.

    y_i    by steps  y <- y - eta (g_i(y) - c_i + c)      from the head x: f_i(y) + <c - c_i, y>
    c_i+ = c_i - c + (x - y_i) / (K_i eta)                option II, K_i steps taken
    x+   = x - K eta mean_i (c_i+ + a (c - c_i))          sent: x - K eta (c_i+ + a (c - c_i))
    c+   = (x - x+) / (K eta)                             read off two heads

With a = 1 and K_i = K what is sent is y_i, the paper's; K stands for K_i as in FedNova, since all
must do the same work for c to be read off heads, and no second vector travels. The paper's server
has c+ = c + mean_i (c_i+ - c_i), which keeps c the mean of the c_i. Here d = c - mean_i c_i follows

    d+ = (mean_i c_i+ + a (c - mean_i c_i)) - mean_i c_i+ = a d

and is 0 from the start while all take part: then it is the paper's, whatever a is. What a round
leaves out of the mean, rounds or clips makes some d. With a = 1 it would stay, and the optimum be
missed by as much for good; with a < 1 it dies away, and where it has, the head rests where the mean
of the c_i is 0, each c_i being its peer's gradient there: at the optimum, with no drift. Only what
is sent is damped: damped in the steps too, they would drift by 1 - a of what they do without.

Guarantee: no drift, whatever the number of local steps, once all members take part, the rule is a
mean with their weights, and nothing is clipped. A peer that was away takes the mean direction of
the rounds between for c. While members come and go d is made anew each round: the less a is, the
more what is sent depends on who sends it.

Source: Karimireddy et al. 2020, arXiv 1910.06378, algorithm 1; a is ours.
"""

from dataclasses import dataclass
from typing import ClassVar

from node.algorithms.algorithm import Local, Sent, Start
from node.algorithms.fednova import scale_work
from node.algorithms.options import check_count, check_positive
from node.encoding import Floats
from node.learning.terms import LINEAR

CARRIED = 0.95
"""a. Half of what a round disturbs is gone after 14. On quadratic losses of 8 peers, one or four of
them left out of each round by lot, the head is no further from the optimum than with 1; with 0.9 up
to a quarter further, with 0.5 four times as far."""


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
        return Local(linear=self._find_correction(start)) if start.memory else Local()

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        assert start.rate is not None, "it was checked before"
        own = (start.head - trained) / (steps * start.rate)
        vector = scale_work(start.head, trained, self.steps, steps)
        if start.memory:
            correction = self._find_correction(start)
            own = own - correction
            vector = vector + self.steps * start.rate * (1 - CARRIED) * correction
        return Sent(vector, {"own": own, "head": start.head})

    def _find_correction(self, start: Start) -> Floats:
        """Return c - c_i, c from the last head that was trained on and this one."""
        assert start.rate is not None, "it was checked before"
        work = start.rounds * self.steps * start.rate
        common = (start.memory["head"] - start.head) / work
        correction: Floats = common - start.memory["own"]
        return correction
