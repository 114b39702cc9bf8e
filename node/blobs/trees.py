"""Trees over the chunks of the blobs that are asked for, each built once, the last ones remembered.

A tree that led to the root once is right for ever, whatever becomes of the file: it is never asked
again whether it still holds, and a rotten chunk is noticed by whoever gets it.
"""

import asyncio
from collections import OrderedDict

from node.blobs.chunks import ChunkTree
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt
from node.blobs.store import Blob

MOST_ROTTEN = 256


class Trees:
    """In one event loop. Trees are built in a thread, one at a time."""

    def __init__(self, store: DiskBlobs, *, most_bytes: int) -> None:
        self._store = store
        self._most_bytes = most_bytes
        self._trees: OrderedDict[Blob, ChunkTree] = OrderedDict()
        self._bytes = 0
        self._building: dict[Blob, asyncio.Task[ChunkTree]] = {}
        self._turn = asyncio.Lock()
        self._rotten: OrderedDict[Blob, int] = OrderedDict()

    async def find(self, blob: Blob, wait_seconds: float) -> ChunkTree | None:
        """Return the tree; None: it is being built, and that takes longer than the caller waits.

        Raises BlobCorrupt where the payload has another root; it is not read again until its file
        is another one.
        """
        tree = self._trees.get(blob)
        if tree is not None:
            self._trees.move_to_end(blob)
            return tree
        task = self._building.get(blob)
        if task is None:
            task = self._building[blob] = asyncio.create_task(self._build(blob))
            task.add_done_callback(lambda done: self._note(blob, done))
        await asyncio.wait([task], timeout=wait_seconds)
        return task.result() if task.done() else None

    async def _build(self, blob: Blob) -> ChunkTree:
        async with self._turn:
            stamp = await asyncio.to_thread(self._store.stamp, blob)
            if self._rotten.get(blob) == stamp:
                raise BlobCorrupt(f"blob {blob.name}", "its own root", "another payload")
            try:
                return await asyncio.to_thread(self._store.read_tree, blob)
            except BlobCorrupt:
                self._rotten[blob] = stamp
                if len(self._rotten) > MOST_ROTTEN:
                    self._rotten.popitem(last=False)
                raise

    def _note(self, blob: Blob, task: "asyncio.Task[ChunkTree]") -> None:
        del self._building[blob]
        if task.cancelled() or task.exception() is not None:
            return
        self._trees[blob] = task.result()
        self._bytes += task.result().size_bytes
        while self._bytes > self._most_bytes and len(self._trees) > 1:
            self._bytes -= self._trees.popitem(last=False)[1].size_bytes
