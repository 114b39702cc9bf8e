"""A peer without a seat: it takes nobody's word for an agreed result, and has none in the rounds.

It examines what is agreed, refutes, challenges, answers and closes, and collects what that earns.
It needs ether for gas and deposits, and endpoints that serve it: in a federation that is not public
nobody does.
"""

import logging

from chain.sender import Sender
from chain.types import Clock
from node.action import DisputeAction, Gather, Wait
from node.blobs.holdings import Exchange, Holdings
from node.blobs.store import Blobs
from node.contract import Contract
from node.dispute import next_watch
from node.docket import Docket, Party
from node.guard import Guard, find_retry_seconds
from node.journal import Journal
from node.outbox import Outbox
from node.round import Phase
from node.view import find_phase

LOG = logging.getLogger("holdfast.peer")


class Watchtower:
    """One account's watch over a federation. `step` does one thing and says which; it never
    waits."""

    seat = None

    def __init__(
        self,
        *,
        contract: Contract,
        sender: Sender,
        blobs: Blobs,
        exchange: Exchange,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._observer = contract.observer
        retry_seconds = find_retry_seconds(contract.parameters)
        self._holdings = Holdings(blobs, exchange, retry_seconds=retry_seconds)
        self._outbox = Outbox(contract.observer, sender, journal, "seat=none")
        party = Party(sender.address, None)
        self._guard = Guard(contract, self._outbox, self._holdings, journal, party)
        self._clock = clock
        self._seen: tuple[bytes, Docket] | None = None

    @property
    def is_sending(self) -> bool:
        """Whether a transaction of this watchtower is on its way."""
        return self._outbox.is_sending

    @property
    def is_disputing(self) -> bool:
        """Whether a dispute waits for it, or a result that stands is in doubt for it."""
        return self._observe(self._now()).is_pressing

    def phase(self) -> Phase:
        """Return the phase of the federation as of the block that was read last."""
        return find_phase(self._observer.ledger, self._now())

    def act(self) -> int | None:
        """Do all that can be done now; return when to look again (unix seconds), None: at news."""
        while not isinstance(action := self.step(), Wait):
            pass
        return action.until

    def step(self) -> DisputeAction | Wait:
        """Do the next thing and return what it was."""
        self._outbox.settle()
        for blob, error in self._holdings.settle(self._clock()):
            LOG.info("seat=none act=fetch blob=%s error=%r", blob.name, str(error))
        if self._outbox.must_wait:
            return Wait(None)
        now = self._now()
        docket = self._observe(now)
        known = self._guard.recall(docket, now, ahead=now - self._clock())
        action = next_watch(docket, known, now)
        if not isinstance(action, Wait):
            LOG.debug("seat=none act=%s", type(action).__name__)
            self._guard.perform(action, now)
            if not isinstance(action, Gather):
                # What was found out changes what is in doubt.
                self._seen = None
        return action

    def _observe(self, now: int) -> Docket:
        """Return what is open as of the block that was read last."""
        block = self._observer.block
        if block is None:
            return Docket()
        if self._seen is None or self._seen[0] != block.hash:
            docket = self._guard.observe(block, now)
            self._holdings.forget(self._guard.wanted(docket).__contains__)
            self._seen = block.hash, docket
        return self._seen[1]

    def _now(self) -> int:
        block = self._observer.block
        return max(self._clock(), block.timestamp if block else 0)
