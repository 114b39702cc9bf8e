"""Blobs on disk, one file each, with the leaf hashes beside it so that damage can be named.

    0xROOT           the payload
    0xROOT.leaves    the tag, then the hash of each leaf that the payload reaches, in order

Files appear whole or not at all: written aside, synced, renamed; the leaves first.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from chain.types import Root
from node.blobs.errors import BlobCorrupt, BlobMissing, StoreFailed
from node.blobs.store import Blob, check_payload
from node.merkle import HASH_BYTES, LEAF_BYTES, compute_leaves, find_bad_leaf, fold_leaves
from node.whole_file import write_whole

_NAME = re.compile("0x[0-9a-f]{64}")


class DiskBlobs:
    """A folder of payloads, checked at every read. Raises StoreFailed where the disk refuses."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailed(f"blobs in {directory}", "a folder to write to", error) from error

    def put(self, blob: Blob, payload: bytes) -> None:
        if not self._has_sound(blob):
            check_payload(blob, payload)
            self._write(blob, payload)

    def keep(self, blob: Blob, payload: bytes) -> None:
        if not self._has_sound(blob):
            self._write(blob, payload)

    def get(self, blob: Blob) -> bytes:
        payload = self._read(self._path(blob))
        if payload is None:
            raise BlobMissing(f"blob {blob.name}", f"a file in {self._directory}", "none")
        try:
            check_payload(blob, payload)
        except BlobCorrupt as error:
            leaf = self._find_bad_leaf(blob, payload)
            if leaf is None:
                raise
            raise BlobCorrupt(
                f"{error.reason}, leaf {leaf}", error.expected, error.got, leaf=leaf
            ) from error
        return payload

    def has(self, blob: Blob) -> bool:
        if not self._path(blob).exists():
            return False
        beside = self._read(self._leaves_path(blob)) or b""
        # Another tag: a copied root, under which the payload is somebody else's, or damage.
        return beside[:HASH_BYTES] in (blob.tag, b"") or self._is_sound(blob)

    def drop(self, blob: Blob) -> None:
        self._path(blob).unlink(missing_ok=True)
        self._leaves_path(blob).unlink(missing_ok=True)

    def check(self, blob: Blob) -> None:
        """Raise BlobCorrupt, with the first bad leaf, unless payload and leaves are both sound."""
        sound = compute_leaves(self.get(blob), blob.tag)
        listed = self._read(self._leaves_path(blob)) or b""
        if listed == blob.tag + b"".join(sound):
            return
        leaves = [listed[i : i + HASH_BYTES] for i in range(HASH_BYTES, len(listed), HASH_BYTES)]
        pairs = enumerate(zip(leaves, sound, strict=False))
        leaf = next((i for i, (one, other) in pairs if one != other), min(len(leaves), len(sound)))
        raise BlobCorrupt(
            f"leaves beside blob {blob.name}, leaf {leaf}", "the payload's own", "others", leaf=leaf
        )

    def kept(self) -> Iterator[Blob]:
        """Return every payload in the folder under the name and the tag that it was put by."""
        for path in sorted(self._directory.glob("0x*")):
            if not _NAME.fullmatch(path.name):
                continue
            beside = self._read(path.with_name(path.name + ".leaves")) or b""
            count = (len(beside) - HASH_BYTES) // HASH_BYTES
            size = path.stat().st_size
            # A payload of another length than its leaves say has been cut or has grown.
            if count > 0 and not (count - 1) * LEAF_BYTES < size <= count * LEAF_BYTES:
                size = count * LEAF_BYTES
            yield Blob(Root(bytes.fromhex(path.name[2:])), size, beside[:HASH_BYTES])

    def _path(self, blob: Blob) -> Path:
        return self._directory / blob.name

    def _leaves_path(self, blob: Blob) -> Path:
        return self._directory / f"{blob.name}.leaves"

    def _has_sound(self, blob: Blob) -> bool:
        return self.has(blob) and self._is_sound(blob)

    def _write(self, blob: Blob, payload: bytes) -> None:
        leaves = blob.tag + b"".join(compute_leaves(payload, blob.tag))
        try:
            write_whole(self._leaves_path(blob), leaves)
            write_whole(self._path(blob), payload)
        except OSError as error:
            raise StoreFailed(f"blob {blob.name}", "room to write it", error) from error

    def _is_sound(self, blob: Blob) -> bool:
        try:
            self.get(blob)
        except BlobCorrupt:
            return False
        return True

    def _find_bad_leaf(self, blob: Blob, payload: bytes) -> int | None:
        """Return the first bad leaf; None where the leaves beside the blob are not sound either."""
        listed = self._read(self._leaves_path(blob)) or b""
        leaves = [listed[i : i + HASH_BYTES] for i in range(HASH_BYTES, len(listed), HASH_BYTES)]
        expected_count = -(-blob.size_bytes // LEAF_BYTES)
        if len(leaves) != expected_count or fold_leaves(leaves, blob.size_bytes) != blob.root:
            return None
        return find_bad_leaf(payload, blob.tag, leaves)

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"file {path}", "a readable file", error) from error
