"""py-evm's accounts over `StateTrie`: every change of a block enters the tries together."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from eth.abc import AccountStorageDatabaseAPI
from eth.constants import BLANK_ROOT_HASH
from eth.db.accesslog import KeyAccessLoggerDB
from eth.db.account import AccountDB
from eth.db.batch import BatchDB
from eth.db.cache import CacheDB
from eth.db.hash_trie import HashTrie
from eth.db.journal import JournalDB
from eth.db.storage import AccountStorageDB, StorageLookup
from eth.rlp.accounts import Account
from eth.vm.interrupt import MissingStorageTrieNode
from eth_typing import Address, Hash32
from eth_utils.encoding import int_to_big_endian
from rlp import codec

from chain.devnet.state_trie import StateTrie

REMEMBERED_ACCOUNTS: Final = 1024
"""The peers of a simulation, some blocks of them."""
_FIRST_PREFIX: Final = 0x80
"""RLP: a byte below it stands for itself, and up to 55 bytes follow one from it on."""


@lru_cache(maxsize=REMEMBERED_ACCOUNTS)
def _decode_account(encoded: bytes) -> Account:
    """Return an account, which nobody can change, so that it is shared."""
    account: Account = codec.decode(encoded, sedes=Account)  # type: ignore[no-untyped-call]
    return account


class _Lookup(StorageLookup):
    """Storage slots by their hash."""

    def _get_write_trie(self) -> Any:
        if self._trie_nodes_batch is None:
            self._trie_nodes_batch = BatchDB(self._db, read_through_deletes=True)
        if self._write_trie is None:
            self._write_trie = StateTrie(self._trie_nodes_batch, self._starting_root_hash)
        return self._write_trie

    def _get_read_trie(self) -> Any:
        if self._write_trie is not None:
            return self._write_trie
        return StateTrie(self._db, self._starting_root_hash)


class _Storage(AccountStorageDB):
    """The storage of one account."""

    def __init__(self, db: Any, storage_root: Hash32, address: Address) -> None:
        super().__init__(db, storage_root, address)
        self._storage_lookup = _Lookup(db, storage_root, address)
        self._storage_cache = CacheDB(self._storage_lookup)
        self._locked_changes = JournalDB(self._storage_cache)
        self._journal_storage = JournalDB(self._locked_changes)

    def get(self, slot: int, from_journal: bool = True) -> int:
        """Return a slot; as py-evm's, but for the `rlp` package, which took longer than the
        look-up."""
        self._accessed_slots.add(slot)
        values = self._journal_storage if from_journal else self._locked_changes
        try:
            encoded = values[int_to_big_endian(slot)]
        except MissingStorageTrieNode:
            raise
        except KeyError:
            return 0
        digits = encoded if encoded[:1] < bytes((_FIRST_PREFIX,)) else encoded[1:]
        return int.from_bytes(digits, "big")


class Accounts(AccountDB):
    """The accounts of a state."""

    def __init__(self, db: Any, state_root: Hash32 = BLANK_ROOT_HASH) -> None:
        super().__init__(db, state_root)
        trie: Any = StateTrie(self._batchtrie, state_root)
        self._trie = HashTrie(trie)
        self._trie_logger = KeyAccessLoggerDB(self._trie, log_missing_keys=False)
        self._trie_cache = CacheDB(self._trie_logger)
        self._journaltrie = JournalDB(self._trie_cache)

    def _get_address_store(self, address: Address) -> AccountStorageDatabaseAPI:
        if address not in self._account_stores:
            root = self._get_storage_root(address)
            self._account_stores[address] = _Storage(self._raw_store_db, root, address)
        return self._account_stores[address]

    def _get_account(self, address: Address, from_journal: bool = True) -> Account:
        """Return an account; as py-evm's, which decodes it again in every block."""
        if from_journal and address in self._account_cache:
            return self._account_cache[address]
        encoded = self._get_encoded_account(address, from_journal)
        account = _decode_account(encoded) if encoded else Account()
        if from_journal:
            self._account_cache[address] = account
        return account
