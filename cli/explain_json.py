"""What became of an update, as JSON has it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from node.explanation import Explanation

FACTOR_ONE = 2**16
NO_REWARDS = "none"
"""In place of a share's state, where the federation pays no rewards."""


def describe_explanation(told: "Explanation", preparation: Sequence[str]) -> dict[str, Any]:
    """Return it as one object."""
    candidates = [
        {
            "key": "0x" + each.key.hex(),
            "proposer": each.proposer,
            "included": list(each.included),
            "voters": list(each.voters),
            "stake_bps": each.stake_bps,
        }
        for each in told.candidates
    ]
    return {
        "event": "explanation",
        "round": told.round,
        "seat": told.seat,
        "outcome": told.outcome,
        "fate": told.fate,
        "height": told.height,
        "agreed": None if told.agreed is None else "0x" + told.agreed.key.hex(),
        "candidates": candidates,
        "committed": list(told.committed),
        "absence": told.absence,
        "absence_round": told.until or None,
        "preparation": list(preparation),
        "samples": None if told.commitment is None else told.commitment.samples,
        "steps": None if told.commitment is None else told.commitment.steps,
        **_describe_rule(told),
        **_describe_value(told),
        "voted_for": [
            "0x" + each.key.hex() for each in told.candidates if told.seat in each.voters
        ],
        **_describe_pay(told),
        "voided_by": None if told.story is None else told.story.voided_by,
        "missing": None if told.missing is None else str(told.missing),
    }


def _describe_rule(told: "Explanation") -> dict[str, Any]:
    coefficient, standing, treatment = told.coefficient, told.standing, told.treatment
    vouching = None if treatment is None else treatment.vouching
    scoring = None if treatment is None else treatment.scoring
    return {
        "weight": None if coefficient is None else coefficient.weight,
        "weights": told.weights if coefficient else None,
        "clip_factor": None if coefficient is None else coefficient.clip / FACTOR_ONE,
        "own_weight": None if standing is None else standing.own,
        "samples_cap": None if standing is None else standing.samples_cap,
        "norm": None if treatment is None else treatment.norm,
        "median_norm": None if treatment is None else treatment.median_norm,
        "clip": None if treatment is None else treatment.limit,
        "distances": None
        if treatment is None
        else {str(seat): distance for seat, distance in treatment.distances.items()},
        "vouching": None
        if vouching is None
        else {
            "by": list(vouching.by),
            "weight": vouching.weight,
            "needed": vouching.needed,
            "total": vouching.total,
        },
        "scoring": None if scoring is None else vars(scoring),
        "trimmed": None if treatment is None else treatment.trimmed,
        "coordinates": None if treatment is None else treatment.coordinates,
        "is_as_ruled": None if treatment is None else treatment.is_as_ruled,
    }


def _describe_value(told: "Explanation") -> dict[str, Any]:
    value = told.value
    return {
        "contribution": None if value is None else value.amount,
        "gain": None if value is None else value.gain,
        "merit": None if value is None else value.merit.new / value.merit.of,
        "is_against": None if value is None else value.merit.is_against,
    }


def _describe_pay(told: "Explanation") -> dict[str, Any]:
    if not told.has_rewards:
        # A share of nothing would look like one that is still to come.
        return {"share_wei": None, "share_state": NO_REWARDS}
    pay = told.pay
    if pay is None:
        return {"share_wei": None, "share_state": None}
    return {"share_wei": pay.share_wei, "share_state": pay.state}
