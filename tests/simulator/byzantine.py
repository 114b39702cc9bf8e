"""Seats that do not play by the rules. Each runs a peer of its own, which follows the protocol
where its conduct does not get in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chain.types import Committed, Seat, bitmap_of
from node.blobs.store import Blob
from node.merkle import MODEL_TAG
from node.round import Phase

from .faults import Fault
from .transactions import read_call

if TYPE_CHECKING:
    from .participant import Participant

WHOLE = (2**16).to_bytes(4, "big") + (1).to_bytes(4, "big")
"""Coefficients of an update that is not clipped and weighs 1."""
VOTES = ("attest", "attest_and_commit", "propose")
COMMITMENTS = ("commit", "attest_and_commit")


class Conduct:
    """How a seat behaves beside what its peer does: here, in no way."""

    def serve(
        self, me: Participant, reader: Participant, blob: Blob, payload: bytes
    ) -> bytes | None:
        """Return what a reader gets instead of a blob."""
        return payload

    def lets_out(self, me: Participant, data: bytes) -> bool:
        """Whether a call of its own peer is sent at all."""
        return True

    def follow(self, me: Participant) -> None:
        """Do whatever else there is to do, after its peer has looked at the chain."""


HONEST = Conduct()


class Rogue(Conduct):
    """One of the Byzantine faults, for ever."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._done: set[int] = set()

    def serve(
        self, me: Participant, reader: Participant, blob: Blob, payload: bytes
    ) -> bytes | None:
        if not reader.is_honest or (blob.tag == MODEL_TAG and self.fault is not Fault.HIDE):
            return payload
        if self._serves(me, reader):
            return payload
        me.world.note(self.fault)
        return bytes(byte ^ 1 for byte in payload) if self._lies else None

    def lets_out(self, me: Participant, data: bytes) -> bool:
        kept = {Fault.SILENT: VOTES, Fault.COPIED_ROOT: COMMITMENTS}.get(self.fault, ())
        is_kept = read_call(data)[0] in kept
        if self.fault is Fault.LIE and read_call(data)[0] in VOTES:
            me.world.note(self.fault)
        if is_kept:
            me.world.note(self.fault)
        return not is_kept

    def follow(self, me: Participant) -> None:
        assert me.daemon is not None, "it has just looked at the chain"
        number = me.daemon.contract.observer.ledger.round.number
        phase = me.daemon.peer.phase()
        if number in self._done:
            return
        if self.fault is Fault.COPIED_ROOT and phase is Phase.COMMIT:
            self._copy_root(me, number)
        if phase is Phase.ATTEST and self.fault is Fault.WRONG_PROPOSAL:
            self._propose_wrongly(me, number)
        if phase is Phase.ATTEST and self.fault is Fault.SUBSET_PROPOSAL:
            self._propose_fewer(me, number)

    # Within -------------------------------------------------------------------------------

    @property
    def _lies(self) -> bool:
        return self.fault is Fault.DIFFERENT_BLOBS

    def _serves(self, me: Participant, reader: Participant) -> bool:
        match self.fault:
            case Fault.SELECTIVE:
                return reader is me.world.favourite()
            case Fault.DIFFERENT_BLOBS:
                return reader.index % 2 == 0
            case Fault.WITHHOLD | Fault.HIDE:
                return False
            case Fault.LATE_RELEASE:
                return self._is_late(me)
        return True

    def _is_late(self, me: Participant) -> bool:
        assert me.daemon is not None, "a process that is gone serves nothing"
        current = me.daemon.contract.observer.ledger.round
        third = me.world.plan.parameters.attest_seconds // 3
        # Now in the second third, now in the last.
        return me.clock() >= current.commit_ends_at + third * (1 + current.number % 2)

    def _copy_root(self, me: Participant, number: int) -> None:
        assert me.daemon is not None, "it has just looked at the chain"
        ledger, seat = me.daemon.contract.observer.ledger, me.daemon.peer.seat
        row = ledger.commitments(ledger.head().key, ledger.round.number)
        if row and seat not in {c.seat for c in row}:
            copied: Committed = row[0]
            me.world.desk.order(me, "commit", number, seat, copied.parent, copied.root, 10, 1)
            me.world.note(self.fault)
            self._done.add(number)

    def _propose_wrongly(self, me: Participant, number: int) -> None:
        """Put a model to the vote that nobody can arrive at."""
        assert me.daemon is not None, "it has just looked at the chain"
        ledger, seat = me.daemon.contract.observer.ledger, me.daemon.peer.seat
        seats = tuple(c.seat for c in ledger.commitments(ledger.head().key, ledger.round.number))
        made_up = me.world.rng.randbytes(32)
        if me.world.desk.propose(me, seat, bitmap_of(seats), made_up, WHOLE * len(seats)):
            me.world.note(self.fault)
            self._done.add(number)

    def _propose_fewer(self, me: Participant, number: int) -> None:
        """Put to the vote what does recompute, from all but one of the updates."""
        assert me.daemon is not None, "it has just looked at the chain"
        ledger, seat = me.daemon.contract.observer.ledger, me.daemon.peer.seat
        row = ledger.commitments(ledger.head().key, ledger.round.number)
        left_out: Seat = max(c.seat for c in row)
        members = tuple(sorted(c.seat for c in row if c.seat != left_out))
        found = me.world.witness.recompute(ledger, members)
        if found is not None:
            root, coefficients = found
            if me.world.desk.propose(me, seat, bitmap_of(members), root, coefficients):
                me.world.note(self.fault)
                self._done.add(number)
