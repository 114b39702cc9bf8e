"""Linear regression on rows that no peer shows, drawn from a seed: each sees another region."""

import numpy as np

ROWS, FEATURES = 60, 10


def draw_rows(partition):
    """Return x and y of a peer: its own mean and spread of x, the same line, and noise."""
    line = np.random.default_rng(42).normal(size=FEATURES + 1)
    own = np.random.default_rng([42, partition])
    x = own.normal(own.normal(0, 0.5, FEATURES), own.uniform(0.7, 1.3, FEATURES), (ROWS, FEATURES))
    x = np.hstack([x, np.ones((ROWS, 1))])
    return x, x @ line + own.normal(size=ROWS)


class Regression:
    """f(w) = |x w - y|^2 / 2n, minimised exactly, with what an algorithm asks to add to it."""

    obeys = ("proximal_mu", "linear")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def get_parameters(self, config):
        return [np.zeros(FEATURES + 1)]

    def fit(self, parameters, config):
        head, rows = parameters[0], len(self.y)
        mu, linear = config.get("proximal_mu", 0.0), config.get("linear", [0.0])[0]
        matrix = self.x.T @ self.x / rows + mu * np.eye(len(head))
        target = self.x.T @ self.y / rows + mu * head - linear
        return [np.linalg.solve(matrix, target)], rows, {"steps": 1}

    def evaluate(self, parameters, config):
        return float(np.square(self.x @ parameters[0] - self.y).mean()), len(self.y), {}


def make(context):
    return Regression(*draw_rows(context.node_config["partition-id"]))
