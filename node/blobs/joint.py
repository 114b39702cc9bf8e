"""The folders of several peers, read as one store."""

from collections.abc import Sequence

from chain.types import Root
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobMissing
from node.blobs.store import Blob, MemoryBlobs


class JointBlobs(MemoryBlobs):
    """What any of some stores has; what is put here stays in memory, for the stores are others'."""

    def __init__(self, stores: Sequence[DiskBlobs]) -> None:
        super().__init__()
        self._stores = tuple(stores)

    def get(self, blob: Blob) -> bytes:
        store = self._find_store(blob)
        if store is not None:
            return store.get(blob)
        if not super().has(blob):
            folders = f"one of {len(self._stores)} peers' folders"
            raise BlobMissing(f"blob {blob.name}", f"a file in {folders}", "none")
        return super().get(blob)

    def has(self, blob: Blob) -> bool:
        return self._find_store(blob) is not None or super().has(blob)

    def find(self, root: Root, tag: bytes) -> Blob | None:
        """Return the blob that some store keeps under a root and a tag; None: none does."""
        found = (store.find(root, tag) for store in self._stores)
        return next((blob for blob in found if blob is not None), None)

    def _find_store(self, blob: Blob) -> DiskBlobs | None:
        return next((store for store in self._stores if store.has(blob)), None)
