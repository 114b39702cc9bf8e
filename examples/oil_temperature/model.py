"""The oil temperature of a transformer a day ahead: least squares by gradient steps, on the change
from now until then. A model of zeros says "as it is now", which is the seasonal-naive forecast."""

import os
from pathlib import Path

import numpy as np

AHEAD, DAY, WEEK, MONTH = 24, 24, 7, 720  # hours, hours, days, hours
TRAIN_MONTHS, TEST_MONTHS = 20, 4
STEPS, RATE = 20, 0.03


def read_oil():
    """Return the oil temperature in °C, hour by hour from a midnight on."""
    path = Path(os.environ["HOLDFAST_DATA"]) / "ETTh1.csv"
    return np.loadtxt(path, delimiter=",", skiprows=1, usecols=7)


def describe(oil, now):
    """Return what is known at the hours `now`, (n, 17): nothing of it is later. What it is divided
    by is round, and taken from no data."""
    sums = np.concatenate([[0.0], oil.cumsum()])
    means = [(sums[now - DAY * k + 1] - sums[now - DAY * (k + 1) + 1]) / DAY for k in range(WEEK)]
    turn = 2 * np.pi * now / DAY
    columns = [
        *((oil[now - DAY * k] - oil[now]) / 5 for k in range(1, WEEK)),
        *((mean - means[0]) / 5 for mean in means[1:]),
        (means[0] - oil[now]) / 5,
        (means[0] - 20) / 10,
        *(np.sin(turn), np.cos(turn), np.ones(len(now))),
    ]
    return np.stack(columns, axis=1)


def cut(oil, start, end):
    """Return what is known and the change to come in 5 °C, for what happens from hour `start` to
    `end`."""
    now = np.arange(start - AHEAD, end - AHEAD)
    return describe(oil, now), (oil[now + AHEAD] - oil[now]) / 5


class Forecaster:
    """Learns from one stretch of the record; judges on what comes after all stretches."""

    def __init__(self, train, test):
        self.samples = len(train[1])
        self.gram = train[0].T @ train[0] / self.samples
        self.moments = train[0].T @ train[1] / self.samples
        self.test = test

    def get_parameters(self, config):
        return [np.zeros(len(self.moments))]

    def fit(self, parameters, config):
        (weights,) = parameters
        for _ in range(STEPS):
            weights = weights - RATE * (self.gram @ weights - self.moments)
        return [weights], self.samples, {"steps": STEPS}

    def evaluate(self, parameters, config):
        """Return as loss the mean absolute error in °C."""
        known, change = self.test
        return 5 * float(np.abs(known @ parameters[0] - change).mean()), len(change), {}


def build(part, parts, months):
    """Return the learner of one stretch of so many; None: the learner of all of them together."""
    oil, end = read_oil(), months * MONTH
    edges = np.linspace(0, end, parts + 1).astype(int)
    # A week to look back on lies within the stretch: nobody reads another's hours.
    lead = DAY * WEEK + AHEAD
    stretches = [cut(oil, edges[i] + lead, edges[i + 1]) for i in range(parts)]
    if part is None:
        train = tuple(np.concatenate(each) for each in zip(*stretches, strict=True))
    else:
        train = stretches[part]
    return Forecaster(train, cut(oil, end, min(len(oil), end + TEST_MONTHS * MONTH)))


def make(context):
    config = context.node_config
    months = context.run_config.get("train-months", TRAIN_MONTHS)
    return build(config["partition-id"], config["num-partitions"], months)
