"""What one peer has: its store, what it found sound there, and when to ask others again.

A store may rot, and a file under the right root may be somebody else's; so a blob counts as held
once it was read or put here and found sound, and no longer after a read that failed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chain.types import Seat
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.store import Blob, Blobs


@dataclass(frozen=True)
class Outcome:
    """What became of a fetch: the blob is in the store, or why it could not be had."""

    error: BlobMissing | BlobCorrupt | None = None


class Exchange(Protocol):
    """Where blobs of others come from, in its own time."""

    def start(self, blob: Blob, sources: Sequence[Seat]) -> None:
        """Begin to bring a payload into the store, from `sources` first, or from anybody; a second
        start while that goes on adds sources. Raises StoreFailed."""
        ...

    def outcome(self, blob: Blob) -> Outcome | None:
        """Return what became of it, once; None while it goes on. Raises StoreFailed: a full disk is
        no fault of the others."""
        ...


class Holdings:
    """A store in front of which is remembered what is sound, what is on its way, and what was asked
    for in vain."""

    def __init__(self, blobs: Blobs, exchange: Exchange, *, retry_seconds: int) -> None:
        self._blobs = blobs
        self._exchange = exchange
        self._retry_seconds = retry_seconds
        self._sound: dict[Blob, bool] = {}
        self._coming: set[Blob] = set()
        self._retry_at: dict[Blob, int] = {}

    def has(self, blob: Blob) -> bool:
        """Whether the blob is here and sound; it is read for that at most once."""
        if blob not in self._sound and self._blobs.has(blob):
            try:
                self.get(blob)
            except (BlobMissing, BlobCorrupt):
                return False
        return self._sound.get(blob, False)

    def get(self, blob: Blob) -> bytes:
        """Return the payload. Raises BlobMissing or BlobCorrupt, and then it is not held."""
        try:
            payload = self._blobs.get(blob)
        except (BlobMissing, BlobCorrupt):
            self._sound[blob] = False
            raise
        self._sound[blob] = True
        return payload

    def keep(self, blob: Blob, payload: bytes) -> None:
        """Keep what this peer made and hashed itself, in place of a damaged one too. Raises
        StoreFailed."""
        self._blobs.keep(blob, payload)
        self._note_sound(blob)

    def fetch(self, blob: Blob, sources: Sequence[Seat]) -> None:
        """Begin to get a blob from others; `settle` takes note of what becomes of it. Raises
        StoreFailed."""
        self._exchange.start(blob, sources)
        self._coming.add(blob)

    def settle(self, now: int) -> list[tuple[Blob, Exception]]:
        """Take note of the fetches that have ended; return those in vain, and why, and note when to
        ask again. Raises StoreFailed."""
        failed: list[tuple[Blob, Exception]] = []
        for blob in list(self._coming):
            outcome = self._exchange.outcome(blob)
            if outcome is None:
                continue
            self._coming.discard(blob)
            if outcome.error is None:
                self._note_sound(blob)
            else:
                self._retry_at[blob] = now + self._retry_seconds
                failed.append((blob, outcome.error))
        return failed

    def is_coming(self, blob: Blob) -> bool:
        """Whether a fetch goes on."""
        return blob in self._coming

    def retry_at(self, blob: Blob) -> int:
        """Return when to ask for a blob (unix seconds); 0: at once."""
        return self._retry_at.get(blob, 0)

    def forget(self, is_wanted: Callable[[Blob], bool]) -> None:
        """Forget what was noted of blobs that nobody asks for any more; the store keeps them."""
        self._sound = {blob: sound for blob, sound in self._sound.items() if is_wanted(blob)}
        self._retry_at = {blob: at for blob, at in self._retry_at.items() if is_wanted(blob)}

    def _note_sound(self, blob: Blob) -> None:
        self._sound[blob] = True
        self._retry_at.pop(blob, None)
