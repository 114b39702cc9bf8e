"""What every seat has earned at every height, from the chain's events: for people to read.

The contract keeps running totals instead. A share is a seat's if its update has a weight in the
result and it has approved the result; paid is what is settled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chain.ledger import Ledger
from chain.types import Agreed, Block, Claimed, Joined, Logged, RoundId, Seat, Wei, seats_of
from node.docket import find_end


class State(StrEnum):
    """What is the matter with one seat's share of one result."""

    UNVOTED = "unvoted"
    """Set aside, and the seat's only if it approves the head in time."""
    FORGONE = "forgone"
    """The seat did not approve: it is in the pool again."""
    RESERVED = "reserved"
    """The seat's, if the result settles."""
    CLAIMABLE = "claimable"
    CLAIMED = "claimed"
    """A claim has reached it; one that left it out has lost it, which no command does."""
    LOST = "lost"
    """The seat went, or has another owner by now, and had not claimed it."""


@dataclass(frozen=True)
class Earned:
    """An agreed result, and how each seat with a weight in it stands with its share."""

    round: RoundId
    height: int
    share_wei: Wei
    states: Mapping[Seat, State]


@dataclass
class Account:
    """The sums of one seat, in wei."""

    reserved_wei: int = 0
    claimable_wei: int = 0
    claimed_wei: int = 0
    lost_wei: int = 0


@dataclass
class Claims:
    """Which rounds the claims of each seat have reached, oldest first."""

    reached: dict[Seat, list[tuple[RoundId, RoundId]]] = field(default_factory=dict)
    paid_to: dict[Seat, RoundId] = field(default_factory=dict)

    def has(self, seat: Seat, round_id: RoundId) -> bool:
        """Whether a claim reached a round of the seat."""
        return any(first < round_id <= last for first, last in self.reached.get(seat, ()))


def find_settled(ledger: Ledger, block: Block, now: int) -> int:
    """Return the height up to which nothing can be disputed at a time, as of a block.

    The contract notes it only when it is called; a claim begins with that.
    """
    asked = {leaves.round for leaves in ledger.disputes.waiting}
    for below, logged in enumerate(ledger.agreed):
        end = find_end(ledger, block, logged, is_canonical=True)
        if _read(logged).round in asked or end is None or now < end:
            return below
    return len(ledger.agreed)


def list_earned(ledger: Ledger, history: Iterable[Logged], settled: int) -> Sequence[Earned]:
    """Return how the shares of all results that stand are, lowest height first."""
    claims = _read_claims(history)
    return [
        Earned(
            event.round,
            event.height,
            event.share_wei,
            {
                seat: _find_state(ledger, claims, event, seat, settled)
                for seat in seats_of(ledger.result(event.key).credited)
            },
        )
        for event in map(_read, ledger.agreed)
    ]


def sum_accounts(earned: Iterable[Earned]) -> dict[Seat, Account]:
    """Return the sums by seat, ascending."""
    accounts: dict[Seat, Account] = {}
    for each in earned:
        for seat, state in each.states.items():
            account = accounts.setdefault(seat, Account())
            if state is State.RESERVED:
                account.reserved_wei += each.share_wei
            elif state is State.CLAIMABLE:
                account.claimable_wei += each.share_wei
            elif state is State.CLAIMED:
                account.claimed_wei += each.share_wei
            elif state is State.LOST:
                account.lost_wei += each.share_wei
    return dict(sorted(accounts.items()))


def _find_state(ledger: Ledger, claims: Claims, event: Agreed, seat: Seat, settled: int) -> State:
    if seat not in ledger.votes[event.key]:
        is_head = event.key == ledger.head().key
        # On a head that came back, votes are over.
        return State.UNVOTED if is_head and event.round >= ledger.cut_at else State.FORGONE
    if claims.has(seat, event.round):
        return State.CLAIMED
    if seat not in ledger.seats or event.round <= claims.paid_to.get(seat, RoundId(0)):
        return State.LOST
    return State.CLAIMABLE if event.height <= settled else State.RESERVED


def _read_claims(history: Iterable[Logged]) -> Claims:
    claims = Claims()
    for logged in history:
        match logged.event:
            case Joined(seat=seat, counts_from=first):
                claims.paid_to[seat] = RoundId(first - 1)
            case Claimed(seat, last):
                reached = claims.reached.setdefault(seat, [])
                reached.append((claims.paid_to[seat], last))
                claims.paid_to[seat] = last
            case _:
                pass
    return claims


def _read(logged: Logged) -> Agreed:
    assert isinstance(logged.event, Agreed), "nothing else is agreed"
    return logged.event
