"""Oil temperature a day ahead (ETT, hourly): a federation of eight, beside what it must beat.

Rolling origin: what comes before an hour is trained on, the four months after it are forecast, for
three such hours. Each peer holds an eighth of the record before it, one stretch of hours. Nothing
is drawn, so there is one figure for each and no seed.
"""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import print_table
from localnet.network import Localnet
from localnet.scenario import Scenario
from node.learning.hosting import Hosting

EXAMPLE = Path(__file__).parent.parent / "examples" / "oil_temperature"
FILE = "ETTh1.csv"
PEERS, ROUNDS = 8, 20
MONTHS = (12, 16, 20)
"""Of 30 days, before what is forecast. The features were chosen by the first two."""


@dataclass(frozen=True)
class Errors:
    """Mean absolute errors in °C over the same hours.

    `naive`: the value of the same hour of the last day known. `alone`: of each peer, trained on its
    own hours for as many steps as the federation. `alone_at_best`: the same, each peer stopped
    after the round that proved best on what is forecast, which nobody could know. `federation`: the
    head that was agreed. `centralised`: the hours of all, for as many steps.
    """

    hours: int
    naive: float
    alone: tuple[float, ...]
    alone_at_best: tuple[float, ...]
    federation: float
    centralised: float


def measure(months: int) -> Errors:
    """Return the errors for one beginning of what is forecast."""
    model = load_model()
    judge = model.build(None, PEERS, months)
    naive, hours, _ = judge.evaluate(judge.get_parameters({}), {})
    alone = [train_alone(model.build(peer, PEERS, months)) for peer in range(PEERS)]
    return Errors(
        hours=hours,
        naive=naive,
        alone=tuple(errors[-1] for errors in alone),
        alone_at_best=tuple(min(errors) for errors in alone),
        federation=federate(months),
        centralised=train_alone(judge)[-1],
    )


def federate(months: int) -> float:
    """Run the federation: contract, votes, integer rule, and return its head's error."""
    scenario = Scenario(
        peers=PEERS,
        rounds=ROUNDS,
        dataset="own",
        learner="model:make",
        options={"train-months": months},
    )
    with Localnet(scenario, hosting=Hosting(code=EXAMPLE)) as net:
        for _ in net.run():
            pass
        summary = net.summary()
    assert summary.agreed == ROUNDS, f"{summary.agreed} of {ROUNDS} rounds were agreed"
    return summary.loss


def train_alone(learner: Any) -> list[float]:
    """Return the error after every round of a learner that nobody joins."""
    parameters, errors = learner.get_parameters({}), []
    for _ in range(ROUNDS):
        parameters, _, _ = learner.fit(parameters, {})
        errors.append(learner.evaluate(parameters, {})[0])
    return errors


def load_model() -> Any:
    """Return the example's module."""
    found = importlib.util.spec_from_file_location("oil_temperature", EXAMPLE / "model.py")
    assert found is not None, "the example is there"
    assert found.loader is not None, "it is a file"
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def tell(months: int, errors: Errors) -> list[str]:
    """Return a row."""
    alone, at_best = errors.alone, errors.alone_at_best
    return [
        f"{months} months",
        f"{errors.hours}",
        f"{errors.naive:.3f}",
        f"{np.mean(alone):.3f} ({min(alone):.3f} to {max(alone):.3f})",
        f"{np.mean(at_best):.3f} ({min(at_best):.3f} to {max(at_best):.3f})",
        f"{errors.federation:.3f}",
        f"{errors.centralised:.3f}",
    ]


def main() -> None:
    """Print the table, where HOLDFAST_DATA says where the record lies."""
    data = os.environ.get("HOLDFAST_DATA")
    if not data or not (Path(data) / FILE).exists():
        print(f"\nForecasts left out: HOLDFAST_DATA names no folder with {FILE}")
        return
    print_table(
        f"Oil temperature 24 h ahead, mean absolute error in °C; {PEERS} peers, {ROUNDS} rounds",
        [
            *("trained on", "hours forecast", "seasonal-naive", "a peer alone (range)"),
            *("alone, stopped in hindsight", "federation", "all data in one place"),
        ],
        [tell(months, measure(months)) for months in MONTHS],
    )


if __name__ == "__main__":
    main()
