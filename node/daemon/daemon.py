"""The loop of a peer or a watchtower as a program: look at the chain, let it act, wait for news.

It may be killed at any line.
"""

import logging
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait

from chain.errors import Gone, Refused, Unreachable
from chain.types import Attested, Clock, Joined, Logged, RoundId, Seat
from node.contract import Contract
from node.daemon.bell import Bell
from node.daemon.shelves import Shelves
from node.daemon.tallies import Tallies
from node.errors import KeyUsedElsewhere, PeerRefused
from node.journal import Journal
from node.peer import Peer
from node.round import Phase
from node.view import find_phase
from node.watchtower import Watchtower

LOG = logging.getLogger("holdfast.daemon")
POLL_SECONDS = 0.5
"""Between two looks at the chain; news of one's own learner and blobs are heard at once."""
LONGEST_PAUSE_SECONDS = 30.0
"""Between two tries at a node that does not answer."""
MODEL_SECONDS = 60
"""So long the model of the last round's head is waited for: whoever has it may have ended."""


class Daemon:
    """One peer or watchtower at work. `run` goes on until it is told to stop, or the last of the
    rounds that were asked for has ended."""

    def __init__(
        self,
        contract: Contract,
        peer: Peer | Watchtower,
        journal: Journal,
        shelves: Shelves,
        connections: Callable[[], list[object]],
        bell: Bell,
        tallies: Tallies,
        *,
        clock: Clock,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.contract = contract
        self.peer = peer
        self._journal = journal
        self._shelves = shelves
        self._connections = connections
        self._bell = bell
        self.tallies = tallies
        self.watch: Callable[[], None] = lambda: None
        """Called after each look at the chain, in the loop's thread; it may ask the node."""
        self.heed: Callable[[tuple[Logged, ...]], None] = lambda news: None
        """Called at each look at the chain with what is new there; it never waits."""
        self.note_wait: Callable[[], None] = lambda: None
        """Called when the peer has nothing more to do at a look; it never waits."""
        self.has_judged: Callable[[RoundId, bool], bool] = lambda last, is_patient: True
        """Whether the heads of the rounds up to this one were judged, or will not be; who is not
        patient gives up one whose model is not here."""
        self._last_round: RoundId | None = None
        self._over_since: int | None = None
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._pause_seconds = poll_seconds
        self._name = "seat=none" if peer.seat is None else f"seat={peer.seat}"
        self._owner: str | None = None
        if peer.seat is not None:
            self._owner = contract.observer.ledger.seats[peer.seat].owner
            for logged in _since_joining(contract.observer.history, peer.seat):
                self._check_own(logged, peer.seat)

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Follow the chain and act. Raises what another start would not cure: KeyUsedElsewhere,
        and StoreFailed, JournalFailed, Disagreement."""
        ledger = self.contract.observer.ledger
        height = len(ledger.agreed)
        last = "" if self._last_round is None else f" last_round={self._last_round}"
        number = ledger.round.number
        LOG.info("%s act=ready round=%d height=%d%s", self._name, number, height, last)
        while not should_stop() and not self._has_ended():
            self._wait(self._look())
        LOG.info("%s act=stop%s", self._name, last if self._has_ended() else "")

    def end_after(self, rounds: int) -> None:
        """Let `run` end after so many more rounds, agreed on or lapsed; one that is open now is the
        first of them. The peer has no part in any after them."""
        number = self.contract.observer.ledger.round.number
        first = number if self._is_open() else number + 1
        last = self._last_round = RoundId(first + rounds - 1)
        if isinstance(self.peer, Peer):
            earlier = self.peer.last_round
            self.peer.last_round = last if earlier is None else min(earlier, last)

    def _is_open(self) -> bool:
        """Whether a round is under way."""
        phase = find_phase(self.contract.observer.ledger, self._now())
        return phase in (Phase.COMMIT, Phase.ATTEST)

    def _has_ended(self) -> bool:
        """Whether the last round has, its head was judged, and nothing is on its way for it."""
        last = self._last_round
        if last is None or self.peer.is_sending:
            return False
        number = self.contract.observer.ledger.round.number
        if number < last or (number == last and self._is_open()):
            return False
        now = self._clock()
        self._over_since = now if self._over_since is None else self._over_since
        return self.has_judged(last, now - self._over_since < MODEL_SECONDS)

    def stop(self) -> None:
        """Wake the loop, so that it sees that it should stop. From any thread or signal."""
        self._bell.ring()

    def _look(self) -> int | None:
        """Look at the chain and act; return until when there is nothing to do."""
        try:
            news = self.contract.observer.poll()
            self._news(news)
            self.heed(news)
            until = self.peer.act()
            self.note_wait()
            self.watch()
        except (Unreachable, Gone, Refused) as error:
            self.tallies.chain_failures += 1
            LOG.warning("%s act=wait error=%r", self._name, str(error))
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
            return None
        self._pause_seconds = self._poll_seconds
        return until

    def _news(self, news: tuple[Logged, ...]) -> None:
        if self.peer.seat is not None:
            for logged in news:
                self._check_own(logged, self.peer.seat)
            self._check_seat(self.peer.seat)
        self.tallies.count(news, self.peer.seat)
        self._shelves.update(self.contract, news, self._now())

    def _check_own(self, logged: Logged, seat: Seat) -> None:
        """Stop where the chain has a vote of this seat that this folder knows nothing of."""
        event = logged.event
        if not isinstance(event, Attested) or event.seat != seat:
            return
        if not self._journal.has_recomputed(event.key):
            raise KeyUsedElsewhere(
                f"votes of seat {seat}",
                "only for what this folder's journal has as recomputed here",
                f"one for 0x{event.key.hex()}: another process uses this key, or the folder is an "
                "old copy",
            )

    def _check_seat(self, own: Seat) -> None:
        """Stop where this key's seat is another one by now, after a re-org in which others joined
        first, or somebody else's. The next start looks for it."""
        seats = self.contract.observer.ledger.seats
        owner = seats[own].owner if own in seats else None
        held = sorted(seat for seat, record in seats.items() if record.owner == self._owner)
        if owner != self._owner and (owner is not None or held):
            raise PeerRefused(
                f"seat {own}",
                f"still that of {self._owner}",
                f"that of {owner}, and {held} for this key; start again",
            )

    def _now(self) -> int:
        block = self.contract.observer.block
        return max(self._clock(), block.timestamp if block else 0)

    def _wait(self, until: int | None) -> None:
        seconds = self._pause_seconds
        if until is not None:
            seconds = min(seconds, max(until - self._now(), 0.01))
        wait([self._bell.connection, *self._connections()], seconds)  # type: ignore[list-item]
        self._bell.mute()


def _since_joining(history: Sequence[Logged], seat: Seat) -> Sequence[Logged]:
    """Return what came since a seat was taken last: a former owner's votes are no concern of the
    next one's."""
    taken = [
        number
        for number, logged in enumerate(history)
        if isinstance(logged.event, Joined) and logged.event.seat == seat
    ]
    return history[taken[-1] :] if taken else history
