"""The contract as the independent model of it: calls in, events out, and back to any earlier state.

The model tells what is and is not allowed; the events are read off what changed. Of several
reasons against a call the first is named that the contract would come to.
"""

from __future__ import annotations

from typing import Any

from federation_records import LEFT, RETIRED, Proposed, Refused

from chain import types
from chain.types import (
    Collected,
    Event,
    Key,
    Parameters,
    Root,
    RoundId,
    Seat,
    Wei,
    bitmap_of,
)
from node.blobs.naming import Naming
from node.blobs.store import Readable

from .court import Court, JudgedModel, dispute, load_disputes, save_disputes

State = tuple[Any, ...]
PAID = ("join", "top_up", "challenge")
DISPUTES = ("challenge", "answer", "close", "refute", "collect")
REFUSED_FIRST = {
    "commit": (
        "rounds: the seat does not count in this round",
        "rounds: an empty root",
        "rounds: already committed",
        "rounds: not a round to commit to",
        "rounds: the parent is not a result to build on",
    ),
    "propose": (
        "rounds: not the open round",
        "rounds: the round is over",
        "rounds: commitments are still open",
        "rounds: the parent is not the head",
        "rounds: not the commitments of this round",
        "rounds: an included seat has not committed",
        "rounds: too few updates",
        "rounds: already proposed",
    ),
    "attest": (
        "rounds: no such result",
        "rounds: already approved",
        "rounds: the seat does not count in this round",
    ),
}


def name_reason(function: str, reasons: frozenset[str]) -> str:
    """Return the reason that the contract names."""
    parts = ("attest", "commit") if function == "attest_and_commit" else (function,)
    for part in parts:
        for reason in REFUSED_FIRST.get(part, ()):
            if reason in reasons:
                return reason
    return min(reasons)


