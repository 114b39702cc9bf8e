"""What a simulation tells while it runs and at its end; plain records, rendered elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from chain.types import Root, RoundId, Seat, Wei


@dataclass(frozen=True)
class Progress:
    """Where the federation stands now. `stake_bps`: behind the leading result, of the power.

    `training`: how far the learners are, where they take long. `waits_for`: the seats that it has
    waited for in vain for a while; none: it has not.
    """

    round: RoundId
    phase: str
    commits: int
    votes: int
    stake_bps: int
    seconds: float
    training: str = ""
    waits_for: tuple[Seat, ...] = ()


@dataclass(frozen=True)
class RoundEnded:
    """A round that was agreed or lapsed.

    `model_root`, `accuracy` and `loss` are those of the head it left, on data that no peer trains
    on; no accuracy: its learner has none. `seconds`: since the round before ended; `gas`: of the
    blocks since then.
    """

    round: RoundId
    is_agreed: bool
    model_root: Root
    commits: int
    votes: int
    stake_bps: int
    seconds: float
    gas: int
    accuracy: float | None = None
    loss: float = 0.0

    def judged(self, accuracy: float | None, loss: float) -> "RoundEnded":
        """Return the round with the judgement of its head."""
        return replace(self, accuracy=accuracy, loss=loss)

    def to_dict(self) -> dict[str, Any]:
        """Return the round as `--json` prints it."""
        return {
            "event": "round",
            "round": self.round,
            "agreed": self.is_agreed,
            "head": "0x" + self.model_root.hex(),
            "commits": self.commits,
            "votes": self.votes,
            "stake_bps": self.stake_bps,
            "accuracy": round_off(self.accuracy),
            "loss": round_off(self.loss),
            "seconds": round(self.seconds, 4),
            "gas": self.gas,
        }


@dataclass(frozen=True)
class Summary:
    """A whole run. `head` is the agreed model's root; `is_idle`: it ended for want of peers.

    Of what was agreed `agreed` results stand and `voided` are void, `refuted` of them proven wrong.
    """

    rounds: int
    agreed: int
    accuracy: float | None
    loss: float
    head: Root
    seconds: float
    first_round_seconds: float
    seconds_per_round: float
    gas_per_peer_round: int | None
    is_idle: bool
    refuted: int = 0
    voided: int = 0
    slashed_wei: Wei = Wei(0)
    accuracy_by_class: Mapping[str, float] | None = None
    """Of the head; None: its learner does not say."""

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as `--json` prints it."""
        return {
            "event": "summary",
            "rounds": self.rounds,
            "agreed": self.agreed,
            "lapsed": self.rounds - self.agreed - self.voided,
            "accuracy": round_off(self.accuracy),
            "loss": round_off(self.loss),
            "head": "0x" + self.head.hex(),
            "seconds": round(self.seconds, 3),
            "first_round_seconds": round(self.first_round_seconds, 3),
            "seconds_per_round": round(self.seconds_per_round, 4),
            "gas_per_peer_round": self.gas_per_peer_round,
            "refuted": self.refuted,
            "voided": self.voided,
            "slashed_wei": self.slashed_wei,
            "accuracy_by_class": None
            if self.accuracy_by_class is None
            else {name: round_off(each) for name, each in self.accuracy_by_class.items()},
        }


def round_off(value: float | None) -> float | None:
    """Return a figure for JSON, which knows no NaN; None: there is none."""
    return None if value is None or not isfinite(value) else round(value, 6)


def mean_seconds(rounds: Sequence[RoundEnded]) -> float:
    """Return the mean time of a round; 0 where there was none."""
    return sum(r.seconds for r in rounds) / len(rounds) if rounds else 0.0


def gas_per_peer_round(rounds: Sequence[RoundEnded], active: int) -> int | None:
    """Return the gas of all round transactions by active seats and agreed rounds; None: no such."""
    agreed = sum(r.is_agreed for r in rounds)
    return round(sum(r.gas for r in rounds) / (active * agreed)) if active * agreed else None
