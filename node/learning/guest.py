"""Between a peer and a learner of somebody else's: what goes in is seeded and named, what comes out
is checked and plain."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from node.errors import ClaimRefused
from node.learning.config import get_round, get_seed
from node.learning.errors import InvalidParameters
from node.learning.hosting import Place
from node.learning.learner import Config, Learner, Metrics, Parameters
from node.learning.memory import LINE
from node.learning.reference import seed_all
from node.learning.terms import TERMS, find_obeyed
from node.training import check_claim

LONGEST_TEXT = 200
MOST_METRICS = 100
"""Metrics are read by people: more of them, or longer ones, are cut."""
NUMBERS = "fiub"
"""Kinds of dtype that an array of a model may have, as numpy calls them."""


class Guest:
    """A `Learner` around an object with the three methods.

    `config` of each call has the learner's options beside `seed` and `round`, and Flower's
    `server_round`. Before each call the generators that it may draw from are seeded by the
    federation's seed, the round and the partition, so that it gives the same again.
    """

    def __init__(self, learner: Learner, options: Mapping[str, Any], place: Place) -> None:
        self._learner = learner
        self._options = dict(options)
        self._place = place

    @property
    def parameter_names(self) -> Sequence[str] | None:
        """The names of the arrays, where the learner knows some."""
        return getattr(self._learner, "parameter_names", None)

    @property
    def obeys(self) -> tuple[str, ...]:
        """Which entries of the config the learner says that its `fit` obeys."""
        return find_obeyed(self._learner)

    @property
    def learning_rate(self) -> float | None:
        """Of a step, where the learner tells."""
        return getattr(self._learner, "learning_rate", None)

    def get_parameters(self, config: Config) -> Parameters:
        """Return the model that training starts from. Raises InvalidParameters where there is
        none."""
        # The same at all peers, as what they start from should be.
        seed_all(get_seed(config))
        arrays = _as_arrays("get_parameters", self._learner.get_parameters(self._extend(config, 0)))
        if not arrays:
            raise InvalidParameters(
                "learner: get_parameters", "the arrays that training starts from", "none"
            )
        return arrays

    def fit(self, parameters: Parameters, config: Config) -> tuple[Parameters, int, Metrics]:
        """Train. Raises InvalidParameters and ClaimRefused for what is no result."""
        number = get_round(config)
        seed_all(get_seed(config), number, self._place.partition)
        result = self._learner.fit(parameters, self._extend(config, number))
        arrays, samples, metrics = _check_triple("fit", "arrays, samples, metrics", result)
        plain = _make_plain("fit", metrics)
        # Here and not only where it is claimed, so that the dry round tells of it.
        check_claim(samples, plain)
        return _as_arrays("fit", arrays), samples, plain

    def evaluate(self, parameters: Parameters, config: Config) -> tuple[float, int, Metrics]:
        """Judge. Raises ClaimRefused for what is no judgement."""
        number = get_round(config)
        seed_all(get_seed(config), number, self._place.partition)
        result = self._learner.evaluate(parameters, self._extend(config, number))
        loss, samples, metrics = _check_triple("evaluate", "loss, samples, metrics", result)
        try:
            judged = float(loss), int(samples)
        except (TypeError, ValueError) as error:
            got = f"{_shorten(loss)}, {_shorten(samples)}"
            raise ClaimRefused(
                "learner: evaluate", "a loss and a number of samples", got
            ) from error
        return *judged, _make_plain("evaluate", metrics)

    def _extend(self, config: Config, number: int) -> Config:
        # What terms are to be obeyed an algorithm says, and no option that is called like one.
        options = {name: each for name, each in self._options.items() if name not in TERMS}
        # Where the head stands is for what the peer itself remembers.
        told = {name: each for name, each in config.items() if name != LINE}
        return {**options, "server_round": number, **told}


def _check_triple(method: str, expected: str, result: object) -> tuple[Any, Any, Any]:
    if not isinstance(result, tuple | list) or len(result) != 3:
        size = f" of {len(result)}" if isinstance(result, tuple | list) else ""
        got = f"a {type(result).__name__}{size}"
        raise ClaimRefused(f"learner: result of {method}", f"a tuple ({expected})", got)
    return result[0], result[1], result[2]


def _as_arrays(method: str, arrays: object) -> Parameters:
    if not isinstance(arrays, Sequence) or isinstance(arrays, str | bytes):
        got = type(arrays).__name__
        raise InvalidParameters(f"learner: parameters of {method}", "a list of numpy arrays", got)
    found = [np.asarray(array) for array in arrays]
    for number, array in enumerate(found):
        if array.dtype.kind not in NUMBERS:
            what = f"learner: array {number} of {method}"
            raise InvalidParameters(what, "numbers or truth values", f"dtype {array.dtype}")
    return found


def _make_plain(method: str, metrics: object) -> Metrics:
    """Return metrics of plain numbers and texts: they leave the process, where nobody knows the
    learner's own classes."""
    if metrics is None:
        return {}
    if not isinstance(metrics, Mapping):
        got = type(metrics).__name__
        raise ClaimRefused(f"learner: metrics of {method}", "a table", got)
    return {str(name): _plain(each) for name, each in list(metrics.items())[:MOST_METRICS]}


def _plain(value: object) -> Any:
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in list(value.items())[:MOST_METRICS]}
    return _shorten(value)


def _shorten(value: object) -> str:
    return str(value)[:LONGEST_TEXT]
