"""On real images, where HOLDFAST_DATA names the folder that holds them."""

import os
from pathlib import Path

import numpy as np
import pytest

from node.data.npz_file import read_npz
from node.learning.catalogue import build_learner

FOLDER = os.environ.get("HOLDFAST_DATA")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="HOLDFAST_DATA is not set")


@pytest.mark.slow
def test_fit__one_pass_over_mnist__reaches_nine_in_ten_on_its_test_part() -> None:
    path = Path(FOLDER or "") / "mnist.npz"
    train, test = read_npz(path), read_npz(path, keys=("x_test", "y_test"))
    assert (train.samples, test.samples, train.width) == (60_000, 10_000, 784)
    assert train.features.dtype == np.uint8
    options = {"hidden": [128], "learning_rate": 0.05}
    learner = build_learner("mlp", options, train=train, test=test)
    config = {"seed": 1, "round": 1}
    trained, used, metrics = learner.fit(learner.get_parameters(config), config)
    assert (used, metrics["steps"]) == (60_000, 1875)
    assert learner.evaluate(trained, config)[2]["accuracy"] > 0.92
