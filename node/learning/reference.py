"""A learner of one's own by its name: `module:factory`."""

import importlib
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from node.learning.errors import UnknownLearner

FORM = "module:factory, such as clinic.model:client_fn"


def is_reference(name: str) -> bool:
    """Whether a learner is one's own, and none of those that come with Holdfast."""
    return ":" in name


def load_factory(name: str) -> Callable[[Any], object]:
    """Import the module and return the factory. Raises UnknownLearner for what cannot be found;
    what the module raises itself goes through."""
    module_name, _, attributes = name.partition(":")
    parts = attributes.split(".")
    if not all(part.isidentifier() for part in (*module_name.split("."), *parts)):
        raise UnknownLearner("learner", FORM, repr(name))
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that is there and lacks one of its own imports is another matter.
        missing = error.name or module_name
        if module_name != missing and not module_name.startswith(missing + "."):
            expected, got = f"what {module_name} imports", f"no module {missing!r}"
            raise UnknownLearner(f"learner {name}", expected, got) from error
        stem, dot, ending = module_name.rpartition(".")
        meant = stem if dot and ending == "py" else module_name
        expected = f"a module {meant!r} in {sys.path[0] or '.'}"
        if meant != module_name:
            expected += f" (of {module_name} it is {meant}:{attributes})"
        raise UnknownLearner(f"learner {name}", expected, "none") from error
    for part in parts:
        if not hasattr(found, part):
            raise UnknownLearner(f"learner {name}", f"{part!r} in {module_name}", "none")
        found = getattr(found, part)
    if not callable(found):
        got = type(found).__name__
        raise UnknownLearner(f"learner {name}", "a factory, called with one context", got)
    return found  # type: ignore[no-any-return]


def seed_all(*seeds: int) -> None:
    """Seed the generators that code of others draws from without asking: random's, numpy's, and
    torch's where it is loaded. So an unchanged client learns the same in the same round again."""
    words = np.random.SeedSequence(seeds).generate_state(2)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(int(words[0]))
