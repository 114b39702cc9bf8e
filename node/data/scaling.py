"""Bring columns of unlike units to one scale."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.schema import Scaling


def standardise(features: NDArray[Any]) -> NDArray[np.float32]:
    """Return each column with mean 0 and standard deviation 1, as float32.

    Guarantee: a constant column becomes zeros, and finite input of any magnitude gives finite
    output. The statistics are those of the rows passed in. The built-in sources pass the whole
    table: on one machine, peers share one scaling, as they must to share one model; held-out
    rows contribute to it (two numbers a column, no label). Organisations that bring a file each
    agree on a scaling beforehand.

    Shapes: (n, k) of any real type to (n, k) float32.

    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    columns = features.astype(np.float64)
    constant = columns.min(axis=0) == columns.max(axis=0)
    # Divided by the largest magnitude first, squares can neither overflow nor all vanish.
    magnitude = np.abs(columns).max(axis=0)
    columns /= np.where(magnitude == 0, 1.0, magnitude)
    columns -= columns.mean(axis=0)
    deviation = columns.std(axis=0)
    columns /= np.where(deviation == 0, 1.0, deviation)
    columns[:, constant] = 0.0
    return columns.astype(np.float32)


def scale_column(
    values: NDArray[np.float64], scaling: Scaling, mean: float | None, deviation: float | None
) -> NDArray[np.float32]:
    """Return a column `(n,)` scaled, as `(n, 1)`; a declared mean or deviation stands for the
    column's own."""
    column = values[:, np.newaxis]
    if mean is not None or deviation is not None:
        own_deviation = float(values.std()) or 1.0
        centred = column - (float(values.mean()) if mean is None else mean)
        return (centred / (own_deviation if deviation is None else deviation)).astype(np.float32)
    if scaling is Scaling.STANDARD:
        return standardise(column)
    if scaling is Scaling.RANGE:
        least, most = float(values.min()), float(values.max())
        # Halved, the widest range of floats does not overflow.
        width = (most / 2 - least / 2) or 1.0
        return ((column / 2 - least / 2) / width).astype(np.float32)
    return column.astype(np.float32)
