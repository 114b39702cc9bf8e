"""The example's client under Flower's own classes and averaging, and here: one file, one accuracy.

$HOLDFAST_FLWR names a Python that has flwr and scikit-learn, in an environment of Flower's own.
"""

import os
import subprocess
from pathlib import Path

import pytest
from runs_lab import run, small

from node.learning.hosting import Hosting

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_flower"
ROUNDS = 10
FLOWER = f"""
import sys
sys.path.insert(0, {str(EXAMPLE)!r})
import client
from flwr.common import Context, RecordDict
from flwr.server.strategy.aggregate import aggregate

def join(partition):
    config = {{"partition-id": partition, "num-partitions": 5}}
    context = Context(
        run_id=1, node_id=partition, node_config=config, state=RecordDict(), run_config={{}}
    )
    return client.client_fn(context).numpy_client

clients = [join(partition) for partition in range(5)]
head = [array.copy() for array in clients[0].get_parameters({{}})]
for _ in range({ROUNDS}):
    found = [each.fit([array.copy() for array in head], {{}}) for each in clients]
    head = aggregate([(arrays, samples) for arrays, samples, _ in found])
judged = [each.evaluate(head, {{}}) for each in clients]
print(sum(n * metrics["accuracy"] for _, n, metrics in judged) / sum(n for _, n, _ in judged))
"""


@pytest.mark.slow
def test_run__a_flower_client__is_as_accurate_as_under_flower():
    python = os.environ.get("HOLDFAST_FLWR")
    if not python:
        pytest.skip("HOLDFAST_FLWR names no Python with flwr")
    done = subprocess.run(
        [python, "-W", "ignore", "-c", FLOWER], capture_output=True, text=True, check=True
    )
    scenario = small(
        rounds=ROUNDS,
        dataset="own",
        learner="client:client_fn",
        rule="mean",
        weighting="samples",
        seed=0,
    )
    _, summary = run(scenario, hosting=Hosting(code=EXAMPLE))
    assert abs(summary.accuracy - float(done.stdout)) < 0.01
    assert summary.accuracy > 0.9
