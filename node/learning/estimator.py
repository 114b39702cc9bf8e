"""A scikit-learn estimator as a learner: `partial_fit`, or `fit` and a `coef_` that comes of it.

Its parameters are `coef_` and `intercept_`, or a multilayer perceptron's `coefs_` and
`intercepts_`. An estimator with `partial_fit` makes so many passes over the peer's rows in a round,
or takes the local steps that it is asked for, a row being one; an estimator without is fitted anew,
from the head where it has `warm_start`.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.learning.config import get_local_steps
from node.learning.context import Data
from node.learning.errors import InvalidOption, InvalidParameters
from node.learning.hosting import Place
from node.learning.learner import Config, Metrics, Parameters

Rows = tuple[NDArray[Any], NDArray[Any]]
LINEAR = ("coef_", "intercept_")
LEAST_PROBABILITY = 1e-12  # so that a hopeless sample costs much and not infinitely much


class Estimator:
    """Trains an estimator.

    `train`, `test`: (x, y), (n, k) and (n,); without them the peer's own data. `classes`: all
    values of y, of which a peer may lack some; by default those of train and test. `epochs`: passes
    in a round, by default the option of that name, or 1.

    Raises InvalidOption.
    """

    def __init__(
        self,
        estimator: Any,
        fields: Mapping[str, Any],
        options: Mapping[str, Any],
        place: Place,
        data: Data | None,
    ) -> None:
        # It is an estimator of scikit-learn's, so that is there.
        base: Any = import_module("sklearn.base")

        self._x, self._y = _choose_rows("train", fields, data)
        self._tested = (self._x, self._y)
        if fields.get("test") is not None or data is not None:
            self._tested = _choose_rows("test", fields, data)
        self._epochs = int(fields.get("epochs", options.get("epochs", 1)))
        self._classes: NDArray[Any] | None = None
        # Rows of the peer's data have indices for labels, and names that the others know.
        self._names = () if data is None or fields.get("train") is not None else data.classes
        if base.is_classifier(estimator):
            self._classes = _choose_classes(fields, data, (self._y, self._tested[1]))
        self._estimator = base.clone(estimator)
        if self._estimator.get_params().get("random_state", 0) is None:
            self._estimator.set_params(random_state=place.seed % 2**32)
        self._is_incremental = callable(getattr(self._estimator, "partial_fit", None))
        self._begin()

    @property
    def parameter_names(self) -> list[str]:
        return [name for name, _ in self._list_arrays()]

    def get_parameters(self, config: Config) -> Parameters:
        """Return zeros for a linear model, and a perceptron's first draw."""
        return [array.copy() for _, array in self._list_arrays()]

    def fit(self, parameters: Parameters, config: Config) -> tuple[Parameters, int, Metrics]:
        """Train on the peer's rows. Steps are told where so many are asked for; else nobody knows
        what an estimator calls one. Raises InvalidParameters and InvalidConfig."""
        self._load(parameters)
        local_steps, rows = get_local_steps(config), len(self._y)
        metrics: Metrics = {}
        if not self._is_incremental:
            self._fit_anew()
        elif local_steps is None:
            self._visit(self._epochs * rows)
        else:
            self._visit(local_steps)
            metrics["steps"] = local_steps
        return self.get_parameters(config), rows, metrics

    def evaluate(self, parameters: Parameters, config: Config) -> tuple[float, int, Metrics]:
        """Judge: log loss, or the share of misses where there are no probabilities, of classes;
        the mean squared error of numbers."""
        self._load(parameters)
        x, y = self._tested
        guesses = self._estimator.predict(x)
        if self._classes is None:
            return float(np.square(guesses - y).mean()), len(y), {}
        accuracy = float(np.mean(guesses == y))
        loss = 1.0 - accuracy
        if hasattr(self._estimator, "predict_proba"):
            of_class = self._estimator.predict_proba(x)[
                np.arange(len(y)), np.searchsorted(self._classes, y)
            ]
            loss = float(-np.log(np.maximum(of_class, LEAST_PROBABILITY)).mean())
        by_class = {
            self._names[label] if self._names else str(label): float(
                np.mean(guesses[y == label] == label)
            )
            for label in np.unique(y)
        }
        return loss, len(y), {"accuracy": accuracy, "accuracy_by_class": by_class}

    def _begin(self) -> None:
        """Give the estimator its shapes, without a look at the data: all peers start alike."""
        width = self._x.shape[1]
        if self._classes is None:
            self._advance(np.zeros((1, width)), np.zeros(1))
        else:
            self._advance(np.zeros((len(self._classes), width)), self._classes)
        for name, array in self._list_arrays():
            if name in LINEAR:
                array[...] = 0

    def _advance(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        if not self._is_incremental:
            self._estimator.fit(x, y)
        elif self._classes is None:
            self._estimator.partial_fit(x, y)
        else:
            self._estimator.partial_fit(x, y, classes=self._classes)

    def _visit(self, rows: int) -> None:
        """Show the estimator so many rows, pass by pass."""
        for first in range(0, rows, len(self._y)):
            order = np.random.permutation(len(self._y))[: rows - first]
            self._advance(self._x[order], self._y[order])

    def _fit_anew(self) -> None:
        x, y = self._x, self._y
        missing = np.setdiff1d(y if self._classes is None else self._classes, y)
        if not len(missing):
            self._estimator.fit(x, y)
            return
        # Rows that weigh nothing, so that a class which this peer has no row of has its place.
        weights = np.r_[np.ones(len(y)), np.zeros(len(missing))]
        padded = np.vstack([x, np.zeros((len(missing), x.shape[1]))])
        self._estimator.fit(padded, np.r_[y, missing], sample_weight=weights)

    def _list_arrays(self) -> list[tuple[str, NDArray[Any]]]:
        estimator = self._estimator
        if hasattr(estimator, "coefs_"):
            return [
                (f"{name}.{layer}", array)
                for name in ("coefs_", "intercepts_")
                for layer, array in enumerate(getattr(estimator, name))
            ]
        if not hasattr(estimator, "coef_"):
            got = type(estimator).__name__
            raise InvalidParameters("estimator", "coef_ or coefs_ once it is fitted", got)
        for name in LINEAR:
            if not isinstance(getattr(estimator, name), np.ndarray):
                setattr(estimator, name, np.array(getattr(estimator, name), dtype=np.float64))
        return [(name, getattr(estimator, name)) for name in LINEAR]

    def _load(self, parameters: Parameters) -> None:
        own = self._list_arrays()
        shapes = [tuple(array.shape) for _, array in own]
        got = [tuple(array.shape) for array in parameters]
        if shapes != got:
            raise InvalidParameters("parameters", str(shapes), str(got))
        for (_, array), new in zip(own, parameters, strict=True):
            array[...] = new


def _choose_rows(name: str, fields: Mapping[str, Any], data: Data | None) -> Rows:
    if fields.get(name) is not None:
        x, y = fields[name]
        return np.asarray(x, dtype=np.float64), np.asarray(y)
    if data is None:
        expected = "(x, y), or data of the peer's"
        raise InvalidOption(f"description of a scikit-learn model: {name}", expected, "none")
    x, y = (data.x_train, data.y_train) if name == "train" else (data.x_test, data.y_test)
    scale = 255.0 if x.dtype == np.uint8 else 1.0
    return x.astype(np.float64) / scale, y


def _choose_classes(
    fields: Mapping[str, Any], data: Data | None, labels: Sequence[NDArray[Any]]
) -> NDArray[Any]:
    if fields.get("classes") is not None:
        return np.unique(np.asarray(fields["classes"]))
    if data is not None and fields.get("train") is None:
        return np.arange(len(data.classes))
    return np.unique(np.concatenate(labels))
