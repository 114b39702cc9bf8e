"""A payload on its way into the store: what has come so far lasts through a kill at any moment.

Beside the blob lie, until it is complete, three files named after its root and tag and a number:

    .part     the payload, with holes
    .leaves   the tag, then the hashes of the leaves that have come
    .paths    the path of each chunk that has come, in fixed places, zeros where none has

What lies there is believed no more than what a stranger sends: on opening, each chunk that has a
path is proven again by it, and what fails is fetched again. The number is the first whose `.paths`
nobody holds locked, so two processes that fetch one blob have files of their own.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from node.blobs.chunks import CHUNK_BYTES, Cut, check_chunk
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, StoreFailed
from node.blobs.store import Blob
from node.merkle import HASH_BYTES

SLOTS = 8  # processes that may fetch one blob into one folder at once; two are one too many already
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Part:
    """An unfinished payload; a context manager, which on entry finds what came before.

    Not for two threads at once. Every method raises StoreFailed where the disk refuses.
    """

    def __init__(self, store: DiskBlobs, blob: Blob) -> None:
        self._store = store
        self._blob = blob
        self._cut = Cut(blob.size_bytes)
        # A chunk without a path is a blob's only one; a byte says that it has come.
        self._record_bytes = 1 + self._cut.path_bytes
        self._files = ExitStack()
        self.missing: set[int] = set()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            try:
                self._open(opened)
                self.missing = set(range(self._cut.count)) - set(self._find_sound())
            except OSError as error:
                raise self._failed(error) from error
            self._files = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._files:
            if len(self.missing) == self._cut.count:
                self._remove()

    def write(self, index: int, payload: bytes | memoryview, path: bytes | memoryview) -> None:
        """Keep a chunk that is still missing. Raises BlobCorrupt unless its path proves it."""
        leaves = check_chunk(self._blob, index, payload, path)
        first, _ = self._cut.leaves_of(index)
        try:
            _write(self._payload, payload, index * CHUNK_BYTES)
            _write(self._leaves, b"".join(leaves), HASH_BYTES * (1 + first))
            _write(self._paths, b"\x01" + bytes(path), index * self._record_bytes)
        except OSError as error:
            raise self._failed(error) from error
        self.missing.discard(index)

    def finish(self) -> None:
        """Hand the complete payload over to the store."""
        assert not self.missing, "only what is complete is handed over"
        self._store.adopt(self._blob, self._path(".part"), self._path(".leaves"))
        self._remove()

    def _open(self, opened: ExitStack) -> None:
        for slot in range(SLOTS):
            self._name = f"{self._blob.name}.{self._blob.tag.hex()}.{slot}"
            self._paths = self._open_file(opened, ".paths")
            if self._is_locked():
                break
        else:
            raise StoreFailed(f"blob {self._blob.name}", f"at most {SLOTS} to fetch it", "more")
        self._payload = self._open_file(opened, ".part")
        self._leaves = self._open_file(opened, ".leaves")
        os.ftruncate(self._payload, self._blob.size_bytes)
        os.ftruncate(self._leaves, HASH_BYTES * (2 + self._cut.leaves_of(self._cut.count - 1)[1]))
        os.ftruncate(self._paths, self._cut.count * self._record_bytes)
        _write(self._leaves, self._blob.tag, 0)

    def _open_file(self, opened: ExitStack, suffix: str) -> int:
        descriptor = os.open(self._path(suffix), _FLAGS, 0o644)
        opened.callback(os.close, descriptor)
        return descriptor

    def _is_locked(self) -> bool:
        """Whether the lock is ours, and of the file that bears the name: another one may have
        finished, and removed the file, since it was opened."""
        try:
            fcntl.flock(self._paths, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(self._paths), self._path(".paths").stat())
        except (BlockingIOError, FileNotFoundError):
            return False

    def _find_sound(self) -> Iterator[int]:
        for index in range(self._cut.count):
            record = os.pread(self._paths, self._record_bytes, index * self._record_bytes)
            if record[:1] != b"\x01":
                continue
            payload = os.pread(self._payload, self._cut.measure(index), index * CHUNK_BYTES)
            try:
                self.write(index, payload, record[1:])
            except BlobCorrupt:
                continue
            yield index

    def _remove(self) -> None:
        # The file that is locked goes last: whoever may open it finds the others gone.
        for suffix in (".part", ".leaves", ".paths"):
            self._path(suffix).unlink(missing_ok=True)

    def _path(self, suffix: str) -> Path:
        return self._store.directory / (self._name + suffix)

    def _failed(self, error: OSError) -> StoreFailed:
        return StoreFailed(f"blob {self._blob.name}", "room to write it", error)


def _write(descriptor: int, content: bytes | memoryview, at: int) -> None:
    """Write all of it: a disk that runs full takes a part and says so at the next try."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written
