"""Blobs: payloads addressed by their Merkle root. Whoever reads one, reads what the root promised.

The seam is `Blobs`; memory and disk pass one suite of laws. A payload is checked on its way in
wherever it comes from, but for the very computation that named it, and again on its way out
wherever it could have changed meanwhile.
"""

from dataclasses import dataclass
from typing import Protocol

from chain.types import Root
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.merkle import MODEL_TAG, compute_root


@dataclass(frozen=True)
class Blob:
    """What is needed to ask for a payload and to check it: root, tag (32 bytes) and size.

    All three are its identity. A root that was copied from another seat's commitment names no
    payload under the copier's own tag, and a store must not take one for the other.
    """

    root: Root
    size_bytes: int
    tag: bytes = MODEL_TAG

    @property
    def name(self) -> str:
        """The root as it is written for people and in file names."""
        return "0x" + self.root.hex()


class Readable(Protocol):
    """Where payloads are read. `get` raises BlobMissing or BlobCorrupt."""

    def get(self, blob: Blob) -> bytes:
        """Return the payload, checked."""
        ...

    def has(self, blob: Blob) -> bool:
        """Whether a payload is kept for this blob (`get` says whether it is sound)."""
        ...


class Findable(Readable, Protocol):
    """Where payloads are found whose size nobody knows."""

    def find(self, root: Root, tag: bytes) -> Blob | None:
        """Return the blob that is kept under a root and a tag, with its size; None: not here."""
        ...


class Blobs(Readable, Protocol):
    """A store of payloads. `put` raises BlobCorrupt."""

    def put(self, blob: Blob, payload: bytes) -> None:
        """Keep a payload under its root, after checking it; twice is once."""
        ...

    def keep(self, blob: Blob, payload: bytes) -> None:
        """Keep a payload whose root the caller has just computed from it: not hashed again."""
        ...

    def drop(self, blob: Blob) -> None:
        """Forget a payload; nothing happens where there is none."""
        ...


class MemoryBlobs:
    """Payloads as immutable bytes: what was sound when it came cannot change."""

    def __init__(self) -> None:
        self._payloads: dict[Blob, bytes] = {}

    def put(self, blob: Blob, payload: bytes) -> None:
        if blob not in self._payloads:
            check_payload(blob, payload)
            self.keep(blob, payload)

    def keep(self, blob: Blob, payload: bytes) -> None:
        self._payloads[blob] = payload

    def get(self, blob: Blob) -> bytes:
        payload = self._payloads.get(blob)
        if payload is None:
            raise BlobMissing(f"blob {blob.name}", "kept in memory", "none")
        return payload

    def has(self, blob: Blob) -> bool:
        return blob in self._payloads

    def drop(self, blob: Blob) -> None:
        self._payloads.pop(blob, None)


def check_payload(blob: Blob, payload: bytes) -> None:
    """Raise BlobCorrupt unless the payload has the size and the root that it is known by."""
    if len(payload) != blob.size_bytes:
        raise BlobCorrupt(f"blob {blob.name}", f"{blob.size_bytes} bytes", f"{len(payload)} bytes")
    root = compute_root(payload, blob.tag)
    if root != blob.root:
        raise BlobCorrupt(f"blob {blob.name}", "its own root", "0x" + root.hex())
