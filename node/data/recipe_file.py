"""The recipe of a data set beside a kept run, or in a peer's folder, as JSON (`data.json`)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from node.data.dataset import Dataset
from node.data.errors import UnreadableFile
from node.data.recipe import Feature
from node.whole_file import OWNERS, write_whole

RECIPE = "data.json"


def describe_recipe(dataset: Dataset) -> dict[str, Any]:
    """Return how the rows were made, as JSON has it: `columns`, `features` and `classes` in the
    model's order; `classes` None: a number is learned."""
    recipe = dataset.recipe
    names = [each.column for each in recipe.features] or list(dataset.columns)
    return {
        "source": dataset.name,
        "label": recipe.label,
        "classes": None if dataset.targets is not None else list(dataset.classes),
        "width": dataset.width,
        "columns": list(dict.fromkeys(names)),
        "features": [_describe(each) for each in recipe.features],
        "scaling": recipe.told,
    }


def write_recipe(folder: Path, recipe: Mapping[str, Any], *, mode: int = OWNERS) -> None:
    """Keep how the rows were made, for whoever exports a model. A peer's is for its owner alone:
    means are of the rows. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RECIPE, (json.dumps(recipe, indent=1) + "\n").encode(), mode=mode)


def read_recipe(folder: Path) -> dict[str, Any] | None:
    """Return what `write_recipe` kept in a folder; None: nothing. Raises UnreadableFile."""
    path = folder / RECIPE
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UnreadableFile(str(path), "JSON", str(error)) from error
    if not isinstance(found, dict) or "features" not in found:
        raise UnreadableFile(str(path), "a table with an entry features", type(found).__name__)
    return found


def leave_out_own(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe without the numbers that are of one peer's rows alone: other peers have
    scaled by others, and these are nobody else's business. The values of a category stay, for
    they say which feature is which."""
    features = [
        {
            name: None if name in each["own"] and name != "value" else value
            for name, value in each.items()
        }
        for each in recipe["features"]
    ]
    return {**recipe, "features": features}


def has_gaps(recipe: Mapping[str, Any]) -> bool:
    """Return whether numbers were left out of a recipe."""
    return any(
        None in (each.get("minus", 0), each.get("divided_by", 1)) for each in recipe["features"]
    )


def _describe(feature: Feature) -> dict[str, Any]:
    if feature.value is not None:
        return {"column": feature.column, "value": feature.value, "own": list(feature.own)}
    return {
        "column": feature.column,
        "minus": feature.minus,
        "divided_by": feature.divided_by,
        "fill": feature.fill,
        "own": list(feature.own),
    }
