"""How rows become a model's features: without it nobody can use the model on rows of their own."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

AS_BYTES, AS_THEY_ARE = "bytes, 255 being 1", "features as they are, unscaled"
SOURCE, CLASSES = "source", "classes"
OF_OWNER = (SOURCE, CLASSES)
"""What of rows is their owner's, unless all that learn have it of a page."""
LARGE = 100
"""A feature so far from 0 outweighs all that are scaled."""


@dataclass(frozen=True)
class Feature:
    """What makes one feature of a cell of `column`.

    A number becomes `(x - minus) / divided_by`; a category 1 where it is `value`, else 0. `fill`:
    what an empty cell is taken for; None: there is none. `own`: which of the numbers come of the
    rows themselves, so that another file has others.
    """

    column: str
    value: str | None = None
    minus: float = 0.0
    divided_by: float = 1.0
    fill: float | None = None
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """`features` in the model's order; (): they have no columns. `label`: the column learned;
    `group`: the one that says whose a row is. `told`: how values and empty cells are treated, as
    a clause. `remarks`: what whoever brings the rows should know of them, a line each. `own`: which
    of SOURCE and CLASSES come of the rows' owner, and are on no page that all share."""

    features: tuple[Feature, ...] = ()
    label: str | None = None
    group: str | None = None
    told: str = ""
    remarks: tuple[str, ...] = ()
    own: tuple[str, ...] = OF_OWNER


def recipe_of_arrays(features: NDArray[Any], remarks: tuple[str, ...] = ()) -> Recipe:
    """Return the recipe of features that have no columns and were used as they are; `remarks`:
    those upon their labels."""
    if features.dtype == np.uint8:
        return Recipe(told=AS_BYTES, remarks=remarks)
    largest = float(np.abs(features).max())
    if largest <= LARGE:
        return Recipe(told=AS_THEY_ARE, remarks=remarks)
    remark = (
        f"features are as large as {largest:.3g} and not scaled, and steps along a gradient want "
        "about 1: scale them, or give a table, whose named columns are"
    )
    return Recipe(told=AS_THEY_ARE, remarks=(*remarks, remark))
