"""What a peer can do next, as plain data."""

from dataclasses import dataclass

from chain.disputes import Leaves
from chain.types import Key, RoundId, Seat

Target = tuple[Key, RoundId]
"""What an update is for: trained on this result, for this round."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do before `until` (unix seconds), or (None) before something happens."""

    until: int | None


@dataclass(frozen=True)
class Pull:
    """Get the head's model."""


@dataclass(frozen=True)
class Fetch:
    """Get these updates of the row."""

    seats: tuple[Seat, ...]


@dataclass(frozen=True)
class Train:
    """Learn on a result's model for a round."""

    target: Target


@dataclass(frozen=True)
class Compute:
    """Apply the rule to the updates of these seats."""

    included: frozenset[Seat]


@dataclass(frozen=True)
class Commit:
    """Say what was learned."""

    target: Target


@dataclass(frozen=True)
class Propose:
    """Put the result of these seats' updates to the vote."""

    included: frozenset[Seat]


@dataclass(frozen=True)
class Attest:
    """Approve a result that was recomputed."""

    key: Key


@dataclass(frozen=True)
class AttestAndCommit:
    """Approve a result, and say what was learned on it."""

    key: Key
    round: RoundId


@dataclass(frozen=True)
class Retire:
    """Bring a seat that does nothing nearer to its retirement."""

    seat: Seat


@dataclass(frozen=True)
class Activate:
    """Let this seat count again."""


@dataclass(frozen=True)
class Gather:
    """Get what a result in doubt was made from: updates of seats, the model before (128) or after
    (129)."""

    key: Key
    which: tuple[int, ...]


@dataclass(frozen=True)
class Examine:
    """Compute a result in doubt again."""

    key: Key


@dataclass(frozen=True)
class Refute:
    """Prove a coordinate of an agreed result wrong."""

    key: Key
    coordinate: int


@dataclass(frozen=True)
class Challenge:
    """Ask on the chain for leaves that nobody serves."""

    key: Key
    leaves: Leaves


@dataclass(frozen=True)
class Answer:
    """Show leaves that somebody asked for."""

    key: Key
    leaves: Leaves


@dataclass(frozen=True)
class Close:
    """End a challenge: nobody has answered it, or its deposit is to come back."""

    key: Key
    leaves: Leaves


@dataclass(frozen=True)
class Collect:
    """Have paid out what disputes have earned."""


DisputeAction = Gather | Examine | Refute | Challenge | Answer | Close | Collect
Action = (
    Wait
    | Pull
    | Fetch
    | Train
    | Compute
    | Commit
    | Propose
    | Attest
    | AttestAndCommit
    | Retire
    | Activate
    | DisputeAction
)
