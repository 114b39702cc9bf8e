"""What each included update brought: a measure that anybody recomputes from the record.

    max(0, <x, R>) / (max(|x|, median |x|) |R|) * (1 - cos²(x, R'))

with x an update after its clip factor, R the step that the head took and R' the step before it. An
update against the step earns nothing (inner-product manipulation, Xie et al. 2019), nor does one
that repeats the step before, and a small one earns for its length. In integers throughout, so that
all peers and an audit come to the same number.
"""

from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from node.encoding import Model, Update
from node.errors import InputRefused
from node.rule.coefficients import Coefficient

MILLION = 10**6
_HALF_BITS = 16
"""Of a step's coordinate: halves keep a sum of 2**32 products with int16 within int64."""

Step = NDArray[np.int64]
"""What a round added to the head, in units of the model, `(d,)`."""


def compute_step(before: Model, after: Model) -> Step:
    """Return the step between two heads, int32 `(d,)` each."""
    return after.astype(np.int64) - before.astype(np.int64)


def compute_contributions(
    updates: Sequence[Update],
    coefficients: Sequence[Coefficient],
    step: Step,
    step_before: Step | None = None,
) -> list[int]:
    """Return the contribution of each update `(d,)`, int8 or int16, in millionths of what one in
    the very direction of the step would have, all lengths being equal.

    `step_before` None: there was none. Raises InputRefused for shapes or counts that clash.

    >>> up = np.array([3, 4], np.int16)
    >>> whole = Coefficient(65536, 1)
    >>> compute_contributions([up, -up], [whole, whole], np.array([3, 4]))
    [1000000, 0]
    """
    if len(updates) != len(coefficients):
        raise InputRefused("contribution: coefficients", len(updates), len(coefficients))
    for update in updates:
        if update.shape != step.shape:
            raise InputRefused("contribution: coordinates", step.shape, update.shape)
    squares = [_dot(update, update.astype(np.int64)) for update in updates]
    lengths = [each.clip**2 * square for each, square in zip(coefficients, squares, strict=True)]
    middle = sorted(lengths)[(len(lengths) - 1) // 2] if lengths else 0
    whole = _square(step)
    past = 0 if step_before is None else _square(step_before)
    found = []
    for update, each, square, length in zip(updates, coefficients, squares, lengths, strict=True):
        along = each.clip * _dot(update, step)
        unit = isqrt(max(length, middle) * whole)
        if along <= 0 or unit == 0:
            found.append(0)
            continue
        new, of = 1, 1
        if past and step_before is not None:
            of = square * past
            new = of - _dot(update, step_before) ** 2
        found.append(MILLION * along * new // (unit * of))
    return found


def _dot(update: Update, step: Step) -> int:
    """Return the exact inner product, whatever the sizes of up to 2**32 coordinates."""
    high, low = _split(step)
    left = update.astype(np.int64)
    return (int(np.dot(left, high)) << _HALF_BITS) + int(np.dot(left, low))


def _square(step: Step) -> int:
    high, low = _split(step)
    crossed = int(np.dot(high, low)) << (_HALF_BITS + 1)
    return (int(np.dot(high, high)) << (2 * _HALF_BITS)) + crossed + int(np.dot(low, low))


def _split(step: Step) -> tuple[Step, Step]:
    """Return halves: step = high * 2**16 + low, low from -2**15 to 2**15 - 1."""
    low = ((step + (1 << (_HALF_BITS - 1))) & ((1 << _HALF_BITS) - 1)) - (1 << (_HALF_BITS - 1))
    return (step - low) >> _HALF_BITS, low
