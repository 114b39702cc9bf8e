"""The folders of several peers, read as one store."""

from collections.abc import Sequence

from chain.types import Root
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.store import Blob, MemoryBlobs


class JointBlobs(MemoryBlobs):
    """What any of some stores has; what is put here stays in memory, for the stores are others'."""

    def __init__(self, stores: Sequence[DiskBlobs]) -> None:
        super().__init__()
        self._stores = tuple(stores)

    def get(self, blob: Blob) -> bytes:
        """Return the first sound copy. Raises BlobMissing, or BlobCorrupt for the first of copies
        that are all damaged."""
        damaged: list[BlobCorrupt] = []
        for store in self._stores:
            if not store.has(blob):
                continue
            try:
                return store.get(blob)
            except BlobCorrupt as error:
                damaged.append(error)
        if super().has(blob):
            return super().get(blob)
        if damaged:
            raise damaged[0]
        folders = f"one of {len(self._stores)} peers' folders"
        raise BlobMissing(f"blob {blob.name}", f"a file in {folders}", "none")

    def has(self, blob: Blob) -> bool:
        return any(store.has(blob) for store in self._stores) or super().has(blob)

    def find(self, root: Root, tag: bytes) -> Blob | None:
        """Return the blob that some store keeps under a root and a tag; None: none does. Where the
        copies differ in size, that of a sound one."""
        found = [(store, store.find(root, tag)) for store in self._stores]
        kept = [(store, blob) for store, blob in found if blob is not None]
        if len({blob.size_bytes for _, blob in kept}) > 1:
            # To read them all takes time, so only where it says something.
            kept = [(store, blob) for store, blob in kept if store.has_sound(blob)] or kept
        return kept[0][1] if kept else None
