"""Who watches: what must never happen, checked where it would, and what must hold in the end."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from chain.keys import compute_result_key
from chain.ledger import Ledger
from chain.pending import decode_pending
from chain.types import Agreed, Attested, Key, Opened, Root, RoundId, Seat, Slashed
from node.blobs.errors import BlobMissing
from node.blobs.naming import Naming
from node.blobs.store import Blob
from node.encoding import model_from_payload, to_payload, update_from_payload
from node.errors import PeerRefused, QuorumRefused
from node.merkle import MODEL_TAG, compute_root
from node.outbox import NOT_NOW
from node.rule.parameters import Member, Roll
from node.rule.readable import aggregate_readably
from node.spec import rule_of

from .node import CHAIN_ID
from .task import COORDINATES
from .transactions import Transaction

if TYPE_CHECKING:
    from .participant import Participant
    from .world import World


class Witness:
    """Sees every payload, every transaction and every stop of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parameters = world.plan.parameters
        self._naming = Naming(CHAIN_ID, world.address, self._parameters)
        self._rule = rule_of(self._parameters)
        self._payloads: dict[Blob, bytes] = {}
        self._said: dict[tuple[int, bytes, int], bytes] = {}
        self.approved: dict[bytes, set[int]] = defaultdict(set)

    def archive(self, blob: Blob, payload: bytes) -> None:
        """Remember a payload that somebody keeps."""
        self._payloads[blob] = payload

    def get(self, blob: Blob) -> bytes:
        """Return a payload that somebody kept once. Raises BlobMissing."""
        if blob not in self._payloads:
            raise BlobMissing(f"blob {blob.name}", "kept by anybody", "none")
        return self._payloads[blob]

    def has(self, blob: Blob) -> bool:
        return blob in self._payloads

    @property
    def naming(self) -> Naming:
        return self._naming

    # While it goes on ---------------------------------------------------------------------

    def note_sent(self, sender: Participant, transaction: Transaction) -> None:
        """Look at what a peer is about to send."""
        if not sender.is_honest or sender.is_suspect:
            return
        journal = sender.disk.journal
        kept = journal.find_sending()
        assert kept is not None, "sent before it was written down"
        pending = decode_pending(kept)
        assert pending.newest.raw == transaction.raw, "sent before it was written down"
        is_dearer = len(pending.versions) > 1
        self._world.counters["a transaction offered anew for more"] += is_dearer
        function, arguments = transaction.call
        if function in NOT_NOW:
            assert any(act == function for act, _, _ in journal.intentions()), "not announced"
            self._world.counters[f"a peer that called {function}"] += 1
            return
        round_id, subject = self._subject(function, arguments)
        assert (function, round_id, subject) in journal.intentions(), "done before it was announced"
        match function:
            case "commit":
                number, _, parent, root, *_ = arguments
                self._check_commitment(sender, parent, number, root)
            case "propose" | "attest":
                self._check_vote(sender, subject)
            case "attest_and_commit":
                _, key, number, root, *_ = arguments
                self._check_vote(sender, key)
                self._check_commitment(sender, key, number, root)

    def note_stop(self, stopped: Participant, refused: PeerRefused) -> None:
        """A peer has given up: only somebody else's use of its key is a reason."""
        self._world.trace(stopped, f"stopped: {refused}")
        assert stopped.is_suspect, f"an honest peer stopped: {refused}"
        self._world.counters["a peer that stopped at a foreign vote"] += 1

    def recompute(self, ledger: Ledger, seats: tuple[Seat, ...]) -> tuple[Root, bytes] | None:
        """Return model root and coefficients of a set of updates of the open round; None where
        there is no result of it."""
        head, number = ledger.head(), ledger.round.number
        row = {c.seat: c for c in ledger.commitments(head.key, number)}
        opening = ledger.openings[number]
        wanted = [self._naming.committed_blob(row[seat]) for seat in seats]
        model = self._payloads.get(self._naming.model_blob(head.model_root))
        if model is None or any(blob not in self._payloads for blob in wanted):
            return None
        size = self._parameters.update_bytes
        try:
            result = self._world.compute(
                self._rule,
                Roll(opening.power_wei, opening.active),
                [Member(s, ledger.stake_in(s, number), row[s].samples) for s in seats],
                model_from_payload(model, COORDINATES),
                [update_from_payload(self._payloads[b], COORDINATES, size) for b in wanted],
                [head.model_root, *(row[seat].root for seat in seats)],
            )
        except QuorumRefused:
            return None
        return result.model_root, result.coefficients

    # In the end ---------------------------------------------------------------------------

    def check_results(self) -> None:
        """Every key that an honest peer approved recomputes, by the rule that is for reading."""
        for key in self.approved:
            self._check_result(key)

    def check_history(self) -> None:
        """What the chain tells obeys the protocol."""
        chain = self._world.chain
        blocks = list(chain.head.branch())[::-1]
        logged = [each for block in blocks for each in block.events]
        agreed = [each.event for each in logged if isinstance(each.event, Agreed)]
        opened = [each.event for each in logged if isinstance(each.event, Opened)]
        numbers = [event.round for event in agreed]
        assert numbers == sorted(set(numbers)), "a round has one result at most"
        assert [event.round for event in opened] == list(range(1, len(opened) + 1))
        parent: bytes = self._world.genesis_key
        for event in agreed:
            proposed = chain.ballots[event.key][0]
            assert proposed.parent == parent, "a head is computed from the head before it"
            assert self.approved[event.key], "agreed without any honest approval"
            parent = event.key
        chain.load_head()
        assert chain.contract.wealth == self._world.wealth, "wei in is wei out"
        slashed = [each.event for each in logged if isinstance(each.event, Slashed)]
        assert not slashed, "somebody who approved what is right lost stake"
        self._check_foreign_votes([each.event for each in logged])

    def check_agreement(self, head: Key, model_root: Root) -> None:
        """All honest peers that live have the same head, and its model."""
        for each in self._world.honest():
            assert each.daemon is not None, f"{each.index} never came back"
            told = each.daemon.contract.observer.ledger.head()
            assert (told.key, told.model_root) == (head, model_root), f"{each.index}: another head"

    # Within -------------------------------------------------------------------------------

    def _subject(self, function: str, arguments: tuple[Any, ...]) -> tuple[int, bytes]:
        match function:
            case "commit":
                return arguments[0], arguments[3]
            case "attest_and_commit":
                return arguments[2], arguments[1]
            case "attest":
                ballot = self._world.chain.ballots[arguments[1]]
                return ballot[0].round, arguments[1]
        number, _, parent, running, included, root, coefficients = arguments
        key = compute_result_key(RoundId(number), parent, running, included, root, coefficients)
        return number, key

    def _check_commitment(
        self, sender: Participant, parent: bytes, number: int, root: bytes
    ) -> None:
        # Under the tag of whatever seat it had then: a re-org can give it another.
        is_kept = any(blob.root == root for blob in sender.disk.payloads)
        assert is_kept, "committed to what it could not serve"
        said = self._said.setdefault((sender.index, parent, number), root)
        assert said == root, f"{sender.index} commits twice to round {number}"

    def _check_vote(self, sender: Participant, key: bytes) -> None:
        is_known = sender.disk.journal.has_recomputed(Key(key))
        assert is_known, f"{sender.index} approves what it has not recomputed"
        self.approved[key].add(sender.index)

    def _check_result(self, key: bytes) -> None:
        if key not in self._world.chain.ballots:
            return  # A proposal that never was mined.
        proposed, row, power, active = self._world.chain.ballots[key]
        members = sorted(each for each in row if proposed.included >> each[0] & 1)
        size = self._parameters.update_bytes
        updates = []
        for seat, root, _, _ in members:
            blob = self._naming.update_blob(proposed.round, Seat(seat), Root(root))
            updates.append(update_from_payload(self._payloads[blob], COORDINATES, size).tolist())
        head = model_from_payload(self._payloads[self._parent_blob(proposed.parent)], COORDINATES)
        told = aggregate_readably(
            self._rule,
            Roll(power, active),
            [Member(Seat(seat), stake, weight) for seat, _, weight, stake in members],
            head.tolist(),
            updates,
        )
        coefficients = b"".join(
            clip.to_bytes(4, "big") + weight.to_bytes(4, "big")
            for clip, weight in told.coefficients
        )
        assert coefficients == proposed.coefficients, "approved with other coefficients"
        payload = to_payload(np.array(told.model, dtype=np.int32))
        root = compute_root(payload, MODEL_TAG)
        assert root == proposed.model_root, "approved with another model"

    def _parent_blob(self, parent: bytes) -> Blob:
        if parent == self._world.genesis_key:
            return self._naming.model_blob(self._parameters.genesis)
        return self._naming.model_blob(self._world.chain.ballots[parent][0].model_root)

    def _check_foreign_votes(self, told: list[object]) -> None:
        """Whoever's key was used by somebody else has noticed."""
        votes = {(event.key, event.seat) for event in told if isinstance(event, Attested)}
        for victim, seat, key in self._world.desk.stolen:
            assert (key, seat) not in votes or victim.is_stopped, "a foreign vote went unnoticed"
