"""The shell of a peer: observe, ask `next_action`, perform; the only module here that touches the
chain.

Every act is announced in the journal first, and every step may be killed at any line and run again.
"""

import logging
from dataclasses import dataclass, replace

from chain.keys import compute_result_key
from chain.retirement import call_to_retire, find_to_retire
from chain.sender import Sender
from chain.types import Clock, Key, Root, RoundId, Seat, bitmap_of
from node import action as acts
from node.action import Action, DisputeAction, Target, Wait
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.holdings import Exchange, Holdings
from node.blobs.store import Blob, Blobs
from node.contract import Contract
from node.docket import Party
from node.encoding import model_from_payload, update_from_payload
from node.errors import QuorumRefused
from node.guard import Guard, find_retry_seconds
from node.journal import Journal, Trained
from node.lineage import find_line
from node.outbox import Outbox
from node.presence import Presence
from node.result import Compute, Result, compute_result
from node.round import NOTHING_KNOWN, Memory, Phase, View, next_action
from node.rule.parameters import Member, Roll, Rule
from node.spec import rule_of
from node.training import Job, Trainer
from node.trainings import Trainings
from node.view import build_view, compute_row_hash, stakes_in_row

LOG = logging.getLogger("holdfast.peer")


@dataclass(frozen=True)
class _Seen:
    """A block's view, the running hash of its row, and the blobs that are wanted under it."""

    block: bytes
    view: View
    running: bytes
    model: Blob
    updates: dict[Seat, Blob]


