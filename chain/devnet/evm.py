"""The chain itself: blocks made by py-evm, Prague rules, no proof of anything.

A block is built from its final header: timestamp and gas limit are set before the first
transaction runs, so the EVM sees what the header will say. (py-evm's `mine_all(timestamp=…)`
stamps the block afterwards, and its gas limit drifts by 1/1024 a block.) Transactions are applied
to one journal and the trie is written once per block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from eth.abc import ExecutionContextAPI, StateAPI
from eth.constants import BLANK_ROOT_HASH, MAX_PREV_HEADER_DEPTH, ZERO_ADDRESS, ZERO_HASH32
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas
from eth.vm.forks.prague import PragueVM
from eth_typing import Address, BlockNumber, Hash32
from lru import LRU

from chain.devnet.building import build_block, build_genesis
from chain.devnet.codec import Header, decode_header
from chain.devnet.errors import ChainMismatch, Refused, StoreUnreadable
from chain.devnet.integrity import check_head
from chain.devnet.interpreter import State
from chain.devnet.nodes import NodeDatabase
from chain.devnet.pool import Pool
from chain.devnet.records import BlockRecord
from chain.devnet.store import Store

GAS_LIMIT: Final = 60_000_000
"""Per block, the same in every block; mainnet's at the end of 2025."""
CACHED_BLOCKS: Final = 512
CACHED_STATES: Final = 8
"""Each keeps the accounts and slots it has read, so that the next call finds them."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block's record with its header decoded."""

    record: BlockRecord
    header: Header


