"""Bring columns of unlike units to one scale."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.schema import Scaling

TELL_SCALING = {
    Scaling.STANDARD: "numbers scaled to mean 0 and deviation 1",
    Scaling.RANGE: "numbers scaled to 0 to 1",
    Scaling.NONE: "numbers as they are",
}

NEAR = 1e-4
"""Of a deviation: by so little no model tells two values apart."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """Columns `(n, k)` float32, and what they were made with, (k,): `(x - minus) / divided_by`."""

    values: NDArray[np.float32]
    minus: NDArray[np.float64]
    divided_by: NDArray[np.float64]


def standardise(features: NDArray[Any]) -> NDArray[np.float32]:
    """Return each column with mean 0 and standard deviation 1, as float32.

    Guarantee: a constant column becomes zeros, and finite input of any magnitude gives finite
    output of mean 0 to within float32's rounding, also where the values hardly differ. The
    statistics are those of the rows passed in. The built-in sources pass the whole
    table: on one machine, peers share one scaling, as they must to share one model; held-out
    rows contribute to it (two numbers a column, no label). Organisations that bring a file each
    agree on a scaling beforehand.

    Shapes: (n, k) of any real type to (n, k) float32.

    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    return standardise_columns(features).values


def standardise_columns(features: NDArray[Any]) -> Scaled:
    """Return what `standardise` does, and what was taken from each column and divided by."""
    columns = features.astype(np.float64)
    constant = columns.min(axis=0) == columns.max(axis=0)
    first = columns[0].copy()
    # Brought near 1, squares can neither overflow nor all vanish; by a power of two, nothing is
    # rounded: values that hardly differ still differ by as much.
    exponents = np.frexp(np.abs(columns).max(axis=0))[1]
    columns = np.ldexp(columns, -exponents)
    means = columns.mean(axis=0)
    columns -= means
    # The mean of values that are large beside their deviation is off by its own rounding, perhaps
    # by more than the deviation. What is left of it is a mean of small values, and so exact.
    left = columns.mean(axis=0)
    columns -= left
    deviations = columns.std(axis=0)
    divisors = np.where(constant | (deviations == 0), 1.0, deviations)
    columns /= divisors
    columns[:, constant] = 0.0
    with np.errstate(over="ignore"):
        minus = np.where(constant, first, np.ldexp(means + left, exponents))
        divided_by = np.where(divisors == 1.0, 1.0, np.ldexp(divisors, exponents))
    return Scaled(columns.astype(np.float32), minus, divided_by)


def is_reproduced(scaled: Scaled, values: NDArray[np.float64]) -> bool:
    """Return whether `minus` and `divided_by`, as an export tells them, make a column `(n,)` again.

    They may not where steps are near a double's last bit: the mean lies between two doubles.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        again = (values - scaled.minus[0]) / scaled.divided_by[0]
        return bool(np.allclose(again, scaled.values[:, 0], rtol=NEAR, atol=NEAR))


def scale_column(
    values: NDArray[np.float64], scaling: Scaling, mean: float | None, deviation: float | None
) -> Scaled:
    """Return a column `(n,)` scaled; a declared mean or deviation stands for the column's own.

    What is too large for float32 afterwards comes out as an infinity.
    """
    column = values[:, np.newaxis]
    if mean is None and deviation is None and scaling is Scaling.STANDARD:
        return standardise_columns(column)
    with np.errstate(over="ignore", invalid="ignore"):
        if mean is not None or deviation is not None:
            minus = float(values.mean()) if mean is None else mean
            divided_by = (float(values.std()) or 1.0) if deviation is None else deviation
            scaled = (column - minus) / divided_by
        elif scaling is Scaling.RANGE:
            minus, most = float(values.min()), float(values.max())
            # Halved, the widest range of floats does not overflow.
            half = (most / 2 - minus / 2) or 0.5
            divided_by = 2 * half
            scaled = (column / 2 - minus / 2) / half
        else:
            minus, divided_by, scaled = 0.0, 1.0, column
        return Scaled(scaled.astype(np.float32), np.array([minus]), np.array([divided_by]))
