"""What the built-in classifiers share: one network, trained by descent on one peer's data."""

from functools import cached_property

import numpy as np

from node.data.dataset import Dataset
from node.learning.batches import Chunk
from node.learning.config import get_local_steps, get_round, get_seed
from node.learning.descent import Pull, descend, gather_all, judge, step_once
from node.learning.learner import Config, Metrics, Parameters
from node.learning.network import Stack, Widths, allocate_stack, join_layers, split_layers
from node.learning.options import SgdOptions
from node.learning.terms import TERMS, Terms, get_terms


class Classifier:
    """Rectified linear layers of the widths `hidden`, softmax on top, cross-entropy, plain SGD.

    Parameters: for each layer weights (out, in), then bias (out,), float32. `partition` (at least
    0) tells the learners of one federation apart: it seeds the order of the samples, and nothing
    else. `evaluate` judges on `test`, or without it on the training data.
    """

    obeys = TERMS

    def __init__(
        self,
        train: Dataset,
        test: Dataset | None,
        partition: int,
        hidden: tuple[int, ...],
        options: SgdOptions,
    ) -> None:
        self._train = train
        self._test = train if test is None else test
        self._partition = partition
        self._options = options
        self.widths: Widths = (train.width, *hidden, len(train.classes))

    def fit(self, parameters: Parameters, config: Config) -> tuple[Parameters, int, Metrics]:
        """Train for the epochs of the options, or the steps that are asked for.

        A function of the parameters, the training data, `seed`, `round`, `local_steps` and the
        terms of the config, and the partition. Raises InvalidConfig and InvalidParameters.
        """
        stack = join_layers(parameters, self.widths)
        terms = get_terms(config, parameters)
        pull = self._find_pull(stack, terms)
        if terms.is_one_step:
            descent = step_once(stack, self.widths, self._train, self._options, pull)
        else:
            seeds = [get_seed(config), get_round(config), self._partition]
            generator = np.random.default_rng(seeds)
            descent = descend(
                stack,
                self.widths,
                self._train,
                self._options,
                generator,
                pull,
                get_local_steps(config),
            )
        metrics: Metrics = {"steps": descent.steps, "loss": descent.loss}
        return split_layers(stack), self._train.samples, metrics

    @property
    def learning_rate(self) -> float:
        """Of a step."""
        return self._options.learning_rate

    def _find_pull(self, stack: Stack, terms: Terms) -> Pull | None:
        if not terms.has_pull:
            return None
        linear = allocate_stack(self.widths, stack.flat.dtype)
        if terms.linear is not None:
            linear = join_layers(terms.linear, self.widths)
        return Pull(linear.flat, terms.proximal_mu, stack.flat.copy())

    @cached_property
    def _judged(self) -> tuple[Chunk, ...]:
        return gather_all(self._test)

    def evaluate(self, parameters: Parameters, config: Config) -> tuple[float, int, Metrics]:
        """Judge `parameters`; nothing is read from the config. Raises InvalidParameters."""
        stack = join_layers(parameters, self.widths)
        judgement = judge(stack, self.widths, self._test, self._judged)
        by_class = {
            name: hits / samples
            for name, hits, samples in zip(
                self._test.classes,
                judgement.hits.tolist(),
                judgement.samples.tolist(),
                strict=True,
            )
            if samples
        }
        accuracy = int(judgement.hits.sum()) / self._test.samples
        metrics: Metrics = {"accuracy": accuracy, "accuracy_by_class": by_class}
        return judgement.loss, self._test.samples, metrics
