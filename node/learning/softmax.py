"""Softmax regression, also called multinomial logistic regression, as a learner."""

import numpy as np

from node.data.dataset import Dataset
from node.learning.classifier import Classifier
from node.learning.learner import Config, Parameters
from node.learning.network import compute_shapes
from node.learning.options import SgdOptions


class SoftmaxRegression(Classifier):
    """A network without hidden layers: the loss is convex, with one minimum when l2 > 0."""

    def __init__(
        self, train: Dataset, test: Dataset | None, partition: int, options: SgdOptions
    ) -> None:
        super().__init__(train, test, partition, (), options)

    def get_parameters(self, config: Config) -> Parameters:
        """Return zeros: nothing is symmetric that a random start would have to break."""
        return [np.zeros(shape, dtype=np.float32) for shape in compute_shapes(self.widths)]
