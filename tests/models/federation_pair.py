"""Contract and model side by side: every move is made on both, and what they say is compared.

All that is done is written down as Python, so that a failing run ends with lines that repeat it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any, cast
from unittest import mock

from admission_model import find_path, make_root
from federation_blobs import COORDINATES, GENESIS, Blobs, Vector, model_root, payload_of
from federation_compare import Comparison
from federation_counters import Counters, Scene
from federation_lab import NOBODY, PAIR, Lab, open_federation
from federation_model import FederationModel
from federation_records import Proposed, Refused
from federation_records import Record as Words

from chain.devnet.accounts import derive_accounts
from chain.errors import Reverted
from chain.keys import compute_genesis_key
from chain.observer import Observer
from chain.retirement import can_retire, can_watch, find_withheld
from chain.states import Record
from chain.types import Event, Key, Root, Seat, Withdrawn, bitmap_of, seats_of
from node.evidence import Commitment, Inputs, build_answer, build_refutation
from node.rule.readable import find_step

ADDRESSES = tuple(account.address for account in derive_accounts(12))
PAYABLE = ("join", "top_up", "activate", "challenge", "fund")
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
    """A federation twice; `setup` is what it was created with.

    All is compared after every so many moves, and at the end; a little after each.
    """

    def __init__(
        self, lab: Lab, setup: dict[str, Any], counters: Counters, *, every: int = 1
    ) -> None:
        self.lab = lab
        self.counters = counters
        self.journal = [f"pair = open_pair(Counters(), **{setup!r})"]
        genesis = compute_genesis_key(
            lab.federation.chain_id, lab.federation.address, lab.parameters.genesis
        )
        admitted = tuple(ADDRESSES[account] for account in setup.get("admitted", ()))
        self.blobs = Blobs(lab.federation.chain_id, lab.federation.address)
        self.model = FederationModel(lab.parameters, genesis, admitted, blobs=self.blobs)
        # Tips of the creation went there.
        self.model.burned = lab.get_balance(NOBODY)
        self.observer = Observer(lab.federation, created_at=lab.created_at)
        self.marks: list[Mark] = []
        self.sources: dict[bytes, str] = {}
        self.lost: list[bytes] = []
        """Keys that were proposed on a branch which a re-org took away."""
        self.lost_heads: dict[int, bytes] = {}
        """What was agreed there, by round."""
        self.sent = 0
        self.every = every
        self._since = 0
        """What happened in rounds from this one on is still to be compared."""
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
        right = self._next_model(number, parent, seats_of(included))
        if model:
            right[model] += 1
        root = self.blobs.keep(right)
        return Proposed(number, parent, running, included, root, coefficients)

    def record(self, key: bytes) -> Words:
        """Return the record of a result, or one of nothing."""
        result = self.model.results.get(key)
        return result.record if result else (0, key, key, 0, key, key)

    def refutation(self, key: bytes, coordinate: int, is_spoilt: bool = False) -> bytes:
        """Return evidence on a coordinate of a result that was proposed once."""
        inputs = self._inputs(key)
        result, models = self.model.results[key], self.blobs.models
        old = models[self.model.model_root_of(result.parent)]
        updates = {
            seat: self.blobs.update_payload(seat, result.round)
            for seat in seats_of(result.included)
        }
        new, before = payload_of(models[result.model_root], 4), payload_of(old, 4)
        data = bytearray(build_refutation(inputs, coordinate, new, before, updates))
        if is_spoilt:
            data[-1 if coordinate < len(old) else 300] ^= 1
        self.blobs.shown[bytes(data)] = (key, is_spoilt or not self._is_known(result))
        self.sources[bytes(data)] = f"pair.refutation({key!r}, {coordinate}, {is_spoilt})"
        return bytes(data)

    def spoil(self, data: bytes, position: int) -> bytes:
        """Return evidence with one byte changed."""
        bad = bytearray(data)
        bad[position] ^= 0x40
        self.sources[bytes(bad)] = f"pair.spoil({self.sources[data]}, {position})"
        self.blobs.shown[bytes(bad)] = (self.blobs.shown[data][0], True)
        return bytes(bad)

    def answer(self, key: bytes, which: int, first: int, count: int) -> bytes:
        """Return what answers a challenge to a result that was proposed once; b"": nothing does."""
        result = self.model.results.get(key)
        reached, depth = self.model.size_of(which)
        is_there = count in (1, 2, 4, 8) and count <= 2**depth and first < reached
        if result is None or not is_there or first % count:
            return b""
        roots = {128: self.model.model_root_of(result.parent), 129: result.model_root}
        if which in roots:
            payload = payload_of(self.blobs.models[roots[which]], 4)
        else:
            payload = self.blobs.update_payload(which, result.round)
            if which not in seats_of(result.included) or not self._is_known(result):
                return b""
        data = build_answer(self._inputs(key), which, first, count, payload)
        self.blobs.shown[data] = (key, which, first, count)
        self.sources[data] = f"pair.answer({key!r}, {which}, {first}, {count})"
        return data

    # Moves --------------------------------------------------------------------------------

    def move(self, function: str, account: int, *arguments: Any, value: int = 0) -> str | None:
        """Make a move on both and compare; return why it was refused, None where it was not."""
        told = ", ".join(map(self._tell, (function, account, *arguments)))
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
        # No vote counts in a round before these: what is older stays as it was.
        since = min(self.model.number - 1, self.model.voted_from)
        self._since = min(self._since, since)
        if self.sent % self.every:
            Comparison(self.lab, self.model, self.observer).check(is_quick=True)
        else:
            self.check(since=self._since)
            self._since = since
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

    def _tell(self, argument: Any) -> str:
        """Return an argument as Python; of evidence, how it was made."""
        is_made = isinstance(argument, bytes) and argument in self.sources
        return self.sources[argument] if is_made else repr(argument)

    def _next_model(self, number: int, parent: bytes, seats: tuple[Seat, ...]) -> Vector:
        """Return what follows from updates that all weigh 1."""
        models, root = self.blobs.models, self.model.parameters.genesis
        if parent in self.model.results:
            root = self.model.results[parent].model_root
        old = models.get(root, models[self.model.parameters.genesis])
        if not seats:
            return list(old)
        updates = [self.blobs.update(seat, number) for seat in seats]
        guard = self.model.parameters.model_bits - self.model.parameters.update_bits
        ones = [1] * len(seats)
        steps = [find_step(column, ones, 0, guard) for column in zip(*updates, strict=True)]
        return [value + step for value, step in zip(old, steps, strict=True)]

    def _inputs(self, key: bytes) -> Inputs:
        result = self.model.results[key]
        parent = self.model.results.get(result.parent)
        row = self.model.rows[result.parent, result.round]
        return Inputs(
            parent=Key(result.parent),
            parent_record=Record(*cast(Any, parent.record)) if parent else None,
            commitments=tuple(Commitment(Root(c.root), Seat(c.seat), c.weight) for c in row),
            included=result.included,
            model_root=Root(result.model_root),
            coefficients=result.coefficients,
            tag_of=lambda seat: self.blobs.tag(seat, result.round),
            update_bytes=self.model.parameters.update_bytes,
        )

    def _is_known(self, result: Proposed) -> bool:
        """Whether the roots of all included updates are those of blobs that there are."""
        row = self.model.rows[result.parent, result.round]
        return all(
            c.root == self.blobs.update_root(c.seat, result.round)
            for c in row
            if c.seat in seats_of(result.included)
        )

    def _move_model(
        self, function: str, account: int, arguments: tuple[Any, ...], value: int
    ) -> frozenset[str]:
        payment = {"value": value} if function in PAYABLE else {}
        block = self._request("eth_getBlockByNumber", "latest", False)
        self.model.block = int(block["number"], 16)
        self.model.base_fee = int(block["baseFeePerGas"], 16)
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


def open_pair(
    counters: Counters, *, admitted: tuple[int, ...] = (), every: int = 1, **changes: object
) -> Pair:
    """Create a federation of PARAMETERS with `changes`; only accounts in `admitted` may join."""
    setup = {"admitted": admitted, **changes} if admitted else dict(changes)
    changes |= {"coordinates": COORDINATES, "genesis": model_root(GENESIS)}
    if admitted:
        changes["admission"] = make_root(ADDRESSES[account] for account in admitted)
    with mock.patch("chain.devnet.building.GENESIS_BALANCE_WEI", WEALTH_WEI):
        lab = open_federation(**changes)
    return Pair(lab, setup, counters, every=every)


@contextmanager
def telling(pair: Pair) -> Iterator[None]:
    """Let whatever goes wrong in here end with the lines that repeat it."""
    try:
        yield
    except Exception as error:
        error.add_note("To repeat it:\n" + "\n".join(pair.journal))
        raise
