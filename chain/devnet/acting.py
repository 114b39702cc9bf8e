"""The methods that change the chain: sending, mining, and the clock of the next block."""

from __future__ import annotations

from eth.abc import SignedTransactionAPI

from chain.devnet import params
from chain.devnet.errors import BadParams, Refused
from chain.devnet.evm import GAS_LIMIT, Chain
from chain.devnet.formats import format_data
from chain.devnet.pool import Pool
from chain.devnet.rpc import Method
from chain.devnet.transactions import decode_transaction

_LATEST_TIMESTAMP = 2**63 - 1


class Acting:
    """Sends and mines; with automine, as it starts, every transaction sent is mined at once.

    A read-only chain refuses every one of these methods.
    """

    def __init__(self, chain: Chain, pool: Pool) -> None:
        self._chain = chain
        self._pool = pool
        self._is_automining = True

    def list_methods(self) -> dict[str, Method]:
        """Return the methods by their JSON-RPC names."""
        return {
            "eth_sendRawTransaction": self.send,
            "evm_setAutomine": self.set_automine,
            "evm_mine": self.mine,
            "evm_setNextBlockTimestamp": self.set_next_block_timestamp,
            "evm_increaseTime": self.increase_time,
        }

    def send(self, payload: object) -> str:
        """eth_sendRawTransaction: return the hash; a transaction that will revert is mined too."""
        self._check_writable()
        encoded = params.parse_data("transaction", payload)
        transaction = decode_transaction(
            encoded, chain_id=self._chain.chain_id, gas_limit=GAS_LIMIT
        )
        self._check_against_head(transaction)
        if self._is_automining:
            try:
                self._mine_waiting()
            except BaseException:
                # The sender is told that it failed, so it must not be mined later on.
                self._pool.remove((transaction,))
                raise
        return format_data(transaction.hash)

    def set_automine(self, is_on: object) -> bool:
        """evm_setAutomine: off, transactions wait for evm_mine."""
        self._check_writable()
        self._is_automining = params.parse_boolean("automine", is_on)
        return True

    def mine(self, timestamp: object = None) -> str:
        """evm_mine: put all that waits and fits into one block, be it empty."""
        self._check_writable()
        if timestamp is not None:
            self.set_next_block_timestamp(timestamp)
        self._mine_waiting()
        return "0x0"

    def set_next_block_timestamp(self, timestamp: object) -> str:
        """evm_setNextBlockTimestamp: the unix time of the next block, and only of that one."""
        self._check_writable()
        at = params.parse_quantity("timestamp", timestamp)
        parent = self._chain.head.header.timestamp
        if not parent < at <= _LATEST_TIMESTAMP:
            raise BadParams("timestamp", expected=f"later than the head's {parent}", got=at)
        self._chain.force_next_timestamp(at)
        return hex(at)

    def increase_time(self, seconds: object) -> str:
        """evm_increaseTime: move the clock ahead for good; return the seconds it is ahead."""
        self._check_writable()
        step = params.parse_quantity("seconds", seconds)
        if self._chain.compute_next_timestamp() + step > _LATEST_TIMESTAMP:
            raise BadParams("seconds", expected="a time below 2^63", got=step)
        return hex(self._chain.advance_clock(step))

    def _mine_waiting(self) -> None:
        head = self._chain.get_state(self._chain.head)
        self._pool.remove(self._chain.mine(self._pool.iterate_ready(head.get_nonce)))

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

    def _check_writable(self) -> None:
        if self._chain.read_only:
            raise Refused("chain is opened read-only", expected="a writable chain", got="read-only")
