"""The example's client in a run of Flower's own, and here: one file, one accuracy.

$HOLDFAST_FLWR names a Python that has flwr[simulation] and scikit-learn, in an environment of
Flower's own.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from runs_lab import small

from localnet.network import Localnet
from node.learning.hosting import Hosting
from node.model_file import export_model, pull_model

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_flower"
UNDER_FLOWER = Path(__file__).with_name("under_flower.py")
PEERS, ROUNDS = 5, 10
AT_HOME = {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}


def run_here(path: Path) -> float:
    """Run the federation, write its final model to `path`, and return the accuracy it tells."""
    scenario = small(
        peers=PEERS,
        rounds=ROUNDS,
        dataset="own",
        learner="client:client_fn",
        rule="mean",
        weighting="samples",
        seed=0,
    )
    with Localnet(scenario, hosting=Hosting(code=EXAMPLE)) as net:
        for _ in net.run():
            pass
        setting = net.setting
        ledger = setting.observer.ledger
        assert len(ledger.agreed) == ROUNDS
        export_model(ledger, pull_model(ledger, setting.store, None), path, None)
        return net.summary().accuracy


@pytest.mark.slow
def test_run__a_flower_client__is_as_accurate_as_under_flower(tmp_path):
    python = os.environ.get("HOLDFAST_FLWR")
    if not python:
        pytest.skip("HOLDFAST_FLWR names no Python with flwr[simulation]")
    path = tmp_path / "ours.npz"
    shown = run_here(path)
    done = subprocess.run(
        [python, "-W", "ignore", UNDER_FLOWER, EXAMPLE, str(ROUNDS), str(PEERS), path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **AT_HOME, "FLWR_HOME": str(tmp_path / "flwr")},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["found"] == [PEERS] * ROUNDS
    assert told["ours"] == pytest.approx(shown, abs=1e-9)
    assert abs(told["ours"] - told["flower"]) < 0.01
    assert told["ours"] > 0.9
    print(f"under Flower {told['flower']:.4f}, here {told['ours']:.4f}")  # noqa: T201 - for -s
