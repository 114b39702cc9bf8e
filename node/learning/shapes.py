"""What a factory may return, told apart by shape: nobody has to import anything of ours.

    a Flower NumPyClient, or one wrapped by its to_client()    used as it is
    an object with get_parameters, fit and evaluate            used as it is
    a torch.nn.Module                                          in a description
    a scikit-learn estimator with partial_fit or coef_         alone, or in a description

A description is a mapping, or an object with attributes: `model`, and beside it what the adapter of
the model's kind asks for (`node.learning.torch_module`, `node.learning.estimator`).
"""

import sys
from collections.abc import Mapping
from typing import Any, cast

from node.learning.context import Data
from node.learning.errors import InvalidOption, UnknownShape
from node.learning.hosting import Place
from node.learning.learner import Learner

METHODS = ("get_parameters", "fit", "evaluate")
EXPECTED = (
    "an object with get_parameters, fit and evaluate, a torch module in a description, or a "
    "scikit-learn estimator"
)


def recognise(
    found: object, options: Mapping[str, Any], place: Place, data: Data | None
) -> Learner:
    """Return a learner of what a factory returned. Raises UnknownShape, and InvalidOption for a
    description that lacks something."""
    # Flower's wrapper keeps the client under this name.
    client = getattr(found, "numpy_client", found)
    missing = [name for name in METHODS if not callable(getattr(client, name, None))]
    if not missing and not isinstance(client, type):
        return cast(Learner, client)
    fields = _read_description(found)
    model = fields.pop("model")
    if _is_torch_module(model):
        from node.learning.torch_module import TorchModule

        return TorchModule(model, _build(fields, _torch_fields(), "torch"), options, data)
    if _is_estimator(model):
        from node.learning.estimator import Estimator

        known = ("train", "test", "classes", "epochs")
        return Estimator(model, _build(fields, known, "scikit-learn"), options, place, data)
    raise UnknownShape("learner", EXPECTED, _describe(client, missing))


def _read_description(found: object) -> dict[str, Any]:
    if isinstance(found, Mapping):
        if "model" not in found:
            raise UnknownShape("learner", EXPECTED, f"a mapping of {', '.join(map(str, found))}")
        return dict(found)
    if hasattr(found, "model") and not _is_torch_module(found) and not _is_estimator(found):
        names = [name for name in dir(found) if not name.startswith("_")]
        return {name: getattr(found, name) for name in names}
    return {"model": found}


def _build(fields: Mapping[str, Any], known: tuple[str, ...], kind: str) -> dict[str, Any]:
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise InvalidOption(f"description of a {kind} model", ", ".join(known), repr(unknown[0]))
    return dict(fields)


def _torch_fields() -> tuple[str, ...]:
    from node.learning.torch_module import FIELDS

    return FIELDS


def _is_torch_module(found: object) -> bool:
    # Whoever holds a module has imported torch.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(found, torch.nn.Module)


def _is_estimator(found: object) -> bool:
    if isinstance(found, type) or not callable(getattr(found, "get_params", None)):
        return False
    # coef_ comes with the first fit, so of a fresh estimator `fit` and `predict` must do.
    return all(callable(getattr(found, name, None)) for name in ("fit", "predict"))


def _describe(client: object, missing: list[str]) -> str:
    name = type(client).__name__
    if isinstance(client, type):
        return f"the class {client.__name__} itself (return {client.__name__}(...))"
    if len(missing) < len(METHODS):
        return f"a {name} without {' and '.join(missing)}"
    return f"a {name}"
