"""Whether a retired seat is to come back by itself: after an absence that is over, yes; where its
peer was there all the time, what is wrong with it is for somebody to look at."""

import logging

from chain.types import Parameters
from node.round import View

LOG = logging.getLogger("holdfast.peer")


class Presence:
    """Of one life of a peer. Times are unix seconds."""

    def __init__(self, parameters: Parameters) -> None:
        self._longest = (
            parameters.commit_seconds + parameters.attest_seconds + parameters.retire_seconds
        )
        self._looked_at = 0
        self._was_retired = False
        self.wants_back = True

    def note_look(self, now: int) -> None:
        """Note when the peer looks. It may have been retired since it last did, its machine being
        asleep or its chain out of reach."""
        if now - self._looked_at > self._longest:
            self.wants_back = True
        self._looked_at = now

    def note_view(self, view: View) -> None:
        """Note what it sees."""
        if view.approved and not view.is_retired:
            # It does its part in this life: to retire it now would have another reason.
            self.wants_back = False
        if view.is_retired and not self._was_retired and not self.wants_back:
            LOG.warning("seat=%d act=retired remedy='peer doctor, then peer activate'", view.seat)
        self._was_retired = view.is_retired
