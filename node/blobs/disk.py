"""Blobs on disk, one file each, with the leaf hashes beside it so that damage can be named.

    0xROOT           the payload
    0xROOT.leaves    the tag, then the hash of each leaf that the payload reaches, in order

Files appear whole or not at all: written aside, synced, renamed; the leaves first. What travels in
chunks is read in chunks, so a payload need not fit into memory.
"""

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from chain.types import Root
from node.blobs.chunks import CHUNK_BYTES, ChunkTree, Cut, build_tree
from node.blobs.errors import BlobCorrupt, BlobMissing, StoreFailed
from node.blobs.store import Blob, check_payload
from node.merkle import HASH_BYTES, LEAF_BYTES, compute_leaves, find_bad_leaf, fold_leaves
from node.whole_file import write_whole

_NAME = re.compile("0x[0-9a-f]{64}")


class DiskBlobs:
    """A folder of payloads, checked at every read. Raises StoreFailed where the disk refuses."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailed(f"blobs in {directory}", "a folder to write to", error) from error

    def put(self, blob: Blob, payload: bytes) -> None:
        if not self.has_sound(blob):
            check_payload(blob, payload)
            self._write(blob, payload)

    def keep(self, blob: Blob, payload: bytes) -> None:
        if not self.has_sound(blob):
            self._write(blob, payload)

    def get(self, blob: Blob) -> bytes:
        payload = self._read(self._path(blob))
        if payload is None:
            raise BlobMissing(f"blob {blob.name}", f"a file in {self.directory}", "none")
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
        # Another tag: a copied root, under which the payload is somebody else's, or damage.
        return self._tag_beside(blob) in (blob.tag, b"") or self._is_sound(blob)

    def has_sound(self, blob: Blob) -> bool:
        """Whether a payload is kept for this blob, and read as sound, chunk by chunk."""
        return self.has(blob) and self._is_sound(blob)

    def find(self, root: Root, tag: bytes) -> Blob | None:
        """Return the blob that is kept under a root and a tag, with its size; None: not here."""
        path = self._path(Blob(root, 0, tag))
        try:
            blob = Blob(root, path.stat().st_size, tag)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"file {path}", "a readable file", error) from error
        return blob if self._tag_beside(blob) in (tag, b"") else None

    def read(self, blob: Blob, first: int, count: int) -> bytes:
        """Return bytes of the payload as they lie there, fewer where it ends, none where it is
        gone. They are not checked: whoever gets them does that."""
        return self._read_part(self._path(blob), first, count)

    def read_tree(self, blob: Blob) -> ChunkTree:
        """Return the tree over the chunks: of the leaves beside the payload, or of the payload
        where they are not sound. Raises BlobCorrupt where neither leads to the root."""
        for leaves_of in (self._listed_leaves, self._own_leaves):
            try:
                tree = build_tree(blob.size_bytes, partial(leaves_of, blob))
            except BlobCorrupt:
                continue
            if tree.root == blob.root:
                return tree
        raise BlobCorrupt(f"blob {blob.name}", "its own root", "another payload")

    def stamp(self, blob: Blob) -> int:
        """Return when the payload's file was last written (ns); another file has another."""
        path = self._path(blob)
        return path.stat().st_mtime_ns if path.exists() else 0

    def adopt(self, blob: Blob, payload: Path, leaves: Path) -> None:
        """Take over two files beside the blob's, of which the caller has proven every chunk; they
        are gone from where they were. Raises StoreFailed."""
        try:
            for path in (leaves, payload):
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            leaves.replace(self._leaves_path(blob))
            payload.replace(self._path(blob))
        except OSError as error:
            raise StoreFailed(f"blob {blob.name}", "room to write it", error) from error

    def drop(self, blob: Blob) -> None:
        self._path(blob).unlink(missing_ok=True)
        self._leaves_path(blob).unlink(missing_ok=True)
        for path in self.directory.glob(f"{blob.name}.{blob.tag.hex()}.*"):
            path.unlink(missing_ok=True)  # what came of it so far

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
        for path in sorted(self.directory.glob("0x*")):
            if not _NAME.fullmatch(path.name):
                continue
            blob = Blob(Root(bytes.fromhex(path.name[2:])), path.stat().st_size)
            beside = self._leaves_path(blob)
            count = beside.stat().st_size // HASH_BYTES - 1 if beside.exists() else 0
            size = blob.size_bytes
            # A payload of another length than its leaves say has been cut or has grown.
            if count > 0 and not (count - 1) * LEAF_BYTES < size <= count * LEAF_BYTES:
                size = count * LEAF_BYTES
            yield Blob(blob.root, size, self._tag_beside(blob))

    def _path(self, blob: Blob) -> Path:
        return self.directory / blob.name

    def _leaves_path(self, blob: Blob) -> Path:
        return self.directory / f"{blob.name}.leaves"

    def _write(self, blob: Blob, payload: bytes) -> None:
        leaves = blob.tag + b"".join(compute_leaves(payload, blob.tag))
        try:
            write_whole(self._leaves_path(blob), leaves)
            write_whole(self._path(blob), payload)
        except OSError as error:
            raise StoreFailed(f"blob {blob.name}", "room to write it", error) from error

    def _is_sound(self, blob: Blob) -> bool:
        found = self.find(blob.root, self._tag_beside(blob))
        if found is None or found.size_bytes != blob.size_bytes:
            return False
        try:
            tree = build_tree(blob.size_bytes, partial(self._own_leaves, blob))
        except BlobCorrupt:
            return False
        return tree.root == blob.root

    def _own_leaves(self, blob: Blob, index: int) -> list[bytes]:
        """Return the leaf hashes of a chunk, of what lies in the payload's file."""
        size = Cut(blob.size_bytes).measure(index)
        chunk = self.read(blob, index * CHUNK_BYTES, size)
        if len(chunk) != size:
            raise BlobCorrupt(f"blob {blob.name}, chunk {index}", f"{size} bytes", len(chunk))
        return compute_leaves(chunk, blob.tag)

    def _listed_leaves(self, blob: Blob, index: int) -> list[bytes]:
        """Return the leaf hashes of a chunk, as they are listed beside the payload."""
        first, last = Cut(blob.size_bytes).leaves_of(index)
        size = HASH_BYTES * (last - first + 1)
        listed = self._read_part(self._leaves_path(blob), HASH_BYTES * (1 + first), size)
        if len(listed) != size:
            raise BlobCorrupt(f"leaves beside blob {blob.name}", f"{size} bytes", len(listed))
        return [listed[at : at + HASH_BYTES] for at in range(0, size, HASH_BYTES)]

    def _tag_beside(self, blob: Blob) -> bytes:
        """Return the tag in the file of leaves; none where that is cut or gone."""
        return self._read_part(self._leaves_path(blob), 0, HASH_BYTES)

    def _find_bad_leaf(self, blob: Blob, payload: bytes) -> int | None:
        """Return the first bad leaf; None where the leaves beside the blob are not sound either."""
        listed = self._read(self._leaves_path(blob)) or b""
        leaves = [listed[i : i + HASH_BYTES] for i in range(HASH_BYTES, len(listed), HASH_BYTES)]
        expected_count = -(-blob.size_bytes // LEAF_BYTES)
        if len(leaves) != expected_count or fold_leaves(leaves, blob.size_bytes) != blob.root:
            return None
        return find_bad_leaf(payload, blob.tag, leaves)

    @staticmethod
    def _read_part(path: Path, first: int, count: int) -> bytes:
        try:
            with path.open("rb", buffering=0) as file:
                return os.pread(file.fileno(), count, first)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise StoreFailed(f"file {path}", "a readable file", error) from error

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"file {path}", "a readable file", error) from error
