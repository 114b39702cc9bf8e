"""Peers as programs: seconds a round and memory of a peer, on the embedded chain and on anvil.

Flower's figure is that of its deployment engine (1.42, FedAvg, one local epoch, batch 32, four
clients, MNIST 784-128-10) on another machine of two cores, as handed down with the project's
design, undated; it is a constant, not reproduced here.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.table import print_table
from localnet.fleet.fleet import Fleet
from localnet.fleet.standing import stand
from localnet.report import RoundEnded
from localnet.scenario import Scenario

ROUNDS = 10
PEERS = 4
PROGRAM = (sys.executable, "-m", "cli")
RELAY = (sys.executable, "-m", "localnet.fleet.relay")
BARS = {"embedded": 1.0, "anvil": 0.8}
QUOTED = "6.3 to 8.1"


def mnist(path: Path) -> Scenario:
    """MNIST, MLP 784-128-10, Dirichlet(0.5)."""
    return Scenario(
        peers=PEERS,
        # The first round waits for programs to start and data to be read.
        rounds=1 + ROUNDS,
        dataset=str(path),
        options={"hidden": [128], "learning_rate": 0.05},
    )


def measure(folder: Path, scenario: Scenario, chain: str, anvil: str | None) -> list[str]:
    """Return a row."""
    fleet = Fleet(folder, PROGRAM, RELAY)
    with stand(fleet, scenario, anvil) as standing:
        ended = [
            each.seconds
            for each in standing.following.run(scenario.rounds)
            if isinstance(each, RoundEnded)
        ]
        memory = [measure_peer_mb(fleet, seat) for seat in range(scenario.peers)]
        summary = standing.following.summary()
    seconds = ended[1:]
    return [
        chain,
        f"{sum(seconds) / len(seconds):.2f}",
        f"{median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})",
        f"{BARS[chain]}",
        f"{summary.agreed} of {summary.rounds}, {summary.accuracy or 0:.3f}",
        f"{max(memory):.0f}",
        "200",
        QUOTED,
    ]


def measure_peer_mb(fleet: Fleet, seat: int) -> float:
    """Return the proportional set size of a peer's daemon and its learner together, in MB."""
    total_kib = 0
    for pid in fleet.members(seat):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total_kib += int(line.split()[1])
    return total_kib * 1024 / 1e6


def main() -> None:
    """Print the table; MNIST only where HOLDFAST_DATA says where it lies, anvil where it is."""
    data = os.environ.get("HOLDFAST_DATA")
    if not data:
        print("\nPeers as programs left out: HOLDFAST_DATA is not set")
        return
    chains: dict[str, str | None] = {"embedded": None}
    anvil = os.environ.get("HOLDFAST_ANVIL") or shutil.which("anvil")
    if anvil:
        chains["anvil"] = anvil
    else:
        print("\nanvil left out: it is not on the path, and HOLDFAST_ANVIL is not set")
    rows = []
    for chain, program in chains.items():
        with tempfile.TemporaryDirectory() as folder:
            scenario = mnist(Path(data) / "mnist.npz")
            rows.append(measure(Path(folder) / "up", scenario, chain, program))
    print_table(
        f"{PEERS} peers as programs, MNIST 784-128-10: seconds a round over {ROUNDS} rounds",
        [
            *("chain", "mean", "median (range)", "bar", "agreed, accuracy", "MB a peer", "bar"),
            "Flower deployment, quoted",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
