"""The demonstration: the same federation attacked, left alone, and attacked without a defence."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from localnet.report import Summary, round_off
from localnet.scenario import Scenario

ATTACK = "2:sign_flip:10"


def demo_scenarios(seed: int, rounds: int = 30) -> Mapping[str, Scenario]:
    """Return the three runs by name; they differ in nothing but what the names say."""
    attacked = Scenario(
        peers=10,
        rounds=rounds,
        dataset="digits",
        partition="dirichlet:0.5",
        learner="mlp",
        options={"hidden": [32], "epochs": 5, "learning_rate": 0.2},
        byzantine=(ATTACK,),
        seed=seed,
    )
    return MappingProxyType(
        {
            "attacked": attacked,
            "honest": attacked.with_honest_seats(),
            "mean": attacked.with_rule("mean"),
        }
    )


def summarise(runs: Mapping[str, Summary], seconds: float) -> dict[str, Any]:
    """Return the attacked run's summary, with the others' accuracies and the time of all."""
    return {
        **runs["attacked"].to_dict(),
        "accuracy_honest": round_off(runs["honest"].accuracy),
        "accuracy_mean": round_off(runs["mean"].accuracy),
        "seconds": round(seconds, 3),
    }
