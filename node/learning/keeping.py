"""Arrays of a model that never leave their peer: counters, or a head of the peer's own.

The federation's model w is then the rest. A learner sees all of its arrays as before, in its own
order; those that are kept, v_i, are the peer's last ones, and live in its state:

    (w_i, v_i+) = train(f_i, from (w, v_i))        sent: w_i - w        kept: v_i+

Source of personal heads: Arivazhagan et al. 2019 (FedPer), arXiv 1912.00818.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.encoding import Layout
from node.errors import LayoutMismatch
from node.learning.learner import Config, Learner, Metrics, Parameters
from node.learning.memory import Memory, Values, get_line
from node.learning.terms import LINEAR, find_obeyed

KEY = "holdfast.kept"
"""Under which the memory of the kept arrays stands in the state."""
ARRAYS = "arrays"
SHARED_KINDS = "f"


@dataclass(frozen=True)
class Kept:
    """One array that stays: its name, shape and dtype, and its place among the learner's arrays,
    the first being 0."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    at: int


def choose_kept(
    names: Sequence[str], arrays: Parameters, patterns: Sequence[str] = ()
) -> tuple[Kept, ...]:
    """Return which arrays stay: those whose name fits a pattern (as `head.*`), and all that are not
    of floats. An integer that is part of a model is a counter or a table, of which there is no
    meaningful mean; and among coordinates that move by thousandths it would set the unit and the
    clip of all. Raises LayoutMismatch for a pattern that fits nothing."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            expected = f"one of {', '.join(names)}"
            raise LayoutMismatch("learner: array to keep", expected, repr(pattern))
    return tuple(
        Kept(name, array.shape, array.dtype.name, at)
        for at, (name, array) in enumerate(zip(names, arrays, strict=True))
        if array.dtype.kind not in SHARED_KINDS
        or any(fnmatchcase(name, pattern) for pattern in patterns)
    )


def describe_shared(names: Sequence[str], arrays: Parameters, kept: Sequence[Kept]) -> Layout:
    """Return the layout of what is left for all. Raises LayoutMismatch where nothing is, and
    LayoutRefused."""
    stays = {each.at for each in kept}
    shared = [at for at in range(len(arrays)) if at not in stays]
    if not shared:
        told = ", ".join(f"{each.name} ({each.dtype})" for each in kept)
        expected = "an array of floats that is learned together"
        raise LayoutMismatch("learner: model", expected, f"only some that stay: {told}")
    return Layout.from_arrays([arrays[at] for at in shared], [names[at] for at in shared])


class Keeping:
    """A learner of the shared arrays around one of all."""

    def __init__(
        self, learner: Learner, kept: Sequence[Kept], state: MutableMapping[str, Any]
    ) -> None:
        self._learner = learner
        self._kept = tuple(kept)
        self._places = frozenset(each.at for each in kept)
        self._memory = Memory(state, KEY)
        self._first: list[NDArray[Any]] = []

    @property
    def parameter_names(self) -> list[str] | None:
        names = getattr(self._learner, "parameter_names", None)
        if names is None:
            return None
        return [name for at, name in enumerate(names) if at not in self._places]

    @property
    def obeys(self) -> tuple[str, ...]:
        return find_obeyed(self._learner)

    @property
    def learning_rate(self) -> float | None:
        return getattr(self._learner, "learning_rate", None)

    def get_parameters(self, config: Config) -> Parameters:
        arrays = self._learner.get_parameters(config)
        # What was kept before goes on; a new peer begins with its learner's own.
        self._first = self._take(arrays)
        return self._drop(arrays)

    def fit(self, parameters: Parameters, config: Config) -> tuple[Parameters, int, Metrics]:
        line = get_line(config)
        remembered = self._memory.recall(line)
        if not remembered:
            # Of a head of the peer's own nobody else has a copy.
            remembered = self._memory.adopt(line, {ARRAYS: self._first})
        merged = self._merge(parameters, remembered)
        if config.get(LINEAR) is not None:
            config = {**config, LINEAR: self._pad(config[LINEAR])}
        arrays, samples, metrics = self._learner.fit(merged, config)
        self._memory.note(line, {ARRAYS: self._take(arrays)})
        return self._drop(arrays), samples, metrics

    def evaluate(self, parameters: Parameters, config: Config) -> tuple[float, int, Metrics]:
        return self._learner.evaluate(self._merge(parameters, self._memory.latest()), config)

    def _take(self, arrays: Parameters) -> list[NDArray[Any]]:
        """Return copies of the kept ones. Raises LayoutMismatch where they are not what the spec
        says of them."""
        own = []
        for each in self._kept:
            if each.at >= len(arrays):
                raise LayoutMismatch(
                    "learner: number of arrays", f"more than {each.at}", len(arrays)
                )
            array = np.asarray(arrays[each.at])
            if (array.shape, array.dtype.name) != (each.shape, each.dtype):
                expected = f"{each.dtype} {each.shape}"
                got = f"{array.dtype.name} {array.shape}"
                raise LayoutMismatch(f"learner: kept array {each.name!r}", expected, got)
            own.append(array.copy())
        return own

    def _drop(self, arrays: Parameters) -> Parameters:
        return [array for at, array in enumerate(arrays) if at not in self._places]

    def _merge(self, parameters: Parameters, remembered: Values) -> Parameters:
        last = remembered.get(ARRAYS, self._first)
        own = {each.at: array.copy() for each, array in zip(self._kept, last, strict=True)}
        shared = iter(parameters)
        return [own[at] if at in own else next(shared) for at in range(len(own) + len(parameters))]

    def _pad(self, linear: Parameters) -> Parameters:
        """Return a term of the shared arrays as one of all: nothing pulls at what stays."""
        own = {each.at: np.zeros(each.shape, np.float32) for each in self._kept}
        shared = iter(linear)
        return [own[at] if at in own else next(shared) for at in range(len(own) + len(linear))]
