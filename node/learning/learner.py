"""What a peer asks of whatever learns on its behalf: three methods.

The shape is that of Flower's NumPyClient, so a learner written for one serves the other. A class
needs no base: it is a learner by having the methods.
"""

from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

Parameters: TypeAlias = list[NDArray[Any]]
Config: TypeAlias = dict[str, Any]
Metrics: TypeAlias = dict[str, Any]


class Learner(Protocol):
    """Trains and judges one model on the data that it holds.

    The config of every call carries `seed` (int, at least 0): the federation's, the same for all
    peers and rounds. That of `fit` and `evaluate` also carries `round` (int, at least 0).

    Where the federation follows an algorithm, that of `fit` may also carry terms to be added to
    the loss (`node.learning.terms`): those that a learner names in an attribute `obeys`.

    Parameters are a list of arrays of real numbers, of the same count, order and shapes in all
    calls and at all peers; arrays passed in are the caller's and are not written to.
    """

    def get_parameters(self, config: Config) -> Parameters:
        """Return the model that training starts from.

        A function of `config["seed"]` alone: every peer gets the same bits whatever data it
        holds, because each checks the federation's genesis model against its own.
        """
        ...

    def fit(self, parameters: Parameters, config: Config) -> tuple[Parameters, int, Metrics]:
        """Train from `parameters`; return the model arrived at, samples used, and metrics.

        Should be a function of the parameters, the learner's data, and the config's `seed` and
        `round`: then a peer that is killed and restarted within a round learns the same again.
        The config may carry `local_steps` (int, at least 1): then so many steps, be it less than a
        pass over the data or more, instead of what the options say.

        The samples are those of a pass over the data, however often each was used. Metrics:
        `steps` (int, at least 1: how often the model moved) and `loss` (float: mean over the
        samples, each as the model stood when it was used).
        """
        ...

    def evaluate(self, parameters: Parameters, config: Config) -> tuple[float, int, Metrics]:
        """Judge `parameters`; return the mean loss, the number of samples judged, and metrics.

        Metrics of a classifier: `accuracy` (float, 0 to 1) and `accuracy_by_class` (dict from
        class to float, of the classes that have a sample).
        """
        ...
