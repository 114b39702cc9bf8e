"""What results have earned and what a seat can claim, recounted from the events.

The contract keeps running totals instead; a test holds the two together.
"""

from dataclasses import dataclass

from chain.ledger import Ledger
from chain.types import Agreed, Key, Logged, RoundId, Seat, Wei, bitmap_of, seats_of


@dataclass(frozen=True)
class Claim:
    """What `claim` is called with, and what it pays: `keys` are the results that pay, oldest
    first."""

    keys: tuple[Key, ...]
    amount_wei: Wei


def compute_earned(ledger: Ledger) -> Wei:
    """Return what the results up to the head have earned, paid or not.

    Of the head it is as if all whose updates have a weight approved it, while votes on it count.
    """
    shares = (_read(logged) for logged in ledger.agreed)
    return Wei(sum(share.share_wei * len(_earners(ledger, share)) for share in shares))


def compute_pool(ledger: Ledger) -> Wei:
    """Return what later results can earn."""
    return Wei(ledger.funded_wei - compute_earned(ledger))


def find_claim(ledger: Ledger, seat: Seat, settled: int, most: int) -> Claim:
    """Return what a seat can claim of results up to the height `settled`, `most` of them at most.

    A later claim pays nothing older, so the oldest come first.
    """
    shares = (_read(logged) for logged in ledger.agreed[:settled])
    paid_to = ledger.paid_to.get(seat, RoundId(0))
    owed = [s for s in shares if s.round > paid_to and s.share_wei and _has_earned(ledger, s, seat)]
    return Claim(tuple(s.key for s in owed[:most]), Wei(sum(s.share_wei for s in owed[:most])))


def _read(logged: Logged) -> Agreed:
    assert isinstance(logged.event, Agreed)
    return logged.event


def _earners(ledger: Ledger, agreed: Agreed) -> tuple[Seat, ...]:
    """Return the seats for which a share is set aside."""
    credited = ledger.result(agreed.key).credited
    if agreed.key == ledger.head().key and agreed.round >= ledger.cut_at:
        return seats_of(credited)
    return seats_of(credited & bitmap_of(tuple(ledger.votes[agreed.key])))


def _has_earned(ledger: Ledger, agreed: Agreed, seat: Seat) -> bool:
    is_credited = ledger.result(agreed.key).credited >> seat & 1
    return bool(is_credited) and seat in ledger.votes[agreed.key]
