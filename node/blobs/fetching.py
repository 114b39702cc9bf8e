"""Blobs from other peers, in the background: `start` what is wanted, and ask for the `outcome`."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from chain.types import Seat
from node.blobs.access import Passport
from node.blobs.background import Background
from node.blobs.disk import DiskBlobs
from node.blobs.download import Download
from node.blobs.errors import BlobCorrupt, BlobMissing, StoreFailed
from node.blobs.limits import FetchingLimits
from node.blobs.part import Part
from node.blobs.sources import Source, Sources, build_trust
from node.blobs.standing import Standings
from node.blobs.store import Blob
from node.blobs.tally import Tally

LOG = logging.getLogger("holdfast.blobs")
SEATS = 128
T = TypeVar("T")

EndpointOf = Callable[[Seat], str | None]
"""Return the URL that a seat registered; None: no such seat, or none. Called by `start` only."""


@dataclass(frozen=True)
class Fetched:
    """A blob is complete and sound in the store; how many chunks each seat gave."""

    blob: Blob
    given: tuple[tuple[Seat, int], ...]


Outcome = Fetched | BlobMissing | BlobCorrupt | StoreFailed


class Fetcher:
    """Fetches blobs into a store, in a thread of its own; a context manager.

    `passport` signs requests; without one they are not signed, and it is nobody's endpoint that is
    left out. `notify` is called in that thread each time that there is an outcome. Leaving the
    context ends what is under way; what has come of it lies in the store's folder, and is not
    fetched again. Raises TrustRefused.
    """

    def __init__(
        self,
        store: DiskBlobs,
        *,
        endpoint_of: EndpointOf,
        passport: Passport | None = None,
        limits: FetchingLimits | None = None,
        ca_file: Path | None = None,
        notify: Callable[[], None] = lambda: None,
        tally: Tally | None = None,
    ) -> None:
        self._store = store
        self._endpoint_of = endpoint_of
        self._own = None if passport is None else passport.reader
        self._limits = limits or FetchingLimits()
        self._notify = notify
        self._tally = tally or Tally()
        self._sources = Sources(build_trust(ca_file), passport, self._limits, self._tally)
        self._standings = Standings(self._limits, self._tally)
        self._background = Background("blob-fetcher")
        self._lock = threading.Lock()
        self._outcomes: dict[Blob, Outcome | BaseException] = {}
        self._downloads: dict[Blob, Download] = {}
        self._tasks: set[asyncio.Task[Fetched]] = set()

    def __enter__(self) -> Self:
        self._background.__enter__()
        self._background.run(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._background.run(self._close())
        self._background.__exit__(kind, error, trace)

    def start(self, blob: Blob, sources: Sequence[Seat]) -> None:
        """Begin to fetch a blob from `sources`, and from anybody else if need be; of one that is
        under way, take note of the sources."""
        named = self._find(sources)
        others = self._find([Seat(seat) for seat in range(SEATS) if seat not in sources])
        self._background.loop.call_soon_threadsafe(self._start, blob, named, others)

    def outcome(self, blob: Blob) -> Outcome | None:
        """Return, once, what became of a blob; None while it is under way, or was never asked for.

        Raises whatever nobody foresaw.
        """
        with self._lock:
            found = self._outcomes.pop(blob, None)
        if found is None or isinstance(found, Outcome):
            return found
        raise found

    def _find(self, seats: Sequence[Seat]) -> list[Source]:
        pairs = [(seat, self._endpoint_of(seat)) for seat in seats if seat != self._own]
        return [Source(seat, url) for seat, url in pairs if url]

    async def _open(self) -> None:
        self._turns = asyncio.Semaphore(self._limits.blobs)
        await self._sources.__aenter__()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sources.__aexit__()

    def _start(self, blob: Blob, named: list[Source], others: list[Source]) -> None:
        download = self._downloads.get(blob)
        if download is not None:
            download.add(named, others)
            return
        with self._lock:
            self._outcomes.pop(blob, None)
        download = Download(blob, self._sources.ask, self._standings, self._limits)
        download.add(named, others)
        self._downloads[blob] = download
        task = asyncio.create_task(self._fetch(blob, download))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._note(blob, done))

    async def _fetch(self, blob: Blob, download: Download) -> Fetched:
        async with self._turns:
            if not await _finish(asyncio.to_thread(self._store.has_sound, blob)):
                await self._fill(blob, download)
        return Fetched(blob, tuple(sorted(download.given.items())))

    def _note(self, blob: Blob, task: "asyncio.Task[Fetched]") -> None:
        self._tasks.discard(task)
        del self._downloads[blob]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._tally.fetched += 1
            given = ",".join(f"{seat}:{count}" for seat, count in task.result().given)
            LOG.info("act=fetched blob=%s given=%s", blob.name, given or "none")
        else:
            self._tally.missed += 1
            LOG.info("act=fetch blob=%s error=%r", blob.name, str(error))
        with self._lock:
            self._outcomes[blob] = error or task.result()
        self._notify()

    async def _fill(self, blob: Blob, download: Download) -> None:
        with ExitStack() as opened:
            part = Part(self._store, blob)
            await _finish(asyncio.to_thread(opened.enter_context, part))
            await download.run(part)
            await _finish(asyncio.to_thread(part.finish))
        for seat in download.sound:
            self._standings.forgive(seat)


async def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work in a thread to its end, even when cancelled: it uses files that are ours."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
