"""FedNova: averaging of normalised steps, so that a peer which does more work pulls no further.

    d_i = (w_i - w) / tau_i        sent: tau d_i        w+ = w + tau sum_i p_i d_i

tau_i are the steps that a peer took. The paper's tau is sum_i p_i tau_i of the round; here it is an
option of the federation, since a peer knows of no other's work when it sends. It scales the step of
all and not where it leads. With equal work of tau it is federated averaging, to the bit.

Source: Wang et al. 2020, arXiv 2007.07481, for plain SGD (a_i = 1, ..., 1).
"""

from dataclasses import dataclass
from typing import ClassVar

from node.algorithms.algorithm import Local, Sent, Start
from node.algorithms.options import check_count
from node.encoding import Floats


@dataclass(frozen=True)
class FedNova:
    """`steps`: tau, those of a usual peer."""

    steps: int

    name: ClassVar[str] = "fednova"
    needs: ClassVar[tuple[str, ...]] = ()
    needs_steps: ClassVar[bool] = True
    needs_rate: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_count("fednova: steps", self.steps, "those of a usual peer in a round")

    def ask(self, start: Start) -> Local:
        return Local()

    def answer(self, start: Start, trained: Floats, steps: int) -> Sent:
        return Sent(scale_work(start.head, trained, self.steps, steps))


def scale_work(head: Floats, trained: Floats, usual: int, steps: int) -> Floats:
    """Return where `usual` steps like the mean of these would have led; the same bits for equal
    work."""
    if steps == usual:
        return trained
    return head + (usual / steps) * (trained - head)
