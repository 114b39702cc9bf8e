"""Learners as users write them, good and bad: a module to be loaded by its name in a process."""

import os
import time

import numpy as np


class Mean:
    """Moves half way to the mean of its two numbers, and counts its rounds in an integer array."""

    def __init__(self, context):
        self.context = context
        self.rows = np.arange(8.0).reshape(4, 2) + context.node_config["partition-id"]

    def get_parameters(self, config):
        return [np.zeros(2, np.float32), np.array(0), np.zeros(1, np.float16)]

    def fit(self, parameters, config):
        print(f"round {config['round']}")  # noqa: T201 - as users do
        mean, count, half = parameters
        state = self.context.state
        state["rounds"] = state.get("rounds", 0) + 1
        moved = mean + np.float32(0.5) * (self.rows.mean(axis=0) - mean).astype(np.float32)
        metrics = {"steps": 1, "rounds": state["rounds"], "count": int(count)}
        return [moved, count + 1, half], len(self.rows), metrics

    def evaluate(self, parameters, config):
        return float(np.square(self.rows - parameters[0]).mean()), 4, {"accuracy": np.float32(0.5)}


class Boasting(Mean):
    def evaluate(self, parameters, config):
        loss, samples, _ = super().evaluate(parameters, config)
        return loss, samples, {"accuracy": "excellent"}


class Vague(Mean):
    def evaluate(self, parameters, config):
        loss, samples, metrics = super().evaluate(parameters, config)
        return loss, samples, {**metrics, "accuracy_by_class": {"well": 1.0, "ill": None}}


class Raising(Mean):
    def fit(self, parameters, config):
        raise ValueError("no such column: age")


class Nan(Mean):
    def fit(self, parameters, config):
        arrays, samples, metrics = super().fit(parameters, config)
        return [arrays[0] * np.float32("nan"), *arrays[1:]], samples, metrics


class Misshapen(Mean):
    def fit(self, parameters, config):
        arrays, samples, metrics = super().fit(parameters, config)
        return [np.zeros((3, 3), np.float32), *arrays[1:]], samples, metrics


class Leaking(Mean):
    def fit(self, parameters, config):
        self.leak = np.ones(4 * 2**30, np.uint8)
        return super().fit(parameters, config)


class Looping(Mean):
    def fit(self, parameters, config):
        while True:
            time.time()


class Crashing(Mean):
    def fit(self, parameters, config):
        os._exit(7)


class Chattering(Mean):
    def fit(self, parameters, config):
        print("x" * 3 * 2**20)  # noqa: T201
        return super().fit(parameters, config)


class Leaving(Mean):
    def fit(self, parameters, config):
        raise SystemExit("done here")


class Pondering(Mean):
    def evaluate(self, parameters, config):
        while True:
            time.time()


KINDS = {
    "ponders": Pondering,
    "boasts": Boasting,
    "vague": Vague,
    "raises": Raising,
    "nan": Nan,
    "misshapen": Misshapen,
    "leaks": Leaking,
    "loops": Looping,
    "crashes": Crashing,
    "leaves": Leaving,
    "chatters": Chattering,
}


def make(context):
    """Return a good learner, or at one partition one of a bad kind."""
    config, partition = context.run_config, context.node_config["partition-id"]
    if "bad" in config and partition == config.get("at", partition):
        return KINDS[config["bad"]](context)
    return Mean(context)


class Wrapped:
    """As Flower's to_client() wraps a NumPyClient."""

    def __init__(self, client):
        self.numpy_client = client


def make_wrapped(context):
    return Wrapped(Mean(context))


def make_nothing(context):
    return object()
