"""What the contract tells of its state when it is asked, as of a block. Plain types."""

from dataclasses import dataclass

from chain.types import Key, Root, RoundId, Seat, Wei


@dataclass(frozen=True)
class Head:
    """The agreed result; at height 0 the genesis model, agreed by the creation."""

    key: Key
    round: RoundId
    height: int
    model_root: Root


@dataclass(frozen=True)
class OpenRound:
    """The open round or the last one; `commit_ends_at` 0: agreed, or none yet.

    `ran` counts, modulo 2**16, the rounds before it that had enough commitments.
    """

    number: RoundId
    named: RoundId
    commit_ends_at: int
    power_wei: Wei
    active: int
    ran: int = 0


@dataclass(frozen=True)
class SeatState:
    """A seat as the contract has it; all zero: free. Times are unix seconds.

    `until` 0: no end; `since` 0: neither watched nor retired; `begun` is 0 once there is an end.
    """

    owner: str
    stake_wei: Wei
    earlier_wei: Wei
    changed_from: RoundId
    until: RoundId
    free_at: int
    since: int
    ran: int
    begun: RoundId

    @property
    def is_watched(self) -> bool:
        return self.since != 0 and self.until == 0

    @property
    def is_retired(self) -> bool:
        return self.since != 0 and self.until != 0


@dataclass(frozen=True)
class Record:
    """A proposed result: what its key is the hash of, as the contract takes it."""

    round: RoundId
    parent: Key
    commitments: bytes
    included: int
    model_root: Root
    coefficients_hash: bytes


@dataclass(frozen=True)
class Reading:
    """A request of one seat to read from another, as the reader's key signs it; `at` in unix
    seconds."""

    reader: Seat
    server: Seat
    method: str
    path: str
    at: int
