"""Blobs between simulated peers: asked for, answered late, damaged, twice or never."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chain.types import Seat
from node.blobs.errors import BlobCorrupt, BlobMissing, StoreFailed
from node.blobs.holdings import Outcome
from node.blobs.store import Blob, Blobs

from .faults import Fault

if TYPE_CHECKING:
    from .participant import Participant
    from .world import World

TIMEOUT_SECONDS = 3
"""After which a source that did not answer is given up."""

EMBARGO_SECONDS = 2
"""As `node.blobs.limits` has it."""


@dataclass
class _Fetch:
    """One blob on its way: whom to ask still, and who was asked."""

    blob: Blob
    to_ask: list[Seat]
    asked: set[Seat] = field(default_factory=set)


class SimulatedExchange:
    """A peer's `Exchange`: one source after the other, as fast as they answer."""

    def __init__(self, world: World, reader: Participant, store: Blobs) -> None:
        self._world = world
        self._reader = reader
        self._store = store
        self._fetches: dict[Blob, _Fetch] = {}
        self._outcomes: dict[Blob, Outcome | StoreFailed] = {}

    def start(self, blob: Blob, sources: Sequence[Seat]) -> None:
        others = [seat for seat in self._world.known_seats() if seat not in sources]
        self._world.rng.shuffle(others)
        running = self._fetches.get(blob)
        if running is not None:
            running.to_ask[:0] = [seat for seat in sources if seat not in running.asked]
            return
        self._fetches[blob] = fetch = _Fetch(blob, [*sources, *others])
        self._ask_next(fetch)

    def outcome(self, blob: Blob) -> Outcome | None:
        found = self._outcomes.pop(blob, None)
        if isinstance(found, StoreFailed):
            raise found
        return found

    # Within -------------------------------------------------------------------------------

    def _ask_next(self, fetch: _Fetch) -> None:
        while fetch.to_ask:
            seat = fetch.to_ask.pop(0)
            source = self._world.participant_of(seat)
            if seat in fetch.asked or source is None or source is self._reader:
                continue
            fetch.asked.add(seat)
            self._ask(fetch, source)
            return
        missing = BlobMissing(f"blob {fetch.blob.name}", "a seat that serves it", "none")
        self._schedule(0, lambda: self._end(fetch, Outcome(missing)))

    def _ask(self, fetch: _Fetch, source: Participant) -> None:
        world, reader = self._world, self._reader
        delay = world.rng.randrange(2)
        if world.is_cut(reader, source) or world.strikes(Fault.BLOB_DROP, reader, 0.5):
            self._schedule(TIMEOUT_SECONDS, lambda: self._ask_next(fetch))
            return
        if world.strikes(Fault.BLOB_DELAY, reader, 0.5):
            delay += world.rng.randrange(4, 30)
        self._schedule(delay, lambda: self._answer(fetch, source))

    def _answer(self, fetch: _Fetch, source: Participant, patience: int = EMBARGO_SECONDS) -> None:
        if patience and source.is_early(fetch.blob):
            # A server that has not heard yet that it may serve lets the reader wait for a little.
            self._schedule(1, lambda: self._answer(fetch, source, patience - 1))
            return
        payload = source.serve(self._reader, fetch.blob)
        if payload is None:
            self._ask_next(fetch)
            return
        if self._world.strikes(Fault.BLOB_CORRUPT, self._reader, 0.5):
            payload = bytes(byte ^ 0xFF for byte in payload)
        self._take(fetch, payload)
        if self._world.strikes(Fault.BLOB_DUPLICATE, self._reader, 0.5):
            self._schedule(1, lambda: self._take_again(fetch.blob, payload))

    def _take(self, fetch: _Fetch, payload: bytes) -> None:
        try:
            self._store.put(fetch.blob, payload)
        except BlobCorrupt:
            self._ask_next(fetch)
        except StoreFailed as error:
            self._end(fetch, error)
        else:
            self._end(fetch, Outcome())

    def _take_again(self, blob: Blob, payload: bytes) -> None:
        with suppress(BlobCorrupt, StoreFailed):
            self._store.put(blob, payload)

    def _end(self, fetch: _Fetch, outcome: Outcome | StoreFailed) -> None:
        self._fetches.pop(fetch.blob, None)
        self._outcomes[fetch.blob] = outcome
        # What comes in the same second is looked at together.
        self._reader.rouse(self._world.schedule.now + bool(self._fetches))

    def _schedule(self, seconds: int, action: Callable[[], None]) -> None:
        """Let something happen to this process, if it still lives then."""
        reader, life = self._reader, self._reader.life
        self._world.schedule.after(
            seconds, lambda: reader.suffer(action) if reader.life == life else None
        )
