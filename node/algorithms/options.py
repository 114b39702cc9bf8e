"""What the options of an algorithm may be."""

import math
from numbers import Integral, Real
from typing import Any

from node.algorithms.errors import AlgorithmRefused


def check_number(name: str, value: Any, *, least: float = 0.0, below: float = math.inf) -> None:
    """Raise AlgorithmRefused unless it is a number of at least `least` and below `below`."""
    if not _is_number(value) or not least <= value < below:
        limit = "" if below == math.inf else f" and below {below:g}"
        expected = f"a number of at least {least:g}{limit}"
        raise AlgorithmRefused(f"algorithm {name}", expected, repr(value))


def check_positive(name: str, value: Any) -> None:
    """Raise AlgorithmRefused unless it is a number above 0."""
    if not _is_number(value) or value <= 0:
        raise AlgorithmRefused(f"algorithm {name}", "a number above 0", repr(value))


def check_count(name: str, value: Any, what: str) -> None:
    """Raise AlgorithmRefused unless it is a whole number, at least 1; `what` it is."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        expected = f"{what}: a whole number, at least 1"
        raise AlgorithmRefused(f"algorithm {name}", expected, repr(value))
    if not _is_number(value):
        raise AlgorithmRefused(f"algorithm {name}", f"{what}: one that a float can be", "more")


def _is_number(value: Any) -> bool:
    """Whether it is one that a float can be: a page's integer may have any number of digits."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
