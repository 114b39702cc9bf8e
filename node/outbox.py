"""What one account sends: one transaction at a time, each in the journal before it is on its way.

So a process that is killed anywhere knows of what it may have sent, and sends nothing twice: what
is on its way is looked after until the chain tells what became of it; only then is decided anew.
"""

import logging

from chain.errors import (
    AlreadyDone,
    NotOwner,
    Overtaken,
    Refused,
    Replaced,
    Reverted,
    Stranded,
)
from chain.federation import Call
from chain.observer import Observer
from chain.pending import Pending, decode_pending
from chain.sender import Sender
from chain.types import RoundId
from node.journal import Journal

LOG = logging.getLogger("holdfast.peer")

NOT_NOW = (
    "retire",
    "retire_withholder",
    "activate",
    "refute",
    "challenge",
    "answer",
    "close",
    "collect",
)
"""Acts that any block may bring forward or put off, so that a refusal is no fault."""


class Outbox:
    """Sends for one account. `name` is who that is, in the log."""

    def __init__(self, observer: Observer, sender: Sender, journal: Journal, name: str) -> None:
        self._observer = observer
        self._sender = sender
        self._journal = journal
        self._name = name
        # What an earlier life sent last may be on its way still, or never have left.
        sent = journal.find_sending()
        self._pending: Pending | None = None if sent is None else decode_pending(sent)
        self._asked_at = -1
        self._refused_at = -1

    @property
    def is_sending(self) -> bool:
        """Whether a transaction is on its way."""
        return self._pending is not None

    @property
    def must_wait(self) -> bool:
        """Whether nothing can be sent before the next block."""
        return self.is_sending or self._refused_at == self._block_number()

    def submit(self, call: Call, round_id: RoundId, subject: bytes) -> bool:
        """Send, and return whether that was done: the chain may have moved on.

        Raises a Reverted for what is wrong at any time, and Refused.
        """
        self._journal.record_intention(call.function, round_id, subject)
        try:
            self._sender.submit(call, self._note)
            self._asked_at = self._block_number()
            LOG.info("%s round=%d act=%s", self._name, round_id, call.function)
        except Reverted as error:
            # Nothing was sent; look again when the chain has moved.
            self._pending = None
            if not _is_overtaken(call, error):
                raise
            self._refused_at = self._block_number()
            LOG.info("%s act=%s error=%r", self._name, call.function, str(error))
            return False
        except Refused:
            self._pending = None
            raise
        return True

    def settle(self) -> None:
        """Take note of what became of the transaction on its way, and help it on."""
        if self._pending is None or self._asked_at == self._block_number():
            return
        self._asked_at = self._block_number()
        try:
            receipt = self._sender.find(self._pending)
            if receipt is None:
                self._sender.renew(self._pending, self._note)
                return
            if receipt.block > self._asked_at:
                # Mined, but not yet in what this peer sees: to decide now would be to do it twice.
                return
        except (Reverted, Replaced, Stranded) as error:
            if isinstance(error, Reverted) and not _is_overtaken(self._pending.call, error):
                # Whoever starts this peer again has been told.
                self._journal.forget_sending()
                raise
            # What is to be done is decided anew: of what is done already, the chain tells.
            LOG.info("%s act=%s error=%r", self._name, self._pending.call.function, str(error))
        self._pending = None

    def _note(self, pending: Pending) -> None:
        """Take down what is about to be sent: from here on it may be on its way."""
        self._journal.record_sending(pending.encode())
        self._pending = pending

    def _block_number(self) -> int:
        return self._observer.block.number if self._observer.block else 0


def _is_overtaken(call: Call, error: Reverted) -> bool:
    """Whether a call was refused since the chain moved on, and not since it was wrong.

    Not even the seat need be there still, where a re-org that was not read yet took its joining
    back.
    """
    return isinstance(error, Overtaken | AlreadyDone | NotOwner) or call.function in NOT_NOW
