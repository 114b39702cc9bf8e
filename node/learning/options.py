"""What can be chosen about a built-in learner, checked once, where it enters."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, TypeVar

from node.learning.errors import InvalidOption


@dataclass(frozen=True)
class SgdOptions:
    """Minibatch stochastic gradient descent.

    `learning_rate`: of a step along the gradient of the mean loss of a batch. `batch_size`:
    samples of a step; the last batch of an epoch may be smaller. `epochs`: passes over the data in
    one call of `fit`. `l2`: the loss has `l2 / 2` times the squared norm of the weights added,
    biases apart. `class_weights`: whether a sample counts by how rare its class is here (see
    `compute_class_weights`).

    Raises InvalidOption.
    """

    learning_rate: float = 0.1
    batch_size: int = 32
    epochs: int = 1
    l2: float = 0.0
    class_weights: bool = False

    def __post_init__(self) -> None:
        _check_real("learning_rate", self.learning_rate, is_zero_fine=False)
        _check_count("batch_size", self.batch_size)
        _check_count("epochs", self.epochs)
        _check_real("l2", self.l2, is_zero_fine=True)
        if not isinstance(self.class_weights, bool):
            got = repr(self.class_weights)
            raise InvalidOption("option class_weights", expected="true or false", got=got)


@dataclass(frozen=True)
class MlpOptions(SgdOptions):
    """`hidden`: the widths of the hidden layers, from the input on; any sequence of integers."""

    hidden: tuple[int, ...] = (32,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.hidden, str) or not isinstance(self.hidden, Sequence):
            raise InvalidOption("option hidden", expected="a list of widths", got=repr(self.hidden))
        for width in self.hidden:
            _check_count("hidden", width)
        object.__setattr__(self, "hidden", tuple(int(width) for width in self.hidden))


AnyOptions = TypeVar("AnyOptions", bound=SgdOptions)


def build_options(kind: type[AnyOptions], learner: str, chosen: Mapping[str, Any]) -> AnyOptions:
    """Return the options of `learner`: its defaults, `chosen` over them. Raises InvalidOption."""
    known = sorted(field.name for field in fields(kind))
    for name in chosen:
        if name not in known:
            raise InvalidOption(
                f"option of learner {learner}", expected=", ".join(known), got=repr(name)
            )
    return kind(**chosen)


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise InvalidOption(f"option {name}", expected="an integer of at least 1", got=repr(value))


def _check_real(name: str, value: Any, *, is_zero_fine: bool) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0 or (value == 0 and not is_zero_fine):
        least = "of at least 0" if is_zero_fine else "above 0"
        raise InvalidOption(f"option {name}", expected=f"a number {least}", got=repr(value))
