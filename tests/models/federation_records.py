"""What the model of a federation remembers: plain records, and the reasons against a move.

The text says what is refused, not which of two objections is named first. So a move is met with all
that speak against it, and the contract has to name one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from eth_hash.auto import keccak

from chain.keys import compute_result_key, hash_words
from chain.types import Key, Root, RoundId, seats_of

LEFT = "left"
RETIRED = "retired"

Need = Callable[[bool, str], None]
"""Notes a reason against the move unless the condition holds."""


class Refused(Exception):
    """The protocol does not allow the move, for each of `reasons`."""

    def __init__(self, reasons: frozenset[str]) -> None:
        super().__init__("; ".join(sorted(reasons)))
        self.reasons = reasons


@contextmanager
def objections() -> Iterator[Need]:
    """Collect what speaks against a move; raises Refused at the end if anything does."""
    reasons: set[str] = set()

    def need(condition: bool, reason: str) -> None:
        if not condition:
            reasons.add(reason)

    yield need
    if reasons:
        raise Refused(frozenset(reasons))


@dataclass(frozen=True)
class Watch:
    """Since when a seat is watched: block time, rounds opened and votes given until then."""

    at: int
    rounds: int
    votes: int


@dataclass(eq=False)
class Tenancy:
    """One owner's time in a seat; a seat that is activated again begins a new one."""

    seat: int
    owner: str
    endpoint: str
    stakes: list[tuple[int, int]]
    """(First round, wei), ascending; all of them, while the contract knows two."""
    end: str = ""
    until: int = 0
    free_at: int = 0
    watch: Watch | None = None
    retired_at: int = 0
    paid_to: int = 0
    """No result of a round up to this one will pay it any more."""

    @property
    def stake(self) -> int:
        return self.stakes[-1][1]

    @property
    def earlier(self) -> int:
        return self.stakes[-2][1] if len(self.stakes) > 1 else 0

    @property
    def begun(self) -> int:
        """The first round since the seat was taken, or since it was activated again."""
        return self.stakes[0][0]

    @property
    def changed_from(self) -> int:
        return self.stakes[-1][0]


Roll = dict[int, tuple[Tenancy, int]]
"""Seat → who holds it, and with how much stake."""


@dataclass(frozen=True)
class Commitment:
    seat: int
    root: bytes
    weight: int
    stake: int
    at: int


Record = tuple[int | bytes, ...]
"""Round, parent, commitments, included, model root, hash of the coefficients."""


@dataclass
class Proposed:
    """A result, all that its key is computed from, and who approved it with how much stake."""

    round: int
    parent: bytes
    commitments: bytes
    included: int
    model_root: bytes
    coefficients: bytes
    votes: dict[int, int] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        return compute_result_key(
            RoundId(self.round),
            Key(self.parent),
            self.commitments,
            self.included,
            Root(self.model_root),
            self.coefficients,
        )

    @property
    def credited(self) -> set[int]:
        """The included seats with a weight above 0."""
        weights = [self.coefficients[i + 4 : i + 8] for i in range(0, len(self.coefficients), 8)]
        return {s for s, w in zip(seats_of(self.included), weights, strict=True) if any(w)}

    @property
    def record(self) -> Record:
        """The result as `retire_withholder` is handed it."""
        hashed = keccak(self.coefficients)
        return (
            self.round,
            self.parent,
            self.commitments,
            self.included,
            self.model_root,
            hashed,
        )


def key_of(record: Record) -> bytes:
    """Return the key of the result that a record tells of."""
    return hash_words(*record)


@dataclass
class Opened:
    """A round that opened, and how it ended if somebody agreed."""

    number: int
    parent: bytes
    at: int
    power: int
    active: int
    agreed: bytes | None = None
    is_cut: bool = False
    """Ended, open or not yet opened, when a result under it became void."""


@dataclass
class Agreement:
    """A result that was the head once: when, in which block, and what became of it."""

    key: bytes
    round: int
    at: int
    block: int
    parent: bytes
    asked: list[Asked] = field(default_factory=list)
    is_refuted: bool = False
    share: int = 0
    """Wei for each who has a weight in it and approved it."""
    is_short: bool = False
    """The pool held less than it had earned."""
    pot: int = 0
    """Wei of the slashed stakes from which lost deposits are paid back."""

    @property
    def lost(self) -> int:
        """Deposits that went to whoever answered, in wei."""
        return sum(asked.bond for asked in self.asked if asked.is_answered)


@dataclass
class Asked:
    """A challenge; open until it is answered or closed."""

    which: int
    first: int
    count: int
    challenger: str
    bond: int
    until: int
    is_answered: bool = False
    is_closed: bool = False

    @property
    def is_open(self) -> bool:
        return not (self.is_answered or self.is_closed)
