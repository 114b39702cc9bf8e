"""What every seat contributed at every height, from the chain's events and the blobs they name.

A height is measured by what was agreed before and after it, so the newest one is pending. Nothing
is judged here: results are taken as they were agreed, and whether they should have been is an
audit's business.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chain.ledger import Ledger
from chain.types import Agreed, Key, Logged, Root, RoundId, Seat
from node.blobs.naming import Naming
from node.blobs.store import Blobs
from node.encoding import Model, model_from_payload, update_from_payload
from node.errors import InputRefused
from node.rule.coefficients import decode_coefficients
from node.rule.contribution import (
    Agreement,
    Value,
    check_consecutive,
    compute_contributions,
    value_updates,
)
from node.rule.parameters import BPS, Member, Roll, Rule
from node.spec import rule_of


@dataclass(frozen=True)
class AgreedRound:
    """What was agreed at a height of at least 1, and in which round."""

    round: RoundId
    height: int
    agreement: Agreement


@dataclass(frozen=True)
class Contributed:
    """What each included seat contributed at a height, in squared units of the model; negative for
    what harmed."""

    round: RoundId
    height: int
    by_seat: dict[Seat, int]


class Contributions:
    """Takes agreed rounds one by one and measures each when the next one comes; keeps three models
    and the updates of two rounds.

    Begin with height 1. After any other, a checkpoint's for instance, the first height is passed
    over: whether it repeated the step before cannot be seen.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._last: AgreedRound | None = None
        self._before: Model | None = None

    def add(self, agreed: AgreedRound) -> Contributed | None:
        """Return what was contributed at the height below; None where it cannot be told.

        Raises InputRefused for a height that is not the next one, or builds on another model.
        """
        last, before = self._last, self._before
        found = None
        if last is not None:
            if agreed.height != last.height + 1:
                raise InputRefused("contributions: height", last.height + 1, agreed.height)
            check_consecutive(last.agreement, agreed.agreement)
            if before is not None or last.height == 1:
                found = self._measure(last, agreed, before)
            self._before = last.agreement.head
        self._last = agreed
        return found

    def _measure(self, last: AgreedRound, agreed: AgreedRound, before: Model | None) -> Contributed:
        found = compute_contributions(self._rule, last.agreement, agreed.agreement, before)
        seats = [member.seat for member in last.agreement.members]
        return Contributed(last.round, last.height, dict(zip(seats, found, strict=True)))


def sum_contributions(measured: Iterable[Contributed]) -> dict[Seat, int]:
    """Return what each seat contributed over all heights, ascending by seat."""
    totals: dict[Seat, int] = {}
    for each in measured:
        for seat, amount in each.by_seat.items():
            totals[seat] = totals.get(seat, 0) + amount
    return dict(sorted(totals.items()))


def compute_shares_bps(totals: Mapping[Seat, int]) -> dict[Seat, int]:
    """Return each seat's share of what was contributed, from the sums over all heights.

    Who did more harm than good has none, and what is rounded off nobody has.

    >>> compute_shares_bps({Seat(0): 30, Seat(1): -5, Seat(2): 10})
    {0: 7500, 1: 0, 2: 2500}
    """
    whole = sum(max(0, total) for total in totals.values())
    return {seat: max(0, total) * BPS // max(1, whole) for seat, total in totals.items()}


def measure_history(
    genesis: Key,
    chain_id: int,
    address: str,
    blobs: Blobs,
    history: Sequence[Logged],
    since: int = 0,
) -> Iterator[Contributed]:
    """Return the contributions at every height but the newest, lowest first.

    `history` begins with the creation. Only what stands at its end counts: a result that is void by
    then is left out. Heights up to `since` are passed over, and where there are such, the next one
    is too. Raises BlobError where an update or a model cannot be read.
    """
    final = _fold(genesis, history)
    assert final.parameters is not None, "the creation is a history's first event"
    wanted = final.agreed[since:]
    standing = {logged.event.key for logged in wanted if isinstance(logged.event, Agreed)}
    naming = Naming(chain_id, address, final.parameters)
    contributions = Contributions(rule_of(final.parameters))
    ledger = Ledger(genesis)
    for logged in history:
        ledger.apply(logged)
        if isinstance(logged.event, Agreed) and logged.event.key in standing:
            contributed = contributions.add(read_agreed(ledger, naming, blobs, logged.event))
            if contributed is not None:
                yield contributed


def value_height(
    naming: Naming, blobs: Blobs, ledger: Ledger, history: Sequence[Logged], height: int
) -> dict[Seat, Value]:
    """Return what each included seat contributed at a height that stands, and what that was made
    of; nothing at the newest height, which waits for the next.

    `ledger`: at the end of the history. Raises BlobError where an update or a model cannot be read.
    """
    agreed = [logged.event for logged in ledger.agreed if isinstance(logged.event, Agreed)]
    pair = [event.key for event in agreed[height - 1 : height + 1]]
    if len(pair) < 2:
        return {}
    read = read_history(naming, blobs, ledger.genesis, history, pair)
    own, following = (each.agreement for each in read)
    before = None
    if height > 1:
        root = _find_root(ledger, naming, ledger.result(agreed[height - 2].key).parent)
        before = _read_model(naming, blobs, root)
    found = value_updates(rule_of(naming.parameters), own, following, before)
    return dict(zip((member.seat for member in own.members), found, strict=True))


def read_history(
    naming: Naming, blobs: Blobs, genesis: Key, history: Iterable[Logged], keys: Collection[Key]
) -> Iterator[AgreedRound]:
    """Return what was agreed under some keys, and all that it was made of, in the chain's order.
    Raises BlobError."""
    ledger = Ledger(genesis)
    for logged in history:
        ledger.apply(logged)
        if isinstance(logged.event, Agreed) and logged.event.key in keys:
            yield read_agreed(ledger, naming, blobs, logged.event)


def read_agreed(ledger: Ledger, naming: Naming, blobs: Blobs, event: Agreed) -> AgreedRound:
    """Return what was agreed, and all that it was made of. Raises BlobError.

    The ledger stands where the agreement came: later ones have forgotten stakes withdrawn since.
    """
    proposal = ledger.result(event.key)
    parameters, opening = naming.parameters, ledger.openings[event.round]
    row = sorted(
        (c for c in ledger.commitments(proposal.parent, event.round) if c.seat in proposal.seats),
        key=lambda commitment: commitment.seat,
    )
    agreement = Agreement(
        Roll(opening.power_wei, opening.active),
        [Member(c.seat, ledger.stake_in(c.seat, c.round), c.samples) for c in row],
        _read_model(naming, blobs, _find_root(ledger, naming, proposal.parent)),
        [
            update_from_payload(
                blobs.get(naming.committed_blob(c)), parameters.coordinates, parameters.update_bytes
            )
            for c in row
        ],
        decode_coefficients(proposal.coefficients, len(row)),
        _read_model(naming, blobs, proposal.model_root),
    )
    return AgreedRound(event.round, event.height, agreement)


def _find_root(ledger: Ledger, naming: Naming, key: Key) -> Root:
    """Return the root of the model that a key stands for."""
    return naming.parameters.genesis if key == ledger.genesis else ledger.result(key).model_root


def _read_model(naming: Naming, blobs: Blobs, root: Root) -> Model:
    return model_from_payload(blobs.get(naming.model_blob(root)), naming.parameters.coordinates)


def _fold(genesis: Key, history: Iterable[Logged]) -> Ledger:
    ledger = Ledger(genesis)
    for logged in history:
        ledger.apply(logged)
    return ledger
