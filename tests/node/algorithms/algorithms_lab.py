"""Peers whose losses are quadratic, so that everything that they should find is known."""

import numpy as np

from node.algorithms.guided import Guided
from node.encoding import Layout
from node.learning.context import State
from node.learning.memory import Line
from node.learning.terms import TERMS, get_terms

D = 3
LAYOUT = Layout(("weight", "bias"), ((2,), (1,)), ("float64", "float64"))
CONFIG = {"seed": 0}


def stand(height, name=b""):
    """Return where a head stands after so many agreements; a name for one that hangs beside it."""
    below = tuple((b"%d" % (height - back), back) for back in range(1, min(height, 4) + 1))
    return Line(b"%d" % height + name, below)


class Quadratic:
    """f(w) = 1/2 (w - b)' A (w - b), by so many steps of gradient descent at a rate."""

    obeys = TERMS

    def __init__(self, matrix, target, steps=10, rate=0.05, samples=1):
        self.matrix = matrix
        self.target = target
        self.steps = steps
        self.learning_rate = rate
        self.samples = samples
        self.configs = []

    def get_parameters(self, config):
        return LAYOUT.unflatten(np.zeros(D))

    def fit(self, parameters, config):
        self.configs.append(config)
        terms = get_terms(config, parameters)
        anchor = LAYOUT.flatten(parameters)
        linear = np.zeros(D) if terms.linear is None else LAYOUT.flatten(terms.linear)
        w, steps = anchor.copy(), 1 if terms.is_one_step else self.steps
        for _ in range(steps):
            slope = self.matrix @ (w - self.target)
            w = w - self.learning_rate * (slope + linear + terms.proximal_mu * (w - anchor))
        return LAYOUT.unflatten(w), self.samples, {"steps": steps}

    def evaluate(self, parameters, config):
        return 0.0, 1, {}


def draw_peers(seed=0, count=4, **how):
    """Return peers whose losses differ in curvature and in place."""
    generator = np.random.default_rng(seed)
    peers = []
    for _ in range(count):
        root = generator.normal(size=(D, D))
        peers.append(Quadratic(root @ root.T / D + np.eye(D) / 2, generator.normal(size=D), **how))
    return peers


def find_optimum(peers, weights=None):
    """Return where the (weighted) sum of the losses is least."""
    weights = np.ones(len(peers)) if weights is None else weights
    matrix = sum(w * p.matrix for w, p in zip(weights, peers, strict=True))
    target = sum(w * p.matrix @ p.target for w, p in zip(weights, peers, strict=True))
    return np.linalg.solve(matrix, target)


class Federation:
    """Rounds in floats: the head becomes the mean of what the peers send."""

    def __init__(self, peers, algorithm, weights=None):
        self.peers = peers
        self.algorithm = algorithm
        self.weights = np.full(len(peers), 1 / len(peers)) if weights is None else weights
        self.states = [State() for _ in peers]
        self.head = np.zeros(D)
        self.round = 0
        self.height = 0

    def guide(self, peer):
        return Guided(self.peers[peer], self.algorithm, LAYOUT, self.states[peer])

    def train(self, peer, number, head, line=None):
        config = {**CONFIG, "round": number, "line": line or stand(self.height)}
        arrays, _, _ = self.guide(peer).fit(LAYOUT.unflatten(head), config)
        return LAYOUT.flatten(arrays)

    def run(self, rounds):
        for _ in range(rounds):
            self.round += 1
            sent = [self.train(peer, self.round, self.head) for peer in range(len(self.peers))]
            self.agree(sum(w * s for w, s in zip(self.weights, sent, strict=True)))
        return self.head

    def agree(self, head):
        self.head = head
        self.height += 1
