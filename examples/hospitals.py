"""Five hospitals, one table of patients each, one model; then an audit that trusts none of them.

The table is drawn from a seeded generator and written to a CSV file, as a user's own would be.
"""

import tempfile
from pathlib import Path

import numpy as np

from localnet.network import Localnet
from localnet.scenario import Scenario
from localnet.source import open_kept
from node.audit import Audit


def write_patients(path: Path) -> None:
    """Write 500 invented patients: age, pressure, two laboratory values, and whether they fell
    ill."""
    generator = np.random.default_rng(7)
    age = generator.uniform(20, 90, 500)
    pressure = generator.normal(125, 15, 500)
    values = generator.normal(size=(500, 2))
    risk = 0.08 * (age - 55) + 0.05 * (pressure - 125) + values @ np.array([1.5, -1.0])
    is_ill = generator.random(500) < 1 / (1 + np.exp(-risk))
    lines = ["age,pressure,marker_a,marker_b,outcome"]
    for a, p, (u, v), ill in zip(age, pressure, values, is_ill, strict=True):
        lines.append(f"{a:.0f},{p:.0f},{u:.3f},{v:.3f},{'ill' if ill else 'well'}")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        table, run = Path(folder) / "patients.csv", Path(folder) / "run"
        write_patients(table)
        scenario = Scenario(
            peers=5, rounds=5, dataset=str(table), learner="softmax", partition="dirichlet:1.0"
        )
        with Localnet(scenario, directory=run) as net:
            for _ in net.run():
                pass
            print(f"accuracy {net.summary().accuracy:.3f}")

        with open_kept(run) as source:
            history = source.contract.observer
            history.poll()
            federation = source.contract.federation
            audit = Audit(
                history.ledger.genesis, federation.chain_id, federation.address, source.blobs
            )
            checked = list(audit.run(history.history))
        print(f"{len(checked)} rounds recomputed, finding: {audit.finding}")
