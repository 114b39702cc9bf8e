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


def build(batch_size=40, model=None, **options):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(40, 4)).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(np.int64)
    torch.manual_seed(0)
    found = {
        "model": model
        or torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)),
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


class Apart(torch.nn.Module):
    """One weight under two names, one that the loss never reaches, and one that is frozen."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(4, 4, bias=False)
        self.outer = torch.nn.Linear(4, 4, bias=False)
        self.outer.weight = self.inner.weight
        self.idle = torch.nn.Parameter(torch.ones(3))
        self.frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x)))


@pytest.mark.parametrize("asked", [{}, {"one_step": True}])
def test_fit__terms__reach_what_the_loss_does_not_and_a_shared_weight_once(asked):
    def descend(**terms):
        learner = build(epochs=steps, model=Apart())
        config = {"seed": 0, "round": 1, **asked, **terms}
        return dict(zip(learner.parameter_names, learner.fit(head, config)[0], strict=True))

    steps = 1 if asked else 2
    first = build(model=Apart())
    names, head = first.parameter_names, first.get_parameters({"seed": 0})
    assert names == ["idle", "frozen", "inner.weight", "outer.weight"]
    generator = np.random.default_rng(1)
    linear = [generator.normal(size=a.shape).astype(np.float32) for a in head]
    # As integers leave them: not quite alike, where the weight is one.
    linear[3] = linear[2] + np.float32(0.5)

    found = descend(linear=linear)
    np.testing.assert_allclose(found["idle"], 1 - steps * RATE * linear[0], atol=1e-6)
    assert found["frozen"].tolist() == [1, 1]
    assert np.array_equal(found["inner.weight"], found["outer.weight"])
    if steps == 1:
        moved = found["inner.weight"] - descend()["inner.weight"]
        np.testing.assert_allclose(moved, -RATE * (linear[2] + 0.25), atol=1e-6)

    pulled = descend(linear=linear, proximal_mu=2.0)["idle"]
    # w <- w - rate (linear + mu (w - 1)), from w = 1.
    slow = 1.0 if steps == 1 else 1.0 + (1 - RATE * 2.0)
    np.testing.assert_allclose(pulled, 1 - slow * RATE * linear[0], atol=1e-6)


def test_obeys__a_torch_module__is_everything():
    assert build().obeys == TERMS
