"""How rows become a model's features: without it nobody can use the model on rows of their own."""

from dataclasses import dataclass

from numpy import dtype, uint8

AS_BYTES, AS_THEY_ARE = "bytes, 255 being 1", "features as they are, unscaled"


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
    a clause. `remarks`: what whoever brings the rows should know of them, a line each."""

    features: tuple[Feature, ...] = ()
    label: str | None = None
    group: str | None = None
    told: str = ""
    remarks: tuple[str, ...] = ()


def tell_unscaled(features_type: dtype) -> str:
    """Return how features that no scaling was asked for are treated."""
    return AS_BYTES if features_type == uint8 else AS_THEY_ARE
