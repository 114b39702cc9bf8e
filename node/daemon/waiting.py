"""Says for whom a round waits, where nothing has come for a while.

… seat=0 act=wait round=8 phase=commit for=1,2 until=2026-11-22T01:40:32Z
"""

import logging

from chain.types import Clock, RoundId, Seat
from node.contract import Contract
from node.peer import Peer
from node.round import Phase
from node.timestamp import write_time
from node.view import find_deadline, find_missing

LOG = logging.getLogger("holdfast.rounds")
PATIENCE_SECONDS = 10
"""So long nothing may come of anybody before it is said for whom a round waits."""
AGAIN_SECONDS = 300
"""Between two lines of the same phase."""


class Waiting:
    """Looks on as a peer takes part, and tells of each phase that stands still. Patience is by
    `clock`, this machine's."""

    def __init__(self, peer: Peer, contract: Contract, clock: Clock) -> None:
        self._peer = peer
        self._contract = contract
        self._clock = clock
        self._seen: tuple[RoundId, Phase, tuple[Seat, ...]] | None = None
        self._since = 0
        self._told: tuple[RoundId, Phase] | None = None
        self._told_at = 0

    def look(self) -> None:
        """Tell of it when its time has come. It never waits."""
        ledger, phase = self._contract.observer.ledger, self._peer.phase()
        is_open = phase in (Phase.COMMIT, Phase.ATTEST)
        number = ledger.round.number if is_open else RoundId(ledger.round.number + 1)
        seen, now = (number, phase, find_missing(ledger, phase)), self._clock()
        if seen != self._seen:
            self._seen, self._since = seen, now
        last = self._peer.last_round
        if now - self._since < PATIENCE_SECONDS or (last is not None and number > last):
            return
        if self._told == (number, phase) and now - self._told_at < AGAIN_SECONDS:
            return
        said = self._describe(phase, seen[-1])
        if said:
            self._told, self._told_at = (number, phase), now
            name = f"seat={self._peer.seat} act=wait round={number} phase={phase.value}"
            LOG.info("%s %s", name, said)

    def _describe(self, phase: Phase, missing: tuple[Seat, ...]) -> str:
        """Return for whom and until when; nothing where everybody has done their part."""
        ledger, parameters = self._contract.observer.ledger, self._contract.parameters
        if phase is Phase.IDLE:
            following = RoundId(ledger.round.number + 1)
            return f"seats={len(ledger.active(following))} needed={parameters.min_updates}"
        if not missing:
            return ""
        until = find_deadline(ledger, phase)
        deadline = "" if until is None else f" until={write_time(until)}"
        return f"for={','.join(map(str, missing))}{deadline}"
