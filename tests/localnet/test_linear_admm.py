"""The example of distributed linear regression arrives where numpy does with all rows."""

import re
from pathlib import Path

import numpy as np
import pytest

from localnet.network import Localnet
from localnet.scenario import Scenario
from node.encoding import decode_model, model_from_payload
from node.learning.hosting import Hosting

EXAMPLE = Path(__file__).parents[2] / "examples" / "linear_admm"
SCENARIO = Scenario(
    peers=5,
    rounds=30,
    dataset="own",
    learner="regression:make",
    algorithm="admm:1.5",
    rule="mean",
    weighting="samples",
    update_bits=13,
)


def run(scenario):
    """Return the agreed head and its distance from least squares on all rows, relative."""
    with Localnet(scenario, hosting=Hosting(code=EXAMPLE)) as net:
        for _ in net.run():
            pass
        blob = net.setting.contract.naming.model_blob(net.summary().head)
        payload = net.setting.store.get(blob)
    return decode_model(model_from_payload(payload, len(payload) // 4), scenario.model_bits)


@pytest.fixture
def optimum(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE)
    import regression

    parts = [regression.draw_rows(peer) for peer in range(SCENARIO.peers)]
    x, y = (np.concatenate(each) for each in zip(*parts, strict=True))
    return np.linalg.lstsq(x, y)[0]


@pytest.mark.slow  # Five processes of their own.
def test_run__the_examples_federation__is_at_the_centralised_solution(optimum):
    distance = np.linalg.norm(run(SCENARIO) - optimum) / np.linalg.norm(optimum)
    assert distance < 1e-4
    averaged = run(SCENARIO.with_algorithm("fedavg").with_rounds(2))
    assert np.linalg.norm(averaged - optimum) / np.linalg.norm(optimum) > 0.02


def test_readme__its_command__is_what_is_tested():
    (command,) = re.findall(r"^    (holdfast .*)$", (EXAMPLE / "README.md").read_text(), re.M)
    for name in ("peers", "rounds", "learner", "algorithm", "rule", "weighting", "update_bits"):
        assert f"--{name.replace('_', '-')} {getattr(SCENARIO, name)} " in command
