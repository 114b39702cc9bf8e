"""The embedded Ethereum development chain: store, chain, pool and JSON-RPC put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Final, Self

from eth_typing import Address
from web3.providers.base import JSONBaseProvider

from chain.devnet.accounts import derive_accounts
from chain.devnet.acting import Acting
from chain.devnet.evm import Block, Chain, get_recorded
from chain.devnet.history import History
from chain.devnet.limits import LogLimits
from chain.devnet.pool import Pool
from chain.devnet.provider import DevnetProvider
from chain.devnet.records import LogFilter, LogRecord
from chain.devnet.rpc import JsonRpc
from chain.devnet.signing import Signing
from chain.devnet.snapshots import Snapshots
from chain.devnet.states import States
from chain.devnet.store import Store
from chain.devnet.transactions import decode_stored

DEFAULT_CHAIN_ID: Final = 31337
"""As anvil and hardhat have it."""
DEFAULT_ACCOUNTS: Final = 16


class Devnet:
    """A chain of Prague's rules in this process; a context manager, `close` lets go of its files.

    `directory` None keeps it in memory; a new directory starts a chain, an existing one goes on
    at its head with everything that was mined or waits (snapshots and a clock moved ahead are not
    kept). `accounts` development accounts own 10,000 ether each: the first of anvil's mnemonic,
    with their keys. Left out, `chain_id` and `accounts` are those of the directory's chain, in a
    new one 31337 and 16. `clock` gives unix seconds; a block's time is
    `max(parent + 1, clock())`. With `read_only`, a directory that another process may be writing
    to is followed, and every change refused. `limits` bound what `eth_getLogs` returns.

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
        chain_id: int | None = None,
        accounts: int | None = None,
        clock: Callable[[], int],
        read_only: bool = False,
        limits: LogLimits | None = None,
    ) -> None:
        self.directory = directory
        with ExitStack() as opened:
            self._store = opened.enter_context(Store(directory, read_only=read_only))
            self.chain_id = _choose(chain_id, self._store, "chain_id", DEFAULT_CHAIN_ID)
            count = _choose(accounts, self._store, "accounts", DEFAULT_ACCOUNTS)
            self.accounts = derive_accounts(count)
            pool = Pool()
            around = self._store.reading if read_only else nullcontext
            with around():
                self._chain = self._open(clock, read_only=read_only)
                pool.restore(map(decode_stored, self._store.get_waiting()))
            opened.pop_all()
        pool.mark_saved()
        addresses = [account.address for account in self.accounts]
        states = States(self._chain, pool, addresses)
        self._acting = Acting(self._chain, self._store, pool)
        self._rpc = JsonRpc(
            History(self._chain, self._store, pool, limits).list_methods()
            | states.list_methods()
            | self._acting.list_methods()
            | Signing(self._chain, states, self._acting, self.accounts).list_methods()
            | Snapshots(self._chain, pool).list_methods(),
            around,
        )
        self.provider: JSONBaseProvider = DevnetProvider(self._rpc.handle)

    def _open(self, clock: Callable[[], int], *, read_only: bool) -> Chain:
        if not read_only:
            self._store.check_pages()
        return Chain(
            self._store,
            chain_id=self.chain_id,
            funded=[Address(bytes.fromhex(each.address[2:])) for each in self.accounts],
            clock=clock,
            read_only=read_only,
        )

    def handle(self, request: Mapping[str, object]) -> dict[str, object]:
        """Return the JSON-RPC response to a JSON-RPC request."""
        return self._rpc.handle(request)

    def grouping(self) -> AbstractContextManager[None]:
        """Leave what is sent in here to `settle`: many transactions, one block, one commit."""
        return self._acting.grouping()

    def settle(self) -> None:
        """Mine what was sent while `grouping`, or let it wait on disk where automine is off.

        Raises `DiskFull`; then none of it was sent.
        """
        with self._rpc.lock:
            self._acting.settle()

    def set_automine(self, is_on: bool) -> None:
        """Mine what is sent at once, what waits already included; or let it wait for evm_mine."""
        with self._rpc.lock:
            self._acting.set_automine(is_on)
            self._acting.resume()

    def listen(self, listener: Callable[[Block], None]) -> None:
        """Call `listener` with every block once it is on disk, before anything else happens."""
        self._chain.listen(listener)

    def iterate_block_logs(self, number: int) -> Iterator[LogRecord]:
        """Yield the logs of a block in order."""
        return self._store.iterate_logs(LogFilter(number, number))

    def get_transaction_hashes(self, number: int) -> tuple[bytes, ...]:
        """Return the hashes of a block's transactions in order."""
        return self._store.get_transaction_hashes(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for the request that runs, then close the files; closing twice is harmless."""
        with self._rpc.lock:
            self._store.close()


def _choose(asked: int | None, store: Store, name: str, default: int) -> int:
    if asked is not None:
        return asked
    recorded = get_recorded(store, name)
    return default if recorded is None else recorded
