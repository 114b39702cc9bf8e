"""Algorithms beside each other, where peers' data are most unlike: MNIST, Dirichlet(0.1), 10 peers.

Through the chain and the integers, as everything here. A peer's work is as unequal as its share of
the data; in the second table labels are alike everywhere and only the shares, and so the work,
differ.

Quoted figures are of Flower's niid_bench (MNIST, Dirichlet(0.5), 50 rounds; model, peers and rates
are others), as handed down with the project's design, undated; constants, not reproduced here.
"""

import os
from dataclasses import replace
from pathlib import Path

from benchmarks.table import print_table
from localnet.network import Localnet
from localnet.report import RoundEnded
from localnet.scenario import Scenario
from node.learning.process import ONE_THREAD

ROUNDS, BATCH, TRAINED = 20, 32, 56_000
USUAL_STEPS = TRAINED // 10 // BATCH
"""Of a tenth of what is trained on, in one epoch."""
QUOTED = {"fedavg": "0.989", "scaffold": "0.991", "fedprox": "0.990", "fednova": "0.980"}
ALGORITHMS = (
    "fedavg",
    "fedprox:0.1",
    f"scaffold:{USUAL_STEPS}",
    f"fednova:{USUAL_STEPS}",
    "momentum:0.5",
)
PARTITIONS = {
    "dirichlet:0.1": "Unlike labels and unequal work: Dirichlet(0.1)",
    "quantity:0.5": "Alike labels and unequal work: quantity(0.5)",
}


def describe(path: Path) -> Scenario:
    """Return the federation: MLP 784-128-10, one epoch a round, the plain mean by samples."""
    return Scenario(
        peers=10,
        rounds=ROUNDS,
        dataset=str(path),
        partition="dirichlet:0.1",
        options={"hidden": [128], "learning_rate": 0.05, "batch_size": BATCH},
        rule="mean",
        weighting="samples",
    )


def measure(scenario: Scenario) -> list[str]:
    """Return a row: accuracy after some rounds, and the worst of the last five."""
    with Localnet(scenario) as net:
        ended = [each for each in net.run() if isinstance(each, RoundEnded)]
    found = [each.accuracy or 0.0 for each in ended]
    at = [f"{found[number - 1]:.4f}" for number in (5, 10, ROUNDS)]
    return [scenario.algorithm, *at, f"{min(found[-5:]):.4f}"]


def main() -> None:
    """Print the tables; only where HOLDFAST_DATA says where MNIST lies."""
    os.environ.update(ONE_THREAD)
    data = os.environ.get("HOLDFAST_DATA")
    if not data:
        print("MNIST left out: HOLDFAST_DATA is not set")
        return
    scenario = describe(Path(data) / "mnist.npz")
    header = ["algorithm", "5 rounds", "10", f"{ROUNDS}", "least of the last 5"]
    for partition, title in PARTITIONS.items():
        dealt = replace(scenario, partition=partition)
        rows = [measure(dealt.with_algorithm(algorithm)) for algorithm in ALGORITHMS]
        print_table(f"Accuracy on MNIST, 10 peers; {title}", header, rows)
    quoted = ", ".join(f"{name} {accuracy}" for name, accuracy in QUOTED.items())
    print(f"Flower's niid_bench, quoted (MNIST, Dirichlet(0.5), 50 rounds): {quoted}.")


if __name__ == "__main__":
    main()
