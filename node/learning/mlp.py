"""The multilayer perceptron as a learner."""

import numpy as np

from node.data.dataset import Dataset
from node.learning.classifier import Classifier
from node.learning.config import get_seed
from node.learning.learner import Config, Parameters
from node.learning.network import draw_weights
from node.learning.options import MlpOptions


class Mlp(Classifier):
    """A network with hidden layers, by default one of 32 units."""

    def __init__(
        self, train: Dataset, test: Dataset | None, partition: int, options: MlpOptions
    ) -> None:
        super().__init__(train, test, partition, options.hidden, options)

    def get_parameters(self, config: Config) -> Parameters:
        """Return random weights, a function of `config["seed"]` alone, and biases of zero.

        Raises InvalidConfig.
        """
        return draw_weights(self.widths, np.random.default_rng(get_seed(config)))
