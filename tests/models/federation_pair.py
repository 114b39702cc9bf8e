"""Contract and model side by side: every move is made on both, and what they say is compared.

All that is done is written down as Python, so that a failing run ends with lines that repeat it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any
from unittest import mock

from admission_model import find_path, make_root
from federation_compare import Comparison
from federation_counters import Counters, Scene
from federation_lab import PAIR, Lab, open_federation
from federation_lab import make_root as make_blob_root
from federation_model import FederationModel
from federation_records import Proposed, Refused

from chain.devnet.accounts import derive_accounts
from chain.errors import Reverted
from chain.keys import compute_genesis_key
from chain.observer import Observer
from chain.retirement import can_retire, can_watch, find_withheld
from chain.types import Event, Seat, Withdrawn, bitmap_of, seats_of

ADDRESSES = tuple(account.address for account in derive_accounts(12))
PAYABLE = ("join", "top_up", "activate", "challenge")
WEALTH_WEI = 2**97
"""Of every account: enough to pass the bound of all stakes."""


@dataclass
class Mark:
    """A moment to which a re-org goes back."""

    snapshot: str
    model: FederationModel
    clock: int
    block: int


class Pair:
    """A federation twice; `setup` is what it was created with."""

    def __init__(self, lab: Lab, setup: dict[str, Any], counters: Counters) -> None:
        self.lab = lab
        self.counters = counters
        self.journal = [f"pair = open_pair(Counters(), **{setup!r})"]
        genesis = compute_genesis_key(
            lab.federation.chain_id, lab.federation.address, lab.parameters.genesis
        )
        admitted = tuple(ADDRESSES[account] for account in setup.get("admitted", ()))
        self.model = FederationModel(lab.parameters, genesis, admitted)
        self.observer = Observer(lab.federation, created_at=lab.created_at)
        self.marks: list[Mark] = []
        self.lost: list[bytes] = []
        """Keys that were proposed on a branch which a re-org took away."""
        self.lost_heads: dict[int, bytes] = {}
        """What was agreed there, by round."""
        self.sent = 0
        self.is_behind = False
        """Whether the ledger still tells of a branch that is gone."""

    # What there is to choose from ---------------------------------------------------------

    @property
    def keys(self) -> list[bytes]:
        """The head, the keys that were proposed, newest first, and others."""
        known = [self.model.head, *reversed(self.model.results)]
        return [*known, *self.lost[-1:], self.model.genesis, bytes(32)]

    def account_of(self, seat: int) -> int:
        """Return the account that owns a seat; 0: nobody does."""
        tenancy = self.model.holder(seat)
        return ADDRESSES.index(tenancy.owner) if tenancy else 0

    def proof(self, account: int) -> list[bytes]:
        """Return an account's proof of admission; none where it has none."""
        admitted = self.model.admitted
        path = find_path(admitted, ADDRESSES[account]) if admitted else None
        return path or []

    def proposal(self, number: int, parent: bytes, drop: int = 0, model: int = 0) -> Proposed:
        """Return what may be proposed of what was committed, the seats in a map left out."""
        seats = tuple(map(Seat, self.model.committed(parent, number)))
        included = bitmap_of(seats) & ~drop
        running = self.model.running(parent, number)
        coefficients = PAIR * len(seats_of(included))
        return Proposed(number, parent, running, included, make_blob_root(model), coefficients)

    # Moves --------------------------------------------------------------------------------

    def move(self, function: str, account: int, *arguments: Any, value: int = 0) -> str | None:
        """Make a move on both and compare; return why it was refused, None where it was not."""
        told = ", ".join(map(repr, (function, account, *arguments)))
        self.journal.append(f"pair.move({told}, value={value})")
        scene, reason, events = Scene.of(self.model), None, ()
        foreseen = self._foresee(function, arguments)
        try:
            mined = self.lab.act(function, *arguments, by=account, value_wei=value)
            events = mined.events
        except Reverted as error:
            reason = str(error.got)
        objections = self._move_model(function, account, arguments, value)
        assert (reason is None) == (not objections), (function, arguments, reason, objections)
        assert reason is None or reason in objections, (function, arguments, reason, objections)
        assert foreseen is None or (reason is None) in foreseen, (function, arguments, reason)
        self.sent += 1
        self.is_behind = False
        self.check(since=min(self.model.number - 1, self.model.head_round))
        self._count(function, reason, events, scene)
        return reason

    def at(self, timestamp: int) -> None:
        """Let the next block have this time, if it is still to come."""
        if timestamp > self.lab.clock.at:
            self.lab.clock.at = timestamp
            self.journal.append(f"pair.at({timestamp})")

    def mark(self) -> None:
        """Remember this moment for a re-org."""
        self.journal.append("pair.mark()")
        snapshot = self._request("evm_snapshot")
        block = int(self._request("eth_blockNumber"), 16)
        model = copy.deepcopy(self.model)
        self.marks.append(Mark(snapshot, model, self.lab.clock.at, block))

    def fork(self) -> None:
        """Take back everything since the last mark; what is done next stands in its place."""
        self.journal.append("pair.fork()")
        mark, undone = self.marks.pop(), self.model
        first = self._request("eth_getBlockByNumber", hex(mark.block + 1), False)
        assert self._request("evm_revert", mark.snapshot)
        self.model = mark.model
        # The block that takes the first one's place is another one, if only for its time.
        self.lab.clock.at = max(mark.clock, int(first["timestamp"], 16) + 1 if first else 0)
        self.lost += [key for key in undone.results if key not in mark.model.results]
        self.lost_heads = {a.round: a.key for a in undone.chain[len(mark.model.chain) :]}
        self.is_behind = first is not None
        self.counters["a re-org"] += first is not None
        self.counters["a re-org across an agreement"] += bool(self.lost_heads)

    def check(self, *, since: int = 0) -> None:
        """Compare all that can be read; see `Comparison.check`."""
        Comparison(self.lab, self.model, self.observer).check(since=since)

    def close(self) -> None:
        self.lab.devnet.close()

    # Within -------------------------------------------------------------------------------

    def _move_model(
        self, function: str, account: int, arguments: tuple[Any, ...], value: int
    ) -> frozenset[str]:
        payment = {"value": value} if function in PAYABLE else {}
        self.model.block = int(self._request("eth_blockNumber"), 16)
        try:
            getattr(self.model, function)(self.lab.now, ADDRESSES[account], *arguments, **payment)
        except Refused as refused:
            return refused.reasons
        return frozenset()

    def _foresee(self, function: str, arguments: tuple[Any, ...]) -> set[bool] | None:
        """Return whether the ledger expects the contract to go along; None: it has no opinion."""
        if self.is_behind or function not in ("retire", "retire_withholder"):
            return None
        ledger, seat = self.observer.ledger, Seat(arguments[0])
        if function == "retire":
            next_at = max(self.lab.now + 1, self.lab.clock.at)
            return {can_watch(ledger, seat) or can_retire(ledger, seat, next_at)}
        proof = [astuple(record) for record in find_withheld(ledger, seat)]
        if not proof:
            return {False}
        # Another list than the shortest one that proves it may be right or wrong.
        return {True} if list(arguments[1]) == proof else {True, False}

    def _count(
        self, function: str, reason: str | None, events: tuple[Event, ...], scene: Scene
    ) -> None:
        self.counters.count_time(function, self.lab.now, scene)
        if reason is not None:
            self.counters[reason] += 1
            return
        self.counters.count_done(function, events, scene, self.model, self._withdrawn())
        lost = self.lost_heads.get(self.model.head_round, self.model.head)
        self.counters["another agreement in place of a lost one"] += lost != self.model.head

    def _request(self, method: str, *params: object) -> Any:
        answer = self.lab.devnet.handle({"id": 1, "method": method, "params": list(params)})
        assert "error" not in answer, answer
        return answer["result"]

    def _withdrawn(self) -> set[int]:
        events = (logged.event for logged in self.observer.history)
        return {event.seat for event in events if isinstance(event, Withdrawn)}


def open_pair(counters: Counters, *, admitted: tuple[int, ...] = (), **changes: object) -> Pair:
    """Create a federation of PARAMETERS with `changes`; only accounts in `admitted` may join."""
    setup = {"admitted": admitted, **changes} if admitted else dict(changes)
    if admitted:
        changes["admission"] = make_root(ADDRESSES[account] for account in admitted)
    with mock.patch("chain.devnet.building.GENESIS_BALANCE_WEI", WEALTH_WEI):
        lab = open_federation(**changes)
    return Pair(lab, setup, counters)


@contextmanager
def telling(pair: Pair) -> Iterator[None]:
    """Let whatever goes wrong in here end with the lines that repeat it."""
    try:
        yield
    except Exception as error:
        error.add_note("To repeat it:\n" + "\n".join(pair.journal))
        raise
