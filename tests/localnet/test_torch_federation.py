"""A network with batch normalisation in a federation, beside the same averaged in floats; skipped
where torch is not installed."""

import re
from pathlib import Path

import numpy as np
import pytest
from runs_lab import run, small

from node.learning.context import Context, State
from node.learning.guest import Guest
from node.learning.hosting import Hosting, Place
from node.learning.keeping import Keeping, choose_kept
from node.learning.reference import seed_all
from node.learning.shapes import recognise

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_torch"
PAGE = Path(__file__).parents[2] / "docs" / "learner.md"
PEERS, ROUNDS = 5, 8


def average_in_floats(model):
    """Return the accuracy after plain federated averaging, without integers or a chain."""
    learners = []
    for partition in range(PEERS):
        place = Place(partition, PEERS, None, 0)
        seed_all(0)
        config = {"partition-id": partition, "num-partitions": PEERS}
        found = model.make(Context(node_config=config, run_config={}))
        guest = Guest(recognise(found, {}, place, None), {}, place)
        arrays = guest.get_parameters({"seed": 0})
        learners.append(Keeping(guest, choose_kept(guest.parameter_names, arrays), State()))
    # Of all, since it is then that each begins to keep its counters.
    heads = [learner.get_parameters({"seed": 0}) for learner in learners]
    head = heads[0]
    for number in range(1, ROUNDS + 1):
        found = [each.fit(head, {"seed": 0, "round": number}) for each in learners]
        weights = np.array([samples for _, samples, _ in found], float)
        head = [
            np.average(np.stack(arrays), axis=0, weights=weights).astype(arrays[0].dtype)
            for arrays in zip(*(arrays for arrays, _, _ in found), strict=True)
        ]
    judged = [each.evaluate(head, {"seed": 0, "round": 0}) for each in learners]
    total = sum(samples for _, samples, _ in judged)
    return sum(samples * metrics["accuracy"] for _, samples, metrics in judged) / total


@pytest.mark.slow
def test_run__a_network_with_batch_normalisation__is_as_accurate_as_in_floats(monkeypatch):
    pytest.importorskip("torch", reason="torch is an extra (pip install 'holdfast[torch]')")
    monkeypatch.syspath_prepend(EXAMPLE)
    import model

    scenario = small(
        rounds=ROUNDS,
        dataset="own",
        learner="model:make",
        rule="mean",
        weighting="samples",
        seed=0,
    )
    _, summary = run(scenario, hosting=Hosting(code=EXAMPLE))
    assert summary.accuracy > 0.9
    assert abs(summary.accuracy - average_in_floats(model)) < 0.01


@pytest.mark.slow
def test_run__the_module_of_the_page__learns_what_it_is_dealt(tmp_path):
    pytest.importorskip("torch", reason="torch is an extra (pip install 'holdfast[torch]')")
    code = re.search(r"^```python\n# model\.py\n(.*?)^```$", PAGE.read_text(), re.M | re.S)[1]
    (tmp_path / "model.py").write_text(code)
    scenario = small(rounds=8, dataset="breast_cancer", learner="model:make", peers=3)
    _, summary = run(scenario, hosting=Hosting(code=tmp_path))
    assert summary.accuracy > 0.85
