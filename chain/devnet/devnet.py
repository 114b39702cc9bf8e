"""The embedded Ethereum development chain: store, chain, pool and JSON-RPC put together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from eth_typing import Address
from web3.providers.base import JSONBaseProvider

from chain.devnet.accounts import derive_accounts
from chain.devnet.acting import Acting
from chain.devnet.evm import Chain
from chain.devnet.history import History
from chain.devnet.pool import Pool
from chain.devnet.provider import DevnetProvider
from chain.devnet.rpc import JsonRpc
from chain.devnet.states import States
from chain.devnet.store import Store

DEFAULT_CHAIN_ID: Final = 31337
"""As anvil and hardhat have it."""
DEFAULT_ACCOUNTS: Final = 16


class Devnet:
    """A chain of Prague's rules in this process; a context manager, `close` lets go of its files.

    `directory` None keeps it in memory; a new directory starts a chain, an existing one goes on
    at its head with everything that was mined (waiting transactions and a clock moved ahead are
    not kept). `accounts` development accounts own 10,000 ether each in a new chain: the first of
    anvil's mnemonic, with their keys. `clock` gives unix seconds; a block's time is
    `max(parent + 1, clock())`. With `read_only`, a directory that another process may be writing
    to is followed, and every change refused.

    `provider` serves web3, `handle` any other transport. Requests may come from any thread and
    run one after another.

    Raises `StoreUnreadable`, `ChainMismatch` (chain id, number of accounts), `StoreBusy`; a
    request may raise `DiskFull`, after which the head is what it was before.

    >>> with Devnet(clock=lambda: 1_700_000_000, accounts=1) as devnet:
    ...     devnet.handle({"id": 1, "method": "eth_blockNumber", "params": []})
    {'jsonrpc': '2.0', 'id': 1, 'result': '0x0'}
    """

    def __init__(
        self,
        *,
        directory: Path | None = None,
        chain_id: int = DEFAULT_CHAIN_ID,
        accounts: int = DEFAULT_ACCOUNTS,
        clock: Callable[[], int],
        read_only: bool = False,
    ) -> None:
        self.directory = directory
        self.accounts = derive_accounts(accounts)
        self._store = Store(directory, read_only=read_only)
        try:
            chain = Chain(
                self._store,
                chain_id=chain_id,
                funded=[Address(bytes.fromhex(account.address[2:])) for account in self.accounts],
                clock=clock,
                read_only=read_only,
            )
        except BaseException:
            self._store.close()
            raise
        pool = Pool()
        addresses = [account.address for account in self.accounts]
        self._rpc = JsonRpc(
            History(chain, self._store, pool).list_methods()
            | States(chain, pool, addresses).list_methods()
            | Acting(chain, pool).list_methods()
        )
        self.provider: JSONBaseProvider = DevnetProvider(self._rpc.handle)

    def handle(self, request: dict[str, object]) -> dict[str, object]:
        """Return the JSON-RPC response to a JSON-RPC request."""
        return self._rpc.handle(request)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for the request that runs, then close the files; closing twice is harmless."""
        with self._rpc.lock:
            self._store.close()