class ModelContract:
    """One federation; `wallets` is what each account owns beside its stake, in wei. `payloads` are
    what stands behind the roots."""

    def __init__(
        self,
        parameters: Parameters,
        genesis: Key,
        wallets: dict[str, int],
        payloads: Readable,
        naming: Naming,
    ) -> None:
        self.model = JudgedModel(parameters, genesis)
        self.model.court = Court(payloads, naming)
        self.wallets = wallets

    @property
    def wealth(self) -> int:
        """All there ever was, in wei: in wallets, in the contract, and burned."""
        return sum(self.wallets.values()) + self.model.balance + self.model.burned

    def apply(
        self, now: int, sender: str, function: str, arguments: tuple[Any, ...], value: int
    ) -> tuple[Event, ...]:
        """Make a call in a block of time `now`; raises the model's Refused, with nothing done."""
        if function == "attest_and_commit":
            return self._apply_both(now, sender, arguments)
        if function in DISPUTES:
            told = dispute(self.model, now, sender, function, arguments, value)
            self.wallets[sender] -= value if function in PAID else 0
            self.wallets[sender] += sum(e.amount_wei for e in told if isinstance(e, Collected))
            return told
        model = self.model
        number, height, end = model.number, len(model.chain), model.commit_end()
        held = {t.seat: t for t in model.tenancies}
        payment = {"value": value} if function in PAID else {}
        getattr(model, function)(now, sender, *arguments, **payment)
        self.wallets[sender] -= value if payment else 0
        match function:
            case "commit":
                return self._tell_commit(arguments, number, end)
            case "propose":
                told = self._tell_proposal(arguments)
                return (told, *self._tell_vote(arguments[1], told.key, height, number))
            case "attest":
                return self._tell_vote(arguments[0], Key(arguments[1]), height, number)
        return (self._tell_seat(function, arguments, held),)

    def _apply_both(self, now: int, sender: str, arguments: tuple[Any, ...]) -> tuple[Event, ...]:
        seat, key, number, *claim = arguments
        before = self.save()
        try:
            voted = self.apply(now, sender, "attest", (seat, key), 0)
            return voted + self.apply(now, sender, "commit", (number, seat, key, *claim), 0)
        except Refused:
            self.load(before)
            raise

    # What is told -------------------------------------------------------------------------

    def _tell_commit(self, arguments: tuple[Any, ...], number: int, end: int) -> tuple[Event, ...]:
        round_id, seat, parent, root, samples, steps = arguments
        told = types.Committed(round_id, Seat(seat), Key(parent), Root(root), samples, steps)
        if self.model.number > number:
            return told, self._tell_opening()
        now_ends = self.model.commit_end()
        if round_id == number and parent == self.model.head and now_ends != end:
            return told, types.Closing(RoundId(number), now_ends)
        return (told,)

    def _tell_opening(self) -> Event:
        last = self.model.rounds[-1]
        return types.Opened(
            RoundId(last.number),
            Key(last.parent),
            Wei(last.power),
            last.active,
            self.model.commit_end(),
        )

    def _tell_proposal(self, arguments: tuple[Any, ...]) -> types.Proposed:
        number, seat, parent, commitments, included, model_root, coefficients = arguments
        result = Proposed(number, parent, commitments, included, model_root, coefficients)
        credited = bitmap_of(tuple(map(Seat, result.credited)))
        return types.Proposed(
            RoundId(number),
            Key(result.key),
            Seat(seat),
            Key(parent),
            commitments,
            included,
            credited,
            Root(model_root),
            coefficients,
        )

    def _tell_vote(self, seat: int, key: Key, height: int, number: int) -> tuple[Event, ...]:
        told: list[Event] = [types.Attested(key, Seat(seat))]
        if len(self.model.chain) > height:
            told.append(types.Agreed(RoundId(number), key, height + 1, Wei(0)))
        if self.model.number > number:
            told.append(self._tell_opening())
        return tuple(told)

    def _tell_seat(self, function: str, arguments: tuple[Any, ...], held: dict[int, Any]) -> Event:
        model = self.model
        if function == "join":
            (new,) = (t for t in model.tenancies if t.seat not in held)
            first, stake = new.stakes[-1]
            return types.Joined(Seat(new.seat), new.owner, Wei(stake), RoundId(first), new.endpoint)
        seat = Seat(arguments[0])
        tenancy, before = model.holder(seat), held[seat]
        if tenancy is None:
            self.wallets[before.owner] += before.stake
            return types.Withdrawn(seat, before.owner, Wei(before.stake))
        first, stake = RoundId(tenancy.changed_from), Wei(tenancy.stake)
        match function:
            case "activate":
                return types.Activated(seat, stake, first)
            case "top_up":
                return types.ToppedUp(seat, stake, first)
            case "set_endpoint":
                return types.EndpointSet(seat, tenancy.endpoint)
            case "withdraw":
                return types.Unbonding(seat, tenancy.free_at)
        if tenancy.end == RETIRED:
            return types.Retired(seat, RoundId(tenancy.until))
        if tenancy.end == LEFT:
            return types.Left(seat, RoundId(tenancy.until))
        watch = tenancy.watch
        assert watch is not None, "what else would have changed"
        return types.Watched(seat, watch.at, model.ran_at(watch) % 2**16)

    # Back and forth -----------------------------------------------------------------------

    def save(self) -> State:
        """Return all that a call can change. Records that never change are shared."""
        model = self.model
        return (
            tuple((t, dict(vars(t))) for t in model.tenancies),
            dict(model.present),
            dict(model.rolls),
            {name: tuple(row) for name, row in model.rows.items()},
            {key: (result, dict(result.votes)) for key, result in model.results.items()},
            tuple(model.votes),
            tuple((opened, opened.agreed, opened.is_cut) for opened in model.rounds),
            tuple(model.chain),
            dict(model.archive),
            save_disputes(model),
            dict(model.fixed),
            dict(self.wallets),
        )

    def load(self, state: State) -> None:
        """Be again what was saved."""
        model = self.model
        tenancies, present, rolls, rows, results, votes, rounds, chain, *rest = state
        archive, disputes, fixed, wallets = rest
        for tenancy, fields in tenancies:
            vars(tenancy).update(fields)
        for result, voters in results.values():
            result.votes = dict(voters)
        for opened, agreed, is_cut in rounds:
            opened.agreed, opened.is_cut = agreed, is_cut
        model.tenancies = [tenancy for tenancy, _ in tenancies]
        model.present, model.rolls = dict(present), dict(rolls)
        model.rows = {name: list(row) for name, row in rows.items()}
        model.results = {key: result for key, (result, _) in results.items()}
        model.votes = list(votes)
        model.rounds = [opened for opened, *_ in rounds]
        model.chain, model.archive, model.fixed = list(chain), dict(archive), dict(fixed)
        load_disputes(model, disputes)
        self.wallets.clear()
        self.wallets.update(wallets)