class Chain:
    """One chain over one store: its head, its past, the clock of its next block.

    `funded` are the addresses that a new chain's genesis endows; an existing chain must have been
    made for as many and for the same `chain_id`, else `ChainMismatch`. A `read_only` chain follows
    what another process writes and never mines.

    Raises `StoreUnreadable` where the head is not what its header promises.
    """

    def __init__(
        self,
        store: Store,
        *,
        chain_id: int,
        funded: Sequence[Address],
        clock: Callable[[], int],
        read_only: bool,
    ) -> None:
        self.chain_id = chain_id
        self.read_only = read_only
        self._store = store
        self._clock = clock
        self._nodes = NodeDatabase(store)
        self._blocks: LRU[int, Block] = LRU(CACHED_BLOCKS)
        self._states: LRU[bytes, StateAPI] = LRU(CACHED_STATES)
        self._listeners: list[Callable[[Block], None]] = []
        self._offset_seconds = 0
        self._forced_timestamp: int | None = None
        if not store.get_facts() and not read_only:
            self._write_genesis(funded)
        self._check_identity(len(funded))
        self._head = self._load_head()
        check_head(store, self._head.record, self._head.header, self._nodes)

    @property
    def head(self) -> Block:
        """The newest block."""
        if self.read_only:
            self._head = self._load_head()
        return self._head

    def check_writable(self) -> None:
        """Raise `Refused` where another process is the writer."""
        if self.read_only:
            raise Refused("chain is opened read-only", expected="a writable chain", got="read-only")

    def get_block(self, number: int) -> Block | None:
        """Return the block with this number, None beyond the head."""
        # What another process writes it may also revert.
        if number in self._blocks and not self.read_only:
            return self._blocks[number]
        return self._keep(self._store.get_block(number))

    def get_block_hash(self, number: int) -> bytes | None:
        """Return the hash of the block with this number; its header is not decoded."""
        if number in self._blocks and not self.read_only:
            return self._blocks[number].record.hash
        record = self._store.get_block(number)
        return None if record is None else record.hash

    def get_block_by_hash(self, block_hash: bytes) -> Block | None:
        """Return the block with this hash."""
        return self._keep(self._store.get_block_by_hash(block_hash))

    def compute_next_base_fee_wei(self) -> int:
        """Return the base fee of the block after the head. Source: EIP-1559."""
        return _compute_base_fee_wei(self.head.header)

    def compute_next_timestamp(self) -> int:
        """Return the unix time that the next block would have if it were mined now."""
        return self._compute_timestamp(self.head.header)

    def _compute_timestamp(self, parent: Header) -> int:
        earliest: int = parent.timestamp + 1
        if self._forced_timestamp is not None and self._forced_timestamp >= earliest:
            return self._forced_timestamp
        return max(earliest, self._clock() + self._offset_seconds)

    def force_next_timestamp(self, timestamp: int) -> None:
        """Give the next block, and only that one, this unix time, which the caller has checked."""
        self._forced_timestamp = timestamp

    def advance_clock(self, seconds: int) -> int:
        """Move this chain's clock ahead of the one it was given; return by how much in all.

        It is not written to disk: on reopening the clock is again the one given.
        """
        self._offset_seconds += seconds
        return self._offset_seconds

    @property
    def offset_seconds(self) -> int:
        """How far this chain's clock is ahead of the one it was given."""
        return self._offset_seconds

    def listen(self, listener: Callable[[Block], None]) -> None:
        """Call `listener` with every block once it is on disk, before anything else happens."""
        self._listeners.append(listener)

    def get_state(self, block: Block, *, is_next: bool = False) -> StateAPI:
        """Return the state after `block`; what runs in it sees `block`, or with `is_next` the next.

        The object is shared: whoever changes it puts everything back, and nobody keeps it.
        """
        root = block.header.state_root
        make = self._make_next_context if is_next else self._make_context
        context = make(block.header)
        state = self._states.get(root)
        if state is None:
            state = self._states[root] = State(self._nodes, context, root)
        state.execution_context = context
        return state

    def mine(self, pool: Pool) -> None:
        """Put what is ready in `pool` into the next block, and take out what is done with.

        One that does not fit beside the others stays for a later block, with its sender's other
        ones. What came into the pool since it was last saved goes to disk in the same transaction.

        Raises `DiskFull`; head and pool then stay what they were.
        """
        parent = self.head.header
        header = PragueVM.create_header_from_parent(
            parent, timestamp=self.compute_next_timestamp(), gas_limit=GAS_LIMIT
        )
        context = self._make_context(header)
        ready = pool.iterate_ready(self.get_state(self._head).get_nonce)
        try:
            state = State(self._nodes, context, parent.state_root)
            done, mined = build_block(state, header, ready, self._nodes.pending)
            self._store.write(mined, pool=pool.compute_change(done))
            self._nodes.keep()
        finally:
            # Whatever happened, an interrupt right after the commit included: the disk is right.
            self._nodes.discard()
            self._head = self._load_head()
        pool.remove(done)
        pool.mark_saved()
        self._forced_timestamp = None
        for listener in self._listeners:
            listener(self._head)

    def revert(self, number: int, pool: Pool, *, offset_seconds: int) -> None:
        """Go back to the block with this number, the waiting transactions being those of `pool`.

        Raises `DiskFull`; the head then stays what it was.
        """
        try:
            self._store.revert(number, pool.compute_change())
        finally:
            self._blocks.clear()
            self._head = self._load_head()
        pool.mark_saved()
        self._offset_seconds = offset_seconds
        self._forced_timestamp = None

    def _write_genesis(self, funded: Sequence[Address]) -> None:
        context = ExecutionContext(
            ZERO_ADDRESS, 0, BlockNumber(-1), 0, ZERO_HASH32, 0, (), self.chain_id, 0, 0
        )
        facts = {"chain_id": _to_bytes(self.chain_id), "accounts": _to_bytes(len(funded))}
        try:
            mined = build_genesis(
                State(self._nodes, context, BLANK_ROOT_HASH),
                funded,
                timestamp=self._clock(),
                gas_limit=GAS_LIMIT,
                nodes=self._nodes.pending,
            )
            self._store.write(mined, facts | {"genesis": mined.block.hash})
            self._nodes.keep()
        finally:
            self._nodes.discard()

    def _check_identity(self, accounts: int) -> None:
        facts = self._store.get_facts()
        genesis = self._store.get_block(0)
        if not facts or genesis is None:
            raise StoreUnreadable("devnet store", expected="a genesis block", got="none")
        asked = {"chain_id": _to_bytes(self.chain_id), "accounts": _to_bytes(accounts)}
        for name, value in asked.items():
            if facts[name] != value:
                raise ChainMismatch(
                    f"devnet {name.replace('_', ' ')}",
                    expected=int.from_bytes(value, "big"),
                    got=int.from_bytes(facts[name], "big"),
                )
        if facts["genesis"] != genesis.hash:
            raise ChainMismatch(
                "devnet genesis", expected=facts["genesis"].hex(), got=genesis.hash.hex()
            )

    def _load_head(self) -> Block:
        head = self._keep(self._store.get_head())
        if head is None:
            raise StoreUnreadable("devnet store", expected="a genesis block", got="none")
        return head

    def _keep(self, record: BlockRecord | None) -> Block | None:
        if record is None:
            return None
        known = self._blocks.get(record.number)
        if known is None or known.record.hash != record.hash:
            known = self._blocks[record.number] = Block(record, decode_header(record.header))
        return known

    def _make_next_context(self, parent: Header) -> ExecutionContextAPI:
        return ExecutionContext(
            coinbase=parent.coinbase,
            timestamp=self._compute_timestamp(parent),
            block_number=BlockNumber(parent.block_number + 1),
            difficulty=0,
            mix_hash=parent.mix_hash,
            gas_limit=GAS_LIMIT,
            prev_hashes=self._iterate_hashes(parent.block_number),
            chain_id=self.chain_id,
            base_fee_per_gas=_compute_base_fee_wei(parent),
            excess_blob_gas=0,
        )

    def _make_context(self, header: Header) -> ExecutionContextAPI:
        return ExecutionContext(
            coinbase=header.coinbase,
            timestamp=header.timestamp,
            block_number=header.block_number,
            difficulty=0,
            mix_hash=header.mix_hash,
            gas_limit=header.gas_limit,
            prev_hashes=self._iterate_hashes(header.block_number - 1),
            chain_id=self.chain_id,
            base_fee_per_gas=header.base_fee_per_gas,
            excess_blob_gas=0,
        )

    def _iterate_hashes(self, newest: int) -> Iterator[Hash32]:
        """Hashes for BLOCKHASH, newest first; read only when a contract asks."""
        for number in range(newest, max(newest - MAX_PREV_HEADER_DEPTH, -1), -1):
            found = self.get_block_hash(number)
            if found is None:
                return
            yield Hash32(found)


def get_recorded(store: Store, name: str) -> int | None:
    """Return the `chain_id` or number of `accounts` that a store's chain was made with."""
    value = store.get_facts().get(name)
    return None if value is None else int.from_bytes(value, "big")


def _compute_base_fee_wei(parent: Header) -> int:
    fee: int = calculate_expected_base_fee_per_gas(parent)
    return fee


def _to_bytes(value: int) -> bytes:
    return value.to_bytes(32, "big")
