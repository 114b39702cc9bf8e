"""What outlives a process: its journal and its blobs, on a disk that may be full, slow, rotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from node.blobs.errors import BlobMissing, StoreFailed
from node.blobs.store import Blob, check_payload
from node.journal import Journal

Touch = Callable[..., None]
"""(effect, is_after=…): the process may end here."""


class Disk:
    """One peer's folder. `directory` None: a journal in memory, which is quicker."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lives = 0
        self.payloads: dict[Blob, bytes] = {}
        self.is_full = False
        self.has_failed = False
        self.journal = Journal(None if directory is None else directory / "journal.sqlite")

    def crash(self) -> None:
        """Lose what was not committed, and open the journal again as a new process does."""
        old, fresh = self.journal, None
        old._database.rollback()
        if self._directory is not None:
            old.close()
            self.journal = Journal(self._directory / "journal.sqlite")
        else:
            fresh = Journal(None)
            old._database.backup(fresh._database)
            old.close()
            self.journal = fresh
        self.fill(is_full=self.is_full)

    def copy(self) -> Disk:
        """Return the folder as it is now, for somebody to put back later."""
        copied = Disk(None)
        self.journal._database.backup(copied.journal._database)
        copied.payloads = dict(self.payloads)
        return copied

    def fill(self, *, is_full: bool) -> None:
        """Let nothing more be written, or let it again."""
        self.is_full = is_full
        self.has_failed |= is_full
        self.journal._database.execute(f"PRAGMA query_only = {int(is_full)}")

    def rot(self, blob: Blob) -> None:
        """Flip a bit of what is kept."""
        payload = self.payloads[blob]
        self.payloads[blob] = bytes([payload[0] ^ 1]) + payload[1:]

    def close(self) -> None:
        self.journal.close()


class DiskStore:
    """A disk as `Blobs`; a payload is checked on its way in and on its way out."""

    def __init__(self, disk: Disk, archive: Callable[[Blob, bytes], None]) -> None:
        self._disk = disk
        self._archive = archive

    def put(self, blob: Blob, payload: bytes) -> None:
        check_payload(blob, payload)
        self.keep(blob, payload)

    def keep(self, blob: Blob, payload: bytes) -> None:
        if self._disk.is_full:
            raise StoreFailed(f"blob {blob.name}", "room to write it", "none")
        self._disk.payloads[blob] = payload
        self._archive(blob, payload)

    def get(self, blob: Blob) -> bytes:
        payload = self._disk.payloads.get(blob)
        if payload is None:
            raise BlobMissing(f"blob {blob.name}", "kept", "none")
        check_payload(blob, payload)
        return payload

    def has(self, blob: Blob) -> bool:
        return blob in self._disk.payloads

    def drop(self, blob: Blob) -> None:
        self._disk.payloads.pop(blob, None)


class Fused:
    """Something with effects, and a fuse touched before and after each of the named ones."""

    def __init__(self, target: object, room: str, touch: Touch, *names: str) -> None:
        self._target = target
        for name in names:
            setattr(self, name, self._fuse(getattr(target, name), f"{room}.{name}", touch))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    @staticmethod
    def _fuse(method: Callable[..., Any], effect: str, touch: Touch) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            touch(effect, is_after=False)
            result = method(*arguments)
            touch(effect, is_after=True)
            return result

        return call
