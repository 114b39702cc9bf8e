"""State nodes as py-evm wants them: a mapping from hash to bytes over the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from eth.abc import AtomicWriteBatchAPI
from eth.db.atomic import AtomicDBWriteBatch
from eth.db.backends.base import BaseAtomicDB
from eth_hash.auto import keccak
from lru import LRU

from chain.devnet.errors import StoreUnreadable
from chain.devnet.store import Store

CACHED_NODES: Final = 32_768
"""About 16 MB: a node is at most 532 bytes, most are shorter."""


class NodeDatabase(BaseAtomicDB):
    """Reads through a bounded cache; keeps what is written until the block goes to disk.

    py-evm asks for single keys and batches; both land in `pending`, which the chain hands to
    `Store.write` with the block and then calls `keep`, or, if there will be no block, `discard`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cache: LRU[bytes, bytes] = LRU(CACHED_NODES)
        self.pending: dict[bytes, bytes] = {}

    def keep(self) -> None:
        """Note that `pending` is in the store now."""
        self._cache.update(self.pending)
        self.pending.clear()

    def discard(self) -> None:
        """Forget `pending`: its block was not written."""
        self.pending.clear()

    def __getitem__(self, key: bytes) -> bytes:
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.pending[key] = value

    def __delitem__(self, key: bytes) -> None:
        # The state of every block stays readable, so a node once committed is never taken back.
        self.pending.pop(key, None)

    def _exists(self, key: bytes) -> bool:
        return self._find(key) is not None

    def _find(self, key: bytes) -> bytes | None:
        value = self.pending.get(key)
        if value is None:
            value = self._cache.get(key)
        if value is None:
            value = self._store.get_node(key)
            if value is not None:
                _check_hash(key, value)
                self._cache[key] = value
        return value

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """Collect writes and apply them together if nothing is raised."""
        with AtomicDBWriteBatch._commit_unless_raises(self) as batch:
            yield batch


def _check_hash(key: bytes, value: bytes) -> None:
    """A node is named by its hash, so damage to the file that SQLite cannot see shows here."""
    if keccak(value) != key:
        raise StoreUnreadable(
            "devnet state node", expected=key.hex(), got=f"bytes with hash {keccak(value).hex()}"
        )
