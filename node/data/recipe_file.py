"""The recipe of a data set beside a kept run, or in a peer's folder, as JSON (`data.json`)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from node.data.dataset import Dataset
from node.data.errors import UnreadableFile
from node.data.recipe import OF_OWNER, SOURCE, Feature
from node.whole_file import OWNERS, write_whole

RECIPE = "data.json"


def describe_recipe(dataset: Dataset) -> dict[str, Any]:
    """Return how the rows were made, as JSON has it: `columns`, `features` and `classes` in the
    model's order; `classes` None: a number is learned. `own`: entries that are its
    owner's alone."""
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
        "own": list(recipe.own),
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
    """Return a recipe without what is of one peer's rows alone: numbers, values of a category and
    classes that no page declares, and what its file is called. Other peers have others, and these
    are nobody else's business."""
    features = [_blank(each, each["own"]) for each in recipe["features"]]
    # A recipe that was kept before it told whose they are: nothing shows that they are shared.
    own = recipe.get("own", OF_OWNER)
    return {**_blank(recipe, own), "features": features, "own": list(own)}


def has_gaps(recipe: Mapping[str, Any]) -> bool:
    """Return whether anything was left out of a recipe that the model's rows or classes need."""
    tables = [recipe, *recipe["features"]]
    return any(
        each[name] is None for each in tables for name in each.get("own", ()) if name != SOURCE
    )


def _blank(entries: Mapping[str, Any], own: Sequence[str]) -> dict[str, Any]:
    return {name: None if name in own else value for name, value in entries.items()}


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
