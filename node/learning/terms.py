"""What an algorithm may ask of a learner's `fit` beside its own loss f, told through the config.

The learner then trains on

    f(w) + <linear, w> + (proximal_mu / 2) ||w - w_0||^2        w_0: the parameters that came in

and with `one_step` takes a single step along the gradient of that over all of its data.
"""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from node.learning.errors import InvalidConfig
from node.learning.learner import Config, Parameters

PROXIMAL_MU, LINEAR, ONE_STEP = "proximal_mu", "linear", "one_step"
"""Entries of the config; the first is called as Flower calls it."""
TERMS = (PROXIMAL_MU, LINEAR, ONE_STEP)
"""What a learner can obey; which of these it does, its attribute `obeys` says."""


@dataclass(frozen=True, eq=False)
class Terms:
    """`linear`: arrays shaped as the parameters; None: no such term."""

    proximal_mu: float = 0.0
    linear: Parameters | None = None
    is_one_step: bool = False

    @property
    def has_pull(self) -> bool:
        """Whether anything is added to the loss."""
        return self.linear is not None or self.proximal_mu != 0.0


def get_terms(config: Config, parameters: Parameters) -> Terms:
    """Return what the config of a `fit` asks for. Raises InvalidConfig for what is no such term."""
    mu: Any = config.get(PROXIMAL_MU, 0.0)
    is_number = isinstance(mu, Real) and not isinstance(mu, bool) and math.isfinite(mu)
    if not is_number or mu < 0:
        raise InvalidConfig(f"config {PROXIMAL_MU}", "a number of at least 0", repr(mu))
    linear = config.get(LINEAR)
    if linear is not None:
        expected = [np.shape(array) for array in parameters]
        got = [np.shape(array) for array in linear]
        if got != expected:
            raise InvalidConfig(f"config {LINEAR}", str(expected), str(got))
    return Terms(float(mu), linear, bool(config.get(ONE_STEP, False)))


def find_obeyed(learner: object) -> tuple[str, ...]:
    """Return which of TERMS a learner says that it obeys."""
    told = getattr(learner, "obeys", ())
    # Somebody else's attribute of this name may be anything.
    if not isinstance(told, tuple | list | set | frozenset):
        return ()
    return tuple(name for name in TERMS if name in told)