class Peer:
    """One seat's node. `step` does one thing and says which; it never waits.

    `is_guarding`: it takes part in disputes, as every honest peer does.
    """

    def __init__(
        self,
        *,
        seat: Seat,
        contract: Contract,
        sender: Sender,
        blobs: Blobs,
        exchange: Exchange,
        journal: Journal,
        trainer: Trainer,
        clock: Clock,
        compute: Compute = compute_result,
        is_guarding: bool = True,
    ) -> None:
        self.seat = seat
        self._contract = contract
        self._naming = contract.naming
        retry_seconds = find_retry_seconds(contract.parameters)
        self._holdings = Holdings(blobs, exchange, retry_seconds=retry_seconds)
        self._journal = journal
        self._trainings = Trainings(trainer, seat, retry_seconds=contract.parameters.commit_seconds)
        self._clock = clock
        self._compute = compute
        self._rule: Rule = rule_of(contract.parameters)
        self._seen: _Seen | None = None
        self._outbox = Outbox(contract.observer, sender, journal, f"seat={seat}")
        self._guard: Guard | None = None
        if is_guarding:
            party = Party(sender.address, seat)
            self._guard = Guard(contract, self._outbox, self._holdings, journal, party)
        self._retired_in = -1
        self._presence = Presence(contract.parameters)
        self.takes_part = True
        """Whether it does what rounds ask for; disputes go on without that."""
        self.last_round: RoundId | None = None
        """It has no part in any after that; disputes go on. None: in all."""
        self._results: dict[tuple[bytes, frozenset[Seat]], tuple[Key, Result] | None] = {}
        self._models: dict[Key, Root] = {}

    @property
    def is_sending(self) -> bool:
        """Whether a transaction of this peer is on its way."""
        return self._outbox.is_sending

    @property
    def is_disputing(self) -> bool:
        """Whether a dispute waits for this peer, or a result that stands is in doubt for it."""
        return self._observe().docket.is_pressing

    def phase(self) -> Phase:
        """Return the phase of the federation as this peer sees it now."""
        return self._observe().phase(self._now())

    def act(self) -> int | None:
        """Do all that can be done now; return when to look again (unix seconds), None: at news."""
        while not isinstance(action := self.step(), Wait):
            pass
        return action.until

    def step(self) -> Action:
        """Do the next thing and return what it was."""
        self._outbox.settle()
        self._collect_training()
        self._collect_blobs()
        now = self._now()
        self._presence.note_look(now)
        view = self._observe()
        action = next_action(view, self._recall(view), now)
        if isinstance(action, Wait):
            again_at = self._trainings.again_at(self._clock())
            times = [action.until, again_at and again_at + now - self._clock()]
            return Wait(min((time for time in times if time is not None), default=None))
        LOG.debug("seat=%d round=%d act=%s", self.seat, view.round, type(action).__name__)
        self._perform(action, view)
        return action

    def _now(self) -> int:
        block = self._contract.observer.block
        return max(self._clock(), block.timestamp if block else 0)

    def _observe(self) -> View:
        """Return the chain as of the block that was read last; a pass of many steps looks once."""
        block = self._contract.observer.block
        if self._seen is None or block is None or self._seen.block != block.hash:
            ledger = self._contract.observer.ledger
            view = self._note_retirement(self._leave_out(build_view(ledger, self.seat)))
            model = self._naming.model_blob(view.head.model_root)
            updates = {c.seat: self._naming.committed_blob(c) for c in view.row}
            running = compute_row_hash(ledger, view)
            view, disputed = self._look_out(view)
            self._seen = _Seen(block.hash if block else b"", view, running, model, updates)
            self._holdings.forget({model, *updates.values(), *disputed}.__contains__)
        return self._seen.view

    def _look_out(self, view: View) -> tuple[View, frozenset[Blob]]:
        """Add what is open to dispute; return the view, and the blobs that matter to that."""
        block = self._contract.observer.block
        if self._guard is None or block is None:
            return view, frozenset()
        docket = self._guard.observe(block, self._now())
        return replace(view, docket=docket), self._guard.wanted(docket)

    def _leave_out(self, view: View) -> View:
        """Let the seat not count in rounds that it is to have no part in."""
        last = self.last_round
        if last is None:
            return view
        return replace(view, counted=frozenset(n for n in view.counted if n <= last))

    def _has_ended(self, view: View) -> bool:
        return self.last_round is not None and view.round >= self.last_round

    def _note_retirement(self, view: View) -> View:
        """Add whom to retire: the first in turn asks once a round, so that not all of them do."""
        self._presence.note_view(view)
        block = self._contract.observer.block
        if view.turns[:1] != (self.seat,) or block is None or self._retired_in == view.round:
            return view
        ledger = self._contract.observer.ledger
        return replace(view, to_retire=find_to_retire(ledger, block.timestamp))

    def _recall(self, view: View) -> Memory:
        seen, holdings = self._fresh(view), self._holdings
        # Others are asked again by this machine's clock: a chain's may be ahead and stand still.
        ahead = self._now() - self._clock()
        running, model, updates = seen.running, seen.model, seen.updates
        self._results = {name: found for name, found in self._results.items() if name[0] == running}
        results = {
            included: None if found is None else found[0]
            for (_, included), found in self._results.items()
        }
        known = None
        if self._guard is not None:
            known = self._guard.recall(view.docket, self._now(), ahead=ahead)
        keys = {view.head.key, *(key for key in results.values() if key is not None)}
        targets = {(k, RoundId(n)) for k in keys for n in (view.round, view.round + 1)}
        return Memory(
            has_model=holdings.has(model),
            model_retry_at=holdings.retry_at(model) + ahead,
            held=frozenset(seat for seat, blob in updates.items() if holdings.has(blob)),
            retry_at={seat: holdings.retry_at(blob) + ahead for seat, blob in updates.items()},
            is_pulling=holdings.is_coming(model),
            fetching=frozenset(seat for seat, blob in updates.items() if holdings.is_coming(blob)),
            trained=frozenset(t for t in targets if self._journal.find_trained(*t)),
            training=self._trainings.waiting(self._clock()),
            results=results,
            recomputed=frozenset(k for k in keys if self._journal.has_recomputed(k)),
            is_sending=self._outbox.must_wait,
            wants_back=self._presence.wants_back and not self._has_ended(view),
            disputes=known or NOTHING_KNOWN,
            takes_part=self.takes_part,
        )

    def _perform(self, action: Action, view: View) -> None:
        if isinstance(action, DisputeAction):
            assert self._guard is not None, "nothing is open to who takes no part"
            self._guard.perform(action, self._now())
            if not isinstance(action, acts.Gather):
                # What was found out changes what is in doubt.
                self._seen = None
            return
        match action:
            case acts.Pull():
                voters = tuple(self._contract.observer.ledger.votes.get(view.head.key, {}))
                self._holdings.fetch(self._naming.model_blob(view.head.model_root), voters)
            case acts.Fetch(seats):
                for commitment in view.row:
                    if commitment.seat in seats:
                        blob = self._naming.committed_blob(commitment)
                        self._holdings.fetch(blob, (commitment.seat,))
            case acts.Train(target):
                self._train(target, view)
            case acts.Compute(included):
                self._recompute(view, included)
            case acts.Commit((key, round_id)):
                trained = self._trained((key, round_id))
                claim = (trained.root, trained.samples, trained.steps)
                self._send("commit", round_id, trained.root, (round_id, self.seat, key, *claim))
            case acts.Propose(included):
                self._propose(view, included)
            case acts.Attest(key):
                self._check_recomputed(key)
                self._send("attest", view.round, key, (self.seat, key))
            case acts.AttestAndCommit(key, round_id):
                self._check_recomputed(key)
                trained = self._trained((key, round_id))
                claim = (trained.root, trained.samples, trained.steps)
                self._send("attest_and_commit", round_id, key, (self.seat, key, round_id, *claim))
            case acts.Retire(seat):
                self._retire(seat, view)
            case acts.Activate():
                self._send("activate", view.round, b"", (self.seat,))

    def _retire(self, seat: Seat, view: View) -> None:
        self._retired_in = view.round
        # What was seen before knows of the seat that is to be retired.
        self._seen = None
        federation, ledger = self._contract.federation, self._contract.observer.ledger
        self._outbox.submit(call_to_retire(federation, ledger, seat), view.round, bytes([seat]))

    def _collect_blobs(self) -> None:
        for blob, error in self._holdings.settle(self._clock()):
            LOG.info("seat=%d act=fetch blob=%s error=%r", self.seat, blob.name, str(error))

    def _train(self, target: Target, view: View) -> None:
        key, round_id = target
        root = view.head.model_root if key == view.head.key else self._models[key]
        try:
            payload = self._holdings.get(self._naming.model_blob(root))
        except (BlobMissing, BlobCorrupt) as error:
            # The head's model is pulled again; a result of one's own is computed again.
            self._results.clear()
            LOG.warning("seat=%d act=train error=%r", self.seat, str(error))
            return
        head = model_from_payload(payload, self._contract.parameters.coordinates)
        line = find_line(self._contract.observer.ledger, key, self._journal.has_trained_on)
        job = Job(round_id, head, self._naming.update_tag(round_id, self.seat), line)
        self._trainings.start(target, job)

    def _collect_training(self) -> None:
        current = self._contract.observer.ledger.round
        open_round = current.number if self._now() < current.commit_ends_at else None
        for (key, round_id), fit in self._trainings.collect(self._clock(), open_round):
            blob = self._naming.update_blob(round_id, self.seat, fit.root)
            self._holdings.keep(blob, fit.payload)
            # Blob first: a chosen update is one that can be served.
            self._journal.record_trained(key, round_id, Trained(fit.root, fit.samples, fit.steps))
            self._trainings.end((key, round_id))

    def _recompute(self, view: View, included: frozenset[Seat]) -> None:
        """Note what follows from the round's updates of `included`: a result, or None where the
        rule must not be applied."""
        name = (self._fresh(view).running, included)
        try:
            result = self._apply_rule(view, included)
        except QuorumRefused as error:
            LOG.info("seat=%d round=%d act=compute error=%r", self.seat, view.round, str(error))
            self._results[name] = None
            return
        except (BlobMissing, BlobCorrupt) as error:
            # Noted as not held by now, so it is fetched again before the next try.
            LOG.warning("seat=%d round=%d act=compute error=%r", self.seat, view.round, str(error))
            return
        key = compute_result_key(
            view.round,
            view.head.key,
            name[0],
            bitmap_of(tuple(included)),
            result.model_root,
            result.coefficients,
        )
        self._holdings.keep(self._naming.model_blob(result.model_root), result.payload)
        self._journal.record_recomputed(key, view.round, result.model_root)
        self._models[key] = result.model_root
        self._results[name] = key, result

    def _apply_rule(self, view: View, included: frozenset[Seat]) -> Result:
        """Return the result of these updates. Raises QuorumRefused, BlobMissing or BlobCorrupt."""
        if len(included) < view.min_updates:
            raise QuorumRefused("rule: included updates", view.min_updates, len(included))
        parameters, ledger = self._contract.parameters, self._contract.observer.ledger
        row = sorted((c for c in view.row if c.seat in included), key=lambda c: c.seat)
        opening = ledger.openings[view.round]
        stakes = stakes_in_row(ledger, view.head.key, view.round)
        updates = [
            update_from_payload(
                self._holdings.get(self._naming.committed_blob(c)),
                parameters.coordinates,
                parameters.update_bytes,
            )
            for c in row
        ]
        head = self._holdings.get(self._naming.model_blob(view.head.model_root))
        return self._compute(
            self._rule,
            Roll(opening.power_wei, opening.active),
            [Member(c.seat, stakes[c.seat], c.samples) for c in row],
            model_from_payload(head, parameters.coordinates),
            updates,
            [view.head.model_root, *(c.root for c in row)],
        )

    def _propose(self, view: View, included: frozenset[Seat]) -> None:
        running = self._fresh(view).running
        found = self._results[running, included]
        assert found is not None, "only what was computed is proposed"
        key, result = found
        head_key, seats = view.head.key, bitmap_of(tuple(included))
        self._send(
            "propose",
            view.round,
            key,
            (
                view.round,
                self.seat,
                head_key,
                running,
                seats,
                result.model_root,
                result.coefficients,
            ),
        )

    def _send(
        self, function: str, round_id: RoundId, subject: bytes, arguments: tuple[object, ...]
    ) -> None:
        self._outbox.submit(self._contract.federation.call(function, *arguments), round_id, subject)

    def _trained(self, target: Target) -> Trained:
        trained = self._journal.find_trained(*target)
        assert trained is not None, "only what was learned is committed"
        return trained

    def _check_recomputed(self, key: Key) -> None:
        assert self._journal.has_recomputed(key), "only what was recomputed is approved"

    def _fresh(self, view: View) -> _Seen:
        """Return what belongs to the view of this very block."""
        assert self._seen is not None, "a view was made before"
        assert self._seen.view is view, "a view is used while it is fresh"
        return self._seen
