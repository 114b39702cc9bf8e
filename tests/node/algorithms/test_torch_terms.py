"""What a torch module does with the terms of an algorithm; skipped where torch is not installed."""

import numpy as np
import pytest

from node.learning.context import Data
from node.learning.guest import Guest
from node.learning.hosting import Place
from node.learning.shapes import recognise
from node.learning.terms import TERMS

torch = pytest.importorskip("torch", reason="torch is an extra (pip install 'holdfast[torch]')")
RATE = 0.1


def build(batch_size=40, **options):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(40, 4)).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(np.int64)
    torch.manual_seed(0)
    found = {
        "model": torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)),
        "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=RATE),
        "loss": torch.nn.functional.cross_entropy,
    }
    options["batch_size"] = batch_size
    return Guest(
        recognise(found, options, Place(), Data(x, y, x, y, ("no", "yes"))), options, Place()
    )


def test_fit__terms__are_added_to_each_gradient():
    head = build().get_parameters({"seed": 0})
    generator = np.random.default_rng(1)
    linear = [generator.normal(size=a.shape).astype(np.float32) for a in head]
    config = {"seed": 0, "round": 1}
    terms = {"proximal_mu": 0.5, "linear": linear}
    found, _, _ = build(epochs=3).fit(head, {**config, **terms})
    w = head
    for _ in range(3):
        moved, _, _ = build().fit(w, config)
        w = [
            m - np.float32(RATE) * (c + np.float32(0.5) * (v - a))
            for m, c, v, a in zip(moved, linear, w, head, strict=True)
        ]
    for a, b in zip(found, w, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_fit__one_step__is_along_the_gradient_of_all_whatever_the_batches():
    head = build().get_parameters({"seed": 0})
    config = {"seed": 0, "round": 1}
    whole, _, _ = build().fit(head, config)
    found, samples, metrics = build(batch_size=7, epochs=5).fit(head, {**config, "one_step": True})
    assert (samples, metrics["steps"]) == (40, 1)
    for a, b in zip(found, whole, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_obeys__a_torch_module__is_everything():
    assert build().obeys == TERMS
