"""The methods that change the chain: sending, mining, and the clock of the next block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from eth.abc import SignedTransactionAPI

from chain.devnet import params
from chain.devnet.errors import BadParams, Refused
from chain.devnet.evm import GAS_LIMIT, Chain
from chain.devnet.formats import format_data
from chain.devnet.pool import Pool
from chain.devnet.rpc import Method
from chain.devnet.store import Store
from chain.devnet.transactions import decode_transaction

MAX_BLOCKS = 1_000
"""Of one `evm_mine`: about a second of work."""
_LATEST_TIMESTAMP = 2**63 - 1


class Acting:
    """Sends and mines; with automine, as it starts, every transaction sent is mined at once.

    Whoever is given the hash of a transaction may rely on it: it is then mined, or on disk among
    those that wait. Inside `grouping` that is so only after `settle`, which does it for all at
    once. A read-only chain refuses every one of these methods.
    """

    def __init__(self, chain: Chain, store: Store, pool: Pool) -> None:
        self._chain = chain
        self._store = store
        self._pool = pool
        self._is_automining = True
        self._is_grouping = False
        self._unsettled: list[SignedTransactionAPI] = []

    def list_methods(self) -> dict[str, Method]:
        """Return the methods by their JSON-RPC names."""
        return {
            "eth_sendRawTransaction": self.send,
            "evm_setAutomine": self.set_automine,
            "hardhat_getAutomine": self.get_automine,
            "evm_mine": self.mine,
            "evm_setNextBlockTimestamp": self.set_next_block_timestamp,
            "evm_increaseTime": self.increase_time,
        }

    def send(self, payload: object) -> str:
        """eth_sendRawTransaction: return the hash; a transaction that will revert is mined too."""
        return self.accept(params.parse_data("transaction", payload))

    def accept(self, encoded: bytes) -> str:
        """Let a signed transaction (EIP-2718) in, and settle it; return its hash."""
        self._chain.check_writable()
        transaction = decode_transaction(
            encoded, chain_id=self._chain.chain_id, gas_limit=GAS_LIMIT
        )
        self._check_against_head(transaction)
        self._unsettled.append(transaction)
        if not self._is_grouping:
            self.settle()
        return format_data(transaction.hash)

    @contextmanager
    def grouping(self) -> Iterator[None]:
        """Leave what is sent in here to `settle`, so that many share a block and a commit."""
        self._is_grouping = True
        try:
            yield
        finally:
            self._is_grouping = False

    def settle(self) -> None:
        """Mine what was sent, or put it among those on disk that wait.

        Raises `DiskFull`; then none of it was sent.
        """
        if not self._unsettled:
            return
        try:
            while self._is_automining and self._is_anything_ready():
                self._chain.mine(self._pool)
            self._save()
        except BaseException:
            # The senders are told that it failed, so it must not be mined later on.
            self._pool.remove(self._unsettled)
            raise
        finally:
            self._unsettled = []

    def resume(self) -> None:
        """Mine what waited when the chain was opened, as far as it can be."""
        while self._is_automining and self._is_anything_ready():
            self._chain.mine(self._pool)

    def set_automine(self, is_on: object) -> bool:
        """evm_setAutomine: off, transactions wait for evm_mine."""
        self._chain.check_writable()
        self._is_automining = params.parse_boolean("automine", is_on)
        return True

    def get_automine(self) -> bool:
        """hardhat_getAutomine, which anvil answers too: whether what is sent is mined at once."""
        return self._is_automining

    def mine(self, how: object = None) -> str:
        """evm_mine: put all that waits and fits into one block, be it empty.

        `how` is the unix time of the block, or an object with `timestamp` and, as in anvil,
        `blocks`, the number of blocks to mine.
        """
        self._chain.check_writable()
        timestamp, count = _parse_mining(how)
        if timestamp is not None:
            self.set_next_block_timestamp(timestamp)
        for _ in range(count):
            self._chain.mine(self._pool)
        return "0x0"

    def set_next_block_timestamp(self, timestamp: object) -> str:
        """evm_setNextBlockTimestamp: the unix time of the next block, and only of that one."""
        self._chain.check_writable()
        at = params.parse_quantity("timestamp", timestamp)
        parent = self._chain.head.header.timestamp
        if not parent < at <= _LATEST_TIMESTAMP:
            raise BadParams("timestamp", expected=f"later than the head's {parent}", got=at)
        self._chain.force_next_timestamp(at)
        return hex(at)

    def increase_time(self, seconds: object) -> str:
        """evm_increaseTime: move the clock ahead for good; return the seconds it is ahead."""
        self._chain.check_writable()
        step = params.parse_quantity("seconds", seconds)
        if self._chain.compute_next_timestamp() + step > _LATEST_TIMESTAMP:
            raise BadParams("seconds", expected="a time below 2^63", got=step)
        return hex(self._chain.advance_clock(step))

    def _is_anything_ready(self) -> bool:
        base_fee = self._chain.compute_next_base_fee_wei()
        state = self._chain.get_state(self._chain.head)
        held_back: set[bytes] = set()
        for transaction in self._pool.iterate_ready(state.get_nonce):
            if transaction.sender in held_back:
                continue
            if transaction.max_fee_per_gas >= base_fee:
                return True
            held_back.add(transaction.sender)
        return False

    def _save(self) -> None:
        change = self._pool.compute_change()
        if change.added or change.removed:
            self._store.write_pool(change)
            self._pool.mark_saved()

    def _check_against_head(self, transaction: SignedTransactionAPI) -> None:
        base_fee = self._chain.compute_next_base_fee_wei()
        if transaction.max_fee_per_gas < base_fee:
            raise Refused(
                "max fee per gas less than block base fee",
                expected=f"at least {base_fee}",
                got=transaction.max_fee_per_gas,
            )
        state = self._chain.get_state(self._chain.head)
        sender = transaction.sender
        if state.get_code(sender):
            raise Refused("sender not an eoa", expected="no code (EIP-3607)", got=sender.hex())
        self._pool.add(
            transaction, nonce=state.get_nonce(sender), balance_wei=state.get_balance(sender)
        )


def _parse_mining(how: object) -> tuple[object, int]:
    if not isinstance(how, Mapping):
        return how, 1
    count = params.parse_quantity("blocks", how.get("blocks") or 1)
    if count > MAX_BLOCKS:
        raise BadParams("blocks", expected=f"at most {MAX_BLOCKS}", got=count)
    return how.get("timestamp"), count
