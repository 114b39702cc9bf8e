"""One blob from many sources: each chunk from whoever is free, so the fast give most.

Those who were named come first; others are asked when nobody of these is left, or when nothing has
come for a while. A source leaves at its first bad chunk, or when it cannot or will not serve; what
it was asked for goes back to the others.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable

from chain.types import Seat
from node.blobs.chunks import Cut
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.limits import FetchingLimits
from node.blobs.part import Part
from node.blobs.sources import Later, Source, SourceFailed
from node.blobs.standing import Kind, Standings
from node.blobs.store import Blob

LOG = logging.getLogger("holdfast.blobs")
REASONS_TOLD = 8
URL_CHARACTERS = 200

Ask = Callable[[Source, Blob, int], Awaitable[tuple[memoryview, memoryview]]]
"""Return payload and path of a chunk. Raises SourceFailed and Later."""


class Download:
    """Fetches what is missing of a blob; in one event loop."""

    def __init__(self, blob: Blob, ask: Ask, standings: Standings, limits: FetchingLimits) -> None:
        self._blob = blob
        self._ask = ask
        self._standings = standings
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._named: deque[Source] = deque()
        self._others: deque[Source] = deque()
        self._promised: set[Source] = set()
        self._tried: set[Source] = set()
        self._active: dict[Source, asyncio.Task[None]] = {}
        self._free: deque[int] = deque()
        self._asked: dict[int, dict[Source, float]] = {}
        self._reasons: dict[Seat, str] = {}
        self._is_corrupt = False
        self._moved_at = self._loop.time()
        self._news = self._loop.create_future()
        self.given: Counter[Seat] = Counter()

    def add(self, named: Iterable[Source], others: Iterable[Source]) -> None:
        """Take in more sources; who was asked before, and has left since, stays away."""
        now = self._loop.time()
        named = list(named)
        self._promised.update(named)
        waiting = [*self._named, *named, *self._others, *others]
        self._named.clear()
        self._others.clear()
        for source in dict.fromkeys(waiting):
            if source in self._tried:
                continue
            if self._standings.is_barred(source.seat, self._blob, now):
                self._reasons[source.seat] = "a bad chunk, not long ago"
            elif source in self._promised and not self._standings.is_last(source.seat, now):
                self._named.append(source)
            else:
                self._others.append(source)
        # Whoever failed lately comes after all others, named or not.
        last = sorted(self._others, key=lambda each: self._standings.is_last(each.seat, now))
        self._others = deque(last)
        self._tell()

    async def run(self, part: Part) -> None:
        """Fill the part. Raises BlobMissing, BlobCorrupt (who has it serves another) and
        StoreFailed."""
        self._part = part
        self._moved_at = self._loop.time()
        self._free.extend(sorted(part.missing))
        try:
            while part.missing:
                self._start_sources()
                if not self._active:
                    raise self._give_up()
                await self._hear()
                self._end_sources()
            self._drop_the_slow()
        finally:
            for task in self._active.values():
                task.cancel()
            await asyncio.gather(*self._active.values(), return_exceptions=True)

    @property
    def sound(self) -> list[Seat]:
        """Who gave something, and failed in nothing."""
        return [seat for seat in self.given if seat not in self._reasons]

    def _start_sources(self) -> None:
        is_stalled = self._loop.time() - self._moved_at >= self._limits.patience_seconds
        most = self._limits.sources + is_stalled
        while len(self._active) < most:
            if self._named:
                source = self._named.popleft()
            elif self._others and (is_stalled or not self._active):
                source = self._others.popleft()
            else:
                return
            self._tried.add(source)
            task = self._loop.create_task(self._drain(source))
            task.add_done_callback(lambda _: self._tell())
            self._active[source] = task

    def _end_sources(self) -> None:
        for source, task in list(self._active.items()):
            if task.done():
                del self._active[source]
                task.result()  # a full disk, or a fault of ours: not the source's

    async def _drain(self, source: Source) -> None:
        """Take chunks from a source until none is missing, or it fails."""
        lanes: list[asyncio.Task[None]] = []
        try:
            # Alone at first: a second lane would only hear the same refusal.
            await self._take(source, most=1)
            lanes += [self._loop.create_task(self._take(source)) for _ in range(self._limits.lanes)]
            await asyncio.gather(*lanes)
        except SourceFailed as error:
            self._drop(source, error)
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def _take(self, source: Source, most: int | None = None) -> None:
        later = taken = 0
        while self._part.missing and taken != most:
            index = self._choose(source)
            if index is None:
                await self._hear()
                continue
            try:
                await self._get(source, index)
                later, taken = 0, taken + 1
            except Later as error:
                later += 1
                if later > self._limits.again:
                    reason = f"expected a chunk, got {later} times 'later'"
                    raise SourceFailed(Kind.FAILED, reason) from error
                await asyncio.sleep(error.seconds)

    def _choose(self, source: Source) -> int | None:
        """Return a chunk that nobody is asked for, or else one that another source is slow with."""
        while self._free:
            index = self._free.popleft()
            if index in self._part.missing:
                return index
        late = self._loop.time() - self._limits.patience_seconds
        for index, asked in self._asked.items():
            if len(asked) == 1 and source not in asked and min(asked.values()) <= late:
                return index
        return None

    async def _get(self, source: Source, index: int) -> None:
        asked = self._asked.setdefault(index, {})
        asked[source] = self._loop.time()
        try:
            payload, path = await self._ask(source, self._blob, index)
            if index in self._part.missing:
                self._part.write(index, payload, path)
                self.given[source.seat] += 1
                self._moved_at = self._loop.time()
        except BlobCorrupt as error:
            self._is_corrupt = True
            raise SourceFailed(Kind.BAD, str(error), index) from error
        finally:
            del asked[source]
            if not asked:
                del self._asked[index]
                if index in self._part.missing:
                    self._free.appendleft(index)
            self._tell()

    def _drop(self, source: Source, error: SourceFailed) -> None:
        self._standings.note(source.seat, self._blob, error.kind, self._loop.time())
        self._reasons[source.seat] = str(error)
        level = {Kind.BAD: logging.WARNING, Kind.FAILED: logging.INFO, Kind.ABSENT: logging.INFO}
        if source not in self._promised:  # who never said that it has the blob
            level[Kind.ABSENT] = logging.DEBUG
        LOG.log(
            level[error.kind],
            "act=drop seat=%d url=%r blob=%s chunk=%s kind=%s reason=%r",
            source.seat,
            source.url[:URL_CHARACTERS],  # anybody may have registered anything
            self._blob.name,
            "none" if error.chunk is None else error.chunk,
            error.kind.value,
            str(error),
        )

    def _drop_the_slow(self) -> None:
        """Name those who still owe a chunk that others had to give in their place."""
        late = self._loop.time() - self._limits.patience_seconds
        slow = {
            (source, index)
            for index, asked in self._asked.items()
            for source, at in asked.items()
            if at <= late
        }
        for source, index in sorted(slow, key=lambda each: each[0].seat):
            reason = f"expected a chunk within {self._limits.patience_seconds} s, got none"
            self._drop(source, SourceFailed(Kind.FAILED, reason, index))

    def _give_up(self) -> BlobMissing | BlobCorrupt:
        told = list(self._reasons.items())[:REASONS_TOLD]
        reasons = "; ".join(f"seat {seat}: {reason}" for seat, reason in told) or "no source"
        count = Cut(self._blob.size_bytes).count
        name = f"blob {self._blob.name}, {len(self._part.missing)} of {count} chunks"
        if self._is_corrupt:
            return BlobCorrupt(name, "a seat that serves it sound", reasons)
        return BlobMissing(name, "a seat that serves it", reasons)

    def _tell(self) -> None:
        """Wake all who wait for news."""
        self._news.set_result(None)
        self._news = self._loop.create_future()

    async def _hear(self) -> None:
        await asyncio.wait([self._news], timeout=self._limits.patience_seconds)
