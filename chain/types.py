"""Plain types that every room shares: names for numbers, parameters and events of the contract.

A mix-up of two of the NewTypes is a type error, at no cost. Nothing here touches a chain.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType

RoundId = NewType("RoundId", int)
Seat = NewType("Seat", int)
Root = NewType("Root", bytes)
"""Merkle root of an update or a model: 32 bytes."""
Key = NewType("Key", bytes)
"""Hash of a result and of all that it was computed from: 32 bytes."""
Wei = NewType("Wei", int)

Clock = Callable[[], int]
"""Unix time in whole seconds."""


@dataclass(frozen=True)
class Parameters:
    """What a federation is created with; the fields and their order are the contract's."""

    coordinates: int
    genesis: Root
    update_bytes: int
    update_bits: int
    model_bits: int
    weighting: int
    selection: int
    trim_bps: int
    faults_bps: int
    clip: int
    min_updates: int
    min_stake_wei: Wei
    max_seats: int
    commit_seconds: int
    grace_seconds: int
    attest_seconds: int
    challenge_seconds: int
    answer_seconds: int
    retire_seconds: int
    max_missed: int
    admission: bytes
    challenge_blocks: int
    max_unsettled: int
    bond_wei: Wei
    challenger_cap_wei: Wei
    reward_wei_per_second: Wei


@dataclass(frozen=True)
class Block:
    """A block as far as a reader needs it to pin its reads and to notice a re-org."""

    number: int
    hash: bytes
    parent: bytes
    timestamp: int


@dataclass(frozen=True, order=True)
class Position:
    """Where an event stands: ordered as the chain orders it."""

    block: int
    index: int
    transaction: bytes


@dataclass(frozen=True)
class Created:
    spec: bytes
    parameters: Parameters


@dataclass(frozen=True)
class Joined:
    seat: Seat
    owner: str
    stake_wei: Wei
    counts_from: RoundId
    endpoint: str


@dataclass(frozen=True)
class ToppedUp:
    seat: Seat
    stake_wei: Wei
    counts_from: RoundId


@dataclass(frozen=True)
class Left:
    seat: Seat
    counts_until: RoundId


@dataclass(frozen=True)
class Unbonding:
    seat: Seat
    free_at: int


@dataclass(frozen=True)
class Withdrawn:
    seat: Seat
    owner: str
    amount_wei: Wei


@dataclass(frozen=True)
class EndpointSet:
    seat: Seat
    endpoint: str


@dataclass(frozen=True)
class Watched:
    seat: Seat
    since: int
    ran: int


@dataclass(frozen=True)
class Retired:
    seat: Seat
    counts_until: RoundId


@dataclass(frozen=True)
class Activated:
    seat: Seat
    stake_wei: Wei
    counts_from: RoundId


@dataclass(frozen=True)
class Slashed:
    """Each of `voters` lost one part in `divisor` of its stake, and counts in no later round."""

    round: RoundId
    voters: int
    divisor: int
    taken_wei: Wei
    burned_wei: Wei


@dataclass(frozen=True)
class Voided:
    """The result of a round, at a height, and all above it are void; its parent is the head."""

    round: RoundId
    height: int


@dataclass(frozen=True)
class Refuted:
    round: RoundId
    coordinate: int
    refuter: str
    earned_wei: Wei


@dataclass(frozen=True)
class Challenged:
    """Somebody asks for leaves; `which` is a seat, or 128 or 129: the model before or after."""

    round: RoundId
    key: Key
    which: int
    first: int
    count: int
    challenger: str
    bond_wei: Wei
    answer_until: int


@dataclass(frozen=True)
class Revealed:
    round: RoundId
    which: int
    leaf: int
    chunk: bytes


@dataclass(frozen=True)
class Answered:
    round: RoundId
    which: int
    first: int
    count: int
    answerer: str


@dataclass(frozen=True)
class Closed:
    round: RoundId
    which: int
    first: int
    count: int
    paid_wei: Wei


@dataclass(frozen=True)
class Collected:
    account: str
    amount_wei: Wei


@dataclass(frozen=True)
class Funded:
    account: str
    amount_wei: Wei


@dataclass(frozen=True)
class Claimed:
    """A seat was paid for results of rounds up to this one; it will be for none before it."""

    seat: Seat
    round: RoundId
    amount_wei: Wei


@dataclass(frozen=True)
class Opened:
    round: RoundId
    parent: Key
    power_wei: Wei
    active: int
    commit_ends_at: int


@dataclass(frozen=True)
class Closing:
    round: RoundId
    commit_ends_at: int


@dataclass(frozen=True)
class Committed:
    round: RoundId
    seat: Seat
    parent: Key
    root: Root
    samples: int
    steps: int


@dataclass(frozen=True)
class Proposed:
    round: RoundId
    key: Key
    seat: Seat
    parent: Key
    commitments: bytes
    included: int
    credited: int
    model_root: Root
    coefficients: bytes

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The included seats, ascending."""
        return seats_of(self.included)


@dataclass(frozen=True)
class Attested:
    key: Key
    seat: Seat


@dataclass(frozen=True)
class Agreed:
    """A result is the head; each seat with a weight in it earns a share by approving it."""

    round: RoundId
    key: Key
    height: int
    share_wei: Wei


Event = (
    Created
    | Joined
    | ToppedUp
    | Left
    | Unbonding
    | Withdrawn
    | EndpointSet
    | Watched
    | Retired
    | Activated
    | Opened
    | Closing
    | Committed
    | Proposed
    | Attested
    | Agreed
    | Slashed
    | Voided
    | Refuted
    | Challenged
    | Revealed
    | Answered
    | Closed
    | Collected
    | Funded
    | Claimed
)


@dataclass(frozen=True)
class Logged:
    """An event, where it stands and when (unix seconds of its block)."""

    event: Event
    at: Position
    timestamp: int


def seats_of(bitmap: int) -> tuple[Seat, ...]:
    """Return the seats of a 128-bit map, ascending.

    >>> seats_of(0b1010)
    (1, 3)
    """
    return tuple(Seat(i) for i in range(bitmap.bit_length()) if bitmap >> i & 1)


def bitmap_of(seats: tuple[Seat, ...]) -> int:
    """Return the map whose bits are `seats`.

    >>> bitmap_of((1, 3))
    10
    """
    return sum(1 << seat for seat in set(seats))
