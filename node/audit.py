"""Replays a federation from its events and blobs alone, and names the first thing that does not
match.

Nothing is taken from the peers: every commitment's running hash, every key, coefficient, model and
majority is computed again. What was never agreed is judged too, where its blobs are there: whoever
attested a result that does not recompute has signed it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from chain.keys import compute_result_key
from chain.ledger import Ledger
from chain.types import (
    Agreed,
    Committed,
    Created,
    Key,
    Logged,
    Parameters,
    Position,
    Proposed,
    Root,
    RoundId,
    Seat,
)
from node.blobs.errors import BlobCorrupt, BlobError
from node.blobs.naming import Naming
from node.blobs.store import Blob, Blobs
from node.checkpoint import Checkpoint
from node.encoding import model_from_payload, update_from_payload
from node.errors import MerkleError, NodeError
from node.history import find_misplacement, find_void
from node.merkle import MODEL_TAG, compute_leaves, find_bad_leaf
from node.result import Result, compute_result
from node.rule.parameters import Member, Roll
from node.spec import parse_spec, rule_of
from node.view import hash_row, stakes_in_row


@dataclass(frozen=True)
class Finding:
    """What does not match, and where: block and round, seats and leaf as far as they are known."""

    what: str
    block: int | None
    round: RoundId | None = None
    seats: tuple[Seat, ...] = ()
    leaf: int | None = None

    def __str__(self) -> str:
        places = [
            "" if self.block is None else f"block {self.block}",
            "" if self.round is None else f"round {self.round}",
            f"seat {', '.join(map(str, self.seats))}" if self.seats else "",
            "" if self.leaf is None else f"leaf {self.leaf}",
        ]
        where = ", ".join(place for place in places if place)
        return f"{where}: {self.what}" if where else self.what


class KeptBlobs(Protocol):
    """A store on disk, where what was sound when it came may have changed."""

    def kept(self) -> Iterator[Blob]:
        """Return every blob that is there."""
        ...

    def check(self, blob: Blob) -> None:
        """Raise BlobError unless all that is kept of a blob is sound."""
        ...


@dataclass(frozen=True)
class Checked:
    """A round whose agreed result was recomputed to the hash."""

    round: RoundId
    height: int
    model_root: Root
    included: tuple[Seat, ...]


class Audit:
    """One replay. Iterate `run`; afterwards `finding` is None if everything matched.

    What was agreed and is void by the end of the history need not match: nothing stands on it. What
    would have been the finding is in `overturned` then.

    `since`: of what was agreed up to there only the keys are followed, which needs no blobs but the
    model at that height.
    """

    def __init__(
        self,
        genesis: Key,
        chain_id: int,
        address: str,
        blobs: Blobs,
        since: Checkpoint | None = None,
    ) -> None:
        self._since = since
        self._ledger = Ledger(genesis)
        self._chain_id = chain_id
        self._address = address
        self._blobs = blobs
        self._wrong: dict[Key, Finding] = {}
        self._void: frozenset[Key] = frozenset()
        self._last: Position | None = None
        self.finding: Finding | None = None
        self.overturned: tuple[Finding, ...] = ()

    @property
    def reached(self) -> int:
        """The height up to which everything matched."""
        return self._ledger.head().height

    def run(self, history: Sequence[Logged]) -> Iterator[Checked]:
        """Check events in the chain's order; yields every agreed round that matches, stops at the
        first that does not."""
        self._void = find_void(history)
        for logged in history:
            try:
                checked = self._check(logged)
            except _Mismatch as mismatch:
                self.finding = mismatch.finding
                return
            if checked is not None:
                yield checked
        if self._is_vouched_for():
            what = f"expected a chain up to the checkpoint {self._since}, got height {self.reached}"
            self.finding = Finding(what, None)
            return
        for key, finding in self._wrong.items():
            # Never agreed, but signed all the same.
            self.finding = replace(finding, seats=tuple(sorted(self._ledger.votes[key])))
            return

    def sweep(self, store: KeptBlobs) -> Iterator[Blob]:
        """Check every kept blob, those too that nothing on the chain refers to; yields the sound
        ones, stops at the first that is not."""
        for blob in store.kept():
            try:
                store.check(blob)
            except BlobError as error:
                leaf = error.leaf if isinstance(error, BlobCorrupt) else None
                self.finding = Finding(str(error), None, leaf=leaf)
                return
            except MerkleError as error:
                self.finding = Finding(f"leaves beside blob {blob.name}: {error}", None)
                return
            yield blob

    def _check(self, logged: Logged) -> Checked | None:
        self._check_place(logged)
        match logged.event:
            case Created(spec, parameters):
                self._ledger.apply(logged)
                self._check_creation(spec, parameters, logged.at)
            case Committed() as event:
                self._ledger.apply(logged)
                self._check_kept(
                    self._naming.committed_blob(event), logged.at, event.round, event.seat
                )
            case Proposed() as event:
                self._check_proposal(event, logged.at)
                self._ledger.apply(logged)
            case Agreed() as event:
                return self._check_agreement(event, logged)
            case _:
                self._ledger.apply(logged)
        return None

    def _check_place(self, logged: Logged) -> None:
        what = find_misplacement(self._ledger, logged.event)
        if self._last is not None and logged.at <= self._last:
            what = "events are out of the chain's order"
        if what is not None:
            raise _Mismatch(Finding(what, logged.at.block, getattr(logged.event, "round", None)))
        self._last = logged.at

    def _check_creation(self, spec: bytes, parameters: Parameters, at: Position) -> None:
        try:
            layout = parse_spec(spec).layout
        except NodeError as error:
            raise _Mismatch(Finding(str(error), at.block)) from error
        if layout.coordinates != parameters.coordinates:
            what = f"spec: expected {parameters.coordinates} coordinates, got {layout.coordinates}"
            raise _Mismatch(Finding(what, at.block))
        if self._since is None:
            self._read(self._naming.model_blob(parameters.genesis), at, None, ())

    def _check_proposal(self, event: Proposed, at: Position) -> None:
        """Check what needs no blobs at once; note a result that does not recompute for later."""
        running = hash_row(self._ledger, event.parent, event.round)
        key = compute_result_key(
            event.round,
            event.parent,
            event.commitments,
            event.included,
            event.model_root,
            event.coefficients,
        )
        if running != event.commitments or key != event.key:
            what = "the proposal's key does not follow from the commitments on the chain"
            raise _Mismatch(Finding(what, at.block, event.round, (event.seat,)))
        self._check_kept(self._naming.model_blob(event.model_root), at, event.round, event.seat)
        if self._is_vouched_for() or not self._has_inputs(event):
            # Without its blobs nothing can be said of it; an agreed result must have them.
            return
        difference = self._compare(event, self._recompute(event, at), at)
        if difference is not None:
            self._wrong[event.key] = difference

    def _is_vouched_for(self) -> bool:
        """Whether what is agreed next lies at the checkpoint or below it."""
        return self._since is not None and self._ledger.head().height < self._since.height

    def _pass_over(self, event: Agreed, logged: Logged) -> None:
        """Take a result that the checkpoint vouches for."""
        assert self._since is not None, "somebody vouches for it"
        proposal = self._ledger.result(event.key)
        if event.height == self._since.height and event.key not in self._void:
            if event.key != self._since.key:
                what = f"expected the checkpoint {self._since}, got 0x{event.key.hex()}"
                raise _Mismatch(Finding(what, logged.at.block, event.round))
            self._read(self._naming.model_blob(proposal.model_root), logged.at, event.round, ())
        self._ledger.apply(logged)

    def _check_agreement(self, event: Agreed, logged: Logged) -> Checked | None:
        ledger, at = self._ledger, logged.at
        proposal = ledger.result(event.key)
        opening = ledger.openings[event.round]
        stake = ledger.stake_behind(event.key)
        voters = tuple(sorted(ledger.votes[event.key]))
        if 3 * stake < 2 * opening.power_wei:
            what = f"expected 2/3 of {opening.power_wei} wei behind the result, got {stake}"
            raise _Mismatch(Finding(what, at.block, event.round, voters))
        if proposal.parent != ledger.head().key or event.height != ledger.head().height + 1:
            what = "the agreed result does not build on the head"
            raise _Mismatch(Finding(what, at.block, event.round, voters))
        if self._is_vouched_for():
            self._pass_over(event, logged)
            return None
        try:
            self._check_result(proposal, at, voters)
        except _Mismatch as mismatch:
            if event.key not in self._void:
                raise
            self.overturned += (mismatch.finding,)
            ledger.apply(logged)
            return None
        ledger.apply(logged)
        return Checked(event.round, event.height, proposal.model_root, proposal.seats)

    def _check_result(self, proposal: Proposed, at: Position, voters: tuple[Seat, ...]) -> None:
        wrong = self._wrong.pop(proposal.key, None)
        if wrong is not None:
            block = self._ledger.results[proposal.key].at.block
            raise _Mismatch(Finding(wrong.what, block, proposal.round, voters, wrong.leaf))
        if not self._has_inputs(proposal):
            self._recompute(proposal, at)
        self._read(self._naming.model_blob(proposal.model_root), at, proposal.round, voters)

    def _recompute(self, event: Proposed, at: Position) -> Result | str:
        """Return the result that the rule gives for the proposal's inputs, or why it gives none."""
        ledger, parameters = self._ledger, self._parameters
        row = sorted(
            (
                logged
                for logged in ledger.rows.get((event.parent, event.round), ())
                if isinstance(logged.event, Committed) and logged.event.seat in event.seats
            ),
            key=lambda logged: logged.event.seat if isinstance(logged.event, Committed) else 0,
        )
        stakes = stakes_in_row(ledger, event.parent, event.round)
        updates, members, roots = [], [], [self._parent_root(event.parent)]
        for logged in row:
            commitment = logged.event
            assert isinstance(commitment, Committed)
            payload = self._read(
                self._naming.committed_blob(commitment),
                logged.at,
                commitment.round,
                (commitment.seat,),
            )
            updates.append(
                update_from_payload(payload, parameters.coordinates, parameters.update_bytes)
            )
            members.append(Member(commitment.seat, stakes[commitment.seat], commitment.samples))
            roots.append(commitment.root)
        head = self._read(self._naming.model_blob(roots[0]), at, event.round, ())
        opening = ledger.openings[event.round]
        try:
            return compute_result(
                rule_of(parameters),
                Roll(opening.power_wei, opening.active),
                members,
                model_from_payload(head, parameters.coordinates),
                updates,
                roots,
            )
        except NodeError as error:
            return str(error)

    def _compare(self, event: Proposed, result: Result | str, at: Position) -> Finding | None:
        """Return how a proposal differs from what was computed again; None: it does not."""
        seats = (event.seat,)
        if isinstance(result, str):
            return Finding(
                f"the rule refuses these updates: {result}", at.block, event.round, seats
            )
        if result.coefficients != event.coefficients:
            what = "attested coefficients are not those that the rule gives"
            return Finding(what, at.block, event.round, seats)
        if result.model_root == event.model_root:
            return None
        what = f"attested model 0x{event.model_root.hex()}, recomputed 0x{result.model_root.hex()}"
        leaf = None
        blob = self._naming.model_blob(event.model_root)
        if self._blobs.has(blob):
            claimed = self._blobs.get(blob)
            leaf = find_bad_leaf(claimed, MODEL_TAG, compute_leaves(result.payload, MODEL_TAG))
        return Finding(what, at.block, event.round, seats, leaf)

    def _read(
        self, blob: Blob, at: Position, round_id: RoundId | None, seats: tuple[Seat, ...]
    ) -> bytes:
        try:
            return self._blobs.get(blob)
        except BlobError as error:
            leaf = error.leaf if isinstance(error, BlobCorrupt) else None
            raise _Mismatch(Finding(str(error), at.block, round_id, seats, leaf)) from error

    def _check_kept(self, blob: Blob, at: Position, round_id: RoundId, seat: Seat) -> None:
        """Check a blob that need not be there; one that is there must be sound."""
        if self._blobs.has(blob):
            self._read(blob, at, round_id, (seat,))

    def _has_inputs(self, event: Proposed) -> bool:
        row = self._ledger.commitments(event.parent, event.round)
        blobs = [self._naming.committed_blob(c) for c in row if c.seat in event.seats]
        blobs.append(self._naming.model_blob(self._parent_root(event.parent)))
        return all(self._blobs.has(blob) for blob in blobs)

    def _parent_root(self, parent: Key) -> Root:
        if parent == self._ledger.genesis:
            return self._parameters.genesis
        return self._ledger.result(parent).model_root

    @property
    def _naming(self) -> Naming:
        return Naming(self._chain_id, self._address, self._parameters)

    @property
    def _parameters(self) -> Parameters:
        assert self._ledger.parameters is not None, "the creation is a history's first event"
        return self._ledger.parameters


class _Mismatch(Exception):
    """Carries a finding up to `run`."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding
