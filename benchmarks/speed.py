"""Seconds a round beside the plain float loop, the two alternated in one run; start-up and memory.

Quoted figures are of Flower 1.42 (FedAvg, one local epoch, batch 32) on another machine of two
cores, as handed down with the project's design, undated; they are constants, not reproduced here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.plain import PlainLoop
from benchmarks.table import print_table
from localnet.network import Localnet
from localnet.report import Progress, RoundEnded
from localnet.scenario import Scenario
from node.learning.process import ONE_THREAD

TURNS = 5
"""Each side runs so many stretches of rounds, in turn."""


@dataclass(frozen=True)
class Case:
    """One comparison. `cores`: of the plain loop, where it is fastest."""

    name: str
    scenario: Scenario
    cores: int
    stretch: int
    quoted: str
    bar: str
    accuracy_bar: float = 0.01


def digits() -> Case:
    """scikit-learn's digits, MLP 64-32-10, 10 peers."""
    scenario = Scenario(peers=10, rounds=10**6, options={"hidden": [32], "learning_rate": 0.3})
    return Case("digits 64-32-10", scenario, 1, 10, "0.106 (simulation)", "0.15 s")


def mnist(path: Path) -> Case:
    """MNIST, MLP 784-128-10, Dirichlet(0.5), 10 peers."""
    scenario = Scenario(
        peers=10,
        rounds=10**6,
        dataset=str(path),
        options={"hidden": [128], "learning_rate": 0.05},
    )
    return Case("MNIST 784-128-10", scenario, 2, 5, "0.49 (simulation)", "1.5 x plain")


def measure(case: Case) -> list[str]:
    """Return a row: seconds a round of both, alternated, and their ratio."""
    ours: list[float] = []
    plain: list[float] = []
    with Localnet(case.scenario) as net, PlainLoop(case.scenario, case.cores) as loop:
        rounds = net.run()
        _run_rounds(rounds, 2)
        loop.run_round()
        for _ in range(TURNS):
            started = perf_counter()
            _run_rounds(rounds, case.stretch)
            ours.append((perf_counter() - started) / case.stretch)
            started = perf_counter()
            for _ in range(case.stretch):
                loop.run_round()
            plain.append((perf_counter() - started) / case.stretch)
    ratio = median(o / p for o, p in zip(ours, plain, strict=True))
    return [
        case.name,
        f"{median(ours):.3f}",
        f"{median(plain):.4f} ({case.cores} core{'s' * (case.cores > 1)})",
        f"{ratio:.2f}",
        case.bar,
        case.quoted,
    ]


def measure_accuracy(case: Case) -> list[str]:
    """Return a row: accuracy after ten rounds, the plain mean on chain beside the float loop."""
    scenario = case.scenario.with_rule("mean").with_weighting("samples").with_rounds(10)
    with Localnet(scenario) as net:
        for _ in net.run():
            pass
        ours = net.summary().accuracy or 0.0
    with PlainLoop(scenario, case.cores) as loop:
        for _ in range(10):
            loop.run_round()
        plain = loop.accuracy()
    return [case.name, f"{ours:.4f}", f"{plain:.4f}", f"{ours - plain:+.4f}", "within 0.01"]


def measure_process(case: Case) -> list[str]:
    """Return a row: a fresh `holdfast localnet run` of ten rounds, its start-up and its memory."""
    options = case.scenario.options
    holdfast = str(Path(sys.executable).with_name("holdfast"))
    command = [holdfast, "localnet", "run", "--json", "--rounds", "10"]
    command += ["--dataset", case.scenario.dataset, "--peers", str(case.scenario.peers)]
    command += ["--hidden", ",".join(map(str, options["hidden"]))]
    command += ["--learning-rate", str(options["learning_rate"])]
    started = perf_counter()
    first = None
    peak_kib: dict[int, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if first is None and json.loads(line)["event"] == "round":
                first = perf_counter() - started
            peak_kib |= dict(_high_water_marks(process.pid))
    if process.returncode or first is None:
        raise SystemExit(f"benchmarks: {' '.join(command)} ended with {process.returncode}")
    return [case.name, f"{first:.1f}", "4 s", f"{sum(peak_kib.values()) / 1024:.0f}", "600 MB"]


def main() -> None:
    """Print the three tables; MNIST only where HOLDFAST_DATA says where it lies."""
    # Before numpy starts a process of its own: one BLAS thread each, as in the simulation.
    os.environ.update(ONE_THREAD)
    cases = [digits()]
    data = os.environ.get("HOLDFAST_DATA")
    if data:
        cases.append(mnist(Path(data) / "mnist.npz"))
    else:
        print("MNIST left out: HOLDFAST_DATA is not set")
    print_table(
        "Seconds a round, 10 peers, Dirichlet(0.5), alternated with the plain float loop",
        ["case", "holdfast", "plain loop", "ratio", "bar", "Flower, quoted"],
        [measure(case) for case in cases],
    )
    print_table(
        "Accuracy after 10 rounds, plain mean weighted by samples",
        ["case", "holdfast", "float loop", "difference", "bar"],
        [measure_accuracy(case) for case in cases],
    )
    print_table(
        "A fresh process: first round ended (s after start), peak memory of its processes (MB)",
        ["case", "first round", "bar", "memory", "bar"],
        [measure_process(case) for case in cases],
    )
    print("Flower's simulation, quoted: first round after 5.0 s, 1.2 GB (digits); 5.7 s, 1.6 GB.")


def _run_rounds(reports: Iterator[Progress | RoundEnded], count: int) -> None:
    ended = 0
    while ended < count:
        ended += isinstance(next(reports), RoundEnded)


def _high_water_marks(pid: int) -> Iterator[tuple[int, int]]:
    """Return peak resident memory (KiB) of a process and all below it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            yield pid, int(line.split()[1])
    for child in children:
        yield from _high_water_marks(int(child))
