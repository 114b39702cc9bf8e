"""From the name of a built-in learner to the learner."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from node.data.dataset import Dataset
from node.learning.errors import InvalidOption, UnknownLearner
from node.learning.learner import Learner
from node.learning.mlp import Mlp
from node.learning.options import MlpOptions, SgdOptions, build_options
from node.learning.softmax import SoftmaxRegression


class Builder(Protocol):
    """Builds one kind of learner."""

    def __call__(
        self,
        options: Mapping[str, Any],
        *,
        train: Dataset,
        test: Dataset | None,
        partition: int,
    ) -> Learner:
        """Return a learner for one peer. Raises InvalidOption."""
        ...


def build_softmax(
    options: Mapping[str, Any], *, train: Dataset, test: Dataset | None, partition: int
) -> SoftmaxRegression:
    """Return softmax regression under the options of SgdOptions. Raises InvalidOption."""
    chosen = build_options(SgdOptions, "softmax", options)
    return SoftmaxRegression(train, test, partition, chosen)


def build_mlp(
    options: Mapping[str, Any], *, train: Dataset, test: Dataset | None, partition: int
) -> Mlp:
    """Return a multilayer perceptron under the options of MlpOptions. Raises InvalidOption."""
    return Mlp(train, test, partition, build_options(MlpOptions, "mlp", options))


BUILT_IN: Mapping[str, Builder] = MappingProxyType({"softmax": build_softmax, "mlp": build_mlp})


def build_learner(
    name: str,
    options: Mapping[str, Any],
    *,
    train: Dataset | None,
    test: Dataset | None = None,
    partition: int = 0,
) -> Learner:
    """Return the built-in learner `name` for the peer that holds `train` (None is refused).

    `test` is what `evaluate` judges on (without it, `train`); `partition` is the peer's number, at
    least 0. Raises UnknownLearner and InvalidOption.
    """
    build = BUILT_IN.get(name)
    if build is None:
        known = ", ".join(BUILT_IN)
        raise UnknownLearner("learner", expected=f"{known} or module:factory", got=repr(name))
    if train is None:
        expected = "a file or the name of a data set: only a learner of one's own brings its own"
        raise InvalidOption(f"data of learner {name}", expected=expected, got="none")
    if train.targets is not None:
        raise InvalidOption(f"data of learner {name}", expected="classes", got="a number to learn")
    return build(options, train=train, test=test, partition=partition)
