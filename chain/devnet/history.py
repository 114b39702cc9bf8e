"""The methods that read what was mined: blocks, transactions, receipts, logs, fees."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby

from chain.devnet import params
from chain.devnet.errors import BadParams, LimitExceeded
from chain.devnet.evm import Block, Chain
from chain.devnet.formats import (
    Json,
    format_block,
    format_data,
    format_log,
    format_receipt,
    format_transaction,
)
from chain.devnet.limits import LogLimits
from chain.devnet.lookup import find_block, get_block
from chain.devnet.params import BlockRef
from chain.devnet.pool import Pool
from chain.devnet.records import LogFilter, LogRecord, TransactionRecord
from chain.devnet.rpc import Method
from chain.devnet.store import Store
from chain.devnet.transactions import decode_stored

MAX_FEE_HISTORY = 1024
"""Blocks in one answer, as in geth."""
MAX_PERCENTILES = 100
"""Asked for at once, as in geth."""


class History:
    """Answers from the blocks that are on record; the only thing not mined it knows is a
    transaction that waits, asked for by its hash. `limits` are those of `eth_getLogs`, if any."""

    def __init__(self, chain: Chain, store: Store, pool: Pool, limits: LogLimits | None) -> None:
        self._limits = limits
        self._chain = chain
        self._store = store
        self._pool = pool

    def list_methods(self) -> dict[str, Method]:
        """Return the methods by their JSON-RPC names."""
        return {
            "eth_blockNumber": lambda: hex(self._chain.head.record.number),
            "eth_getBlockByNumber": self.get_block,
            "eth_getBlockByHash": self.get_block,
            "eth_getTransactionByHash": self.get_transaction,
            "eth_getTransactionReceipt": self.get_receipt,
            "eth_feeHistory": self.get_fee_history,
            "eth_getLogs": self.get_logs,
        }

    def get_block(self, which: object, full: object = False) -> Json | None:
        """eth_getBlockByNumber, eth_getBlockByHash: null when there is no such block."""
        block = find_block(self._chain, params.parse_block("block", which))
        is_full = params.parse_boolean("full transactions", full)
        if block is None:
            return None
        number = block.record.number
        if not is_full:
            hashes = map(format_data, self._store.get_transaction_hashes(number))
            return format_block(block, tuple(hashes))
        records = self._store.get_transactions(number)
        return format_block(
            block, [format_transaction(decode_stored(r.payload), r, block) for r in records]
        )

    def get_transaction(self, transaction_hash: object) -> Json | None:
        """eth_getTransactionByHash: mined or waiting, else null."""
        wanted = params.parse_hash("transaction hash", transaction_hash)
        record = self._store.get_transaction(wanted)
        if record is not None:
            transaction = decode_stored(record.payload)
            return format_transaction(transaction, record, self._block_of(record))
        waiting = self._pool.get(wanted)
        return None if waiting is None else format_transaction(waiting, None, None)

    def get_receipt(self, transaction_hash: object) -> Json | None:
        """eth_getTransactionReceipt: null until it is mined."""
        record = self._store.get_transaction(
            params.parse_hash("transaction hash", transaction_hash)
        )
        if record is None:
            return None
        logs = self._store.get_transaction_logs(record.block, record.position)
        return format_receipt(record, decode_stored(record.payload), self._block_of(record), logs)

    def get_fee_history(self, count: object, newest: object, percentiles: object = None) -> Json:
        """eth_feeHistory: base fees of up to 1024 blocks and the next, fullness, tips."""
        last = get_block(self._chain, params.parse_block("newest block", newest)).record.number
        wanted = min(params.parse_quantity("block count", count), MAX_FEE_HISTORY, last + 1)
        first = last + 1 - wanted
        blocks = [
            get_block(self._chain, BlockRef(number=number)) for number in range(first, last + 1)
        ]
        following = self._chain.get_block(last + 1)
        next_fee = (
            following.header.base_fee_per_gas
            if following
            else self._chain.compute_next_base_fee_wei()
        )
        fees = [block.header.base_fee_per_gas for block in blocks]
        history: Json = {
            "oldestBlock": hex(first),
            "baseFeePerGas": [hex(fee) for fee in (*fees, next_fee)],
            "gasUsedRatio": [block.header.gas_used / block.header.gas_limit for block in blocks],
        }
        if percentiles:
            points = _parse_percentiles(percentiles)
            history["reward"] = [self._list_tips(block, points) for block in blocks]
        return history

    def get_logs(self, wanted: object) -> list[Json]:
        """eth_getLogs: by addresses, topics, and a range of blocks or one block's hash."""
        request = params.parse_mapping("filter", wanted)
        first, last = self._parse_range(request)
        logs = self._list_logs(
            LogFilter(
                first,
                last,
                params.parse_addresses("address", request.get("address")),
                params.parse_topics("topics", request.get("topics")),
            )
        )
        formatted: list[Json] = []
        for number, group in groupby(logs, lambda log: log.block):
            block_hash = self._chain.get_block_hash(number)
            assert block_hash is not None, "a log is of a block"
            hashes = self._store.get_transaction_hashes(number)
            formatted.extend(format_log(log, block_hash, hashes[log.transaction]) for log in group)
        return formatted

    def _list_logs(self, wanted: LogFilter) -> list[LogRecord]:
        found = self._store.iterate_logs(wanted)
        if self._limits is None:
            return list(found)
        last = min(wanted.last, self._chain.head.record.number)
        _check_limit("blocks in the range", self._limits.blocks, last - wanted.first + 1)
        return list(_iterate_within(self._limits, found))

    def _parse_range(self, request: Mapping[str, object]) -> tuple[int, int]:
        if request.get("blockHash") is not None:
            if request.get("fromBlock") is not None or request.get("toBlock") is not None:
                raise BadParams("filter", expected="blockHash or a range", got="both")
            number = get_block(
                self._chain, params.parse_block("blockHash", request["blockHash"])
            ).record.number
            return number, number
        bounds = []
        for name in ("fromBlock", "toBlock"):
            reference = params.parse_block(name, request.get(name) or "latest")
            # A range may reach beyond the head: there is nothing there yet.
            is_number = reference.number is not None
            bounds.append(
                reference.number if is_number else get_block(self._chain, reference).record.number
            )
        first, last = (min(bound, 2**63 - 1) for bound in bounds if bound is not None)
        return first, last

    def _block_of(self, record: TransactionRecord) -> Block:
        return get_block(self._chain, BlockRef(number=record.block))

    def _list_tips(self, block: Block, points: Sequence[float]) -> list[str]:
        """Tips at the given percentiles of the block's gas. Source: geth's fee history."""
        base = block.header.base_fee_per_gas
        records = self._store.get_transactions(block.record.number)
        tips = sorted((record.gas_price_wei - base, record.gas_used) for record in records)
        reached = tuple(accumulate(gas for _, gas in tips))
        wanted = (point * block.header.gas_used / 100 for point in points)
        return [hex(tips[bisect_left(reached, gas)][0]) if tips else "0x0" for gas in wanted]


def _parse_percentiles(value: object) -> tuple[float, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise BadParams("reward percentiles", expected="a list", got=params.show(value))
    points = tuple(item for item in value if isinstance(item, int | float))
    if len(points) > MAX_PERCENTILES:
        raise BadParams("reward percentiles", expected=f"<= {MAX_PERCENTILES}", got=len(points))
    if len(points) != len(value) or not all(0 <= point <= 100 for point in points):
        raise BadParams(
            "reward percentiles", expected="numbers from 0 to 100", got=params.show(value)
        )
    return points


def _iterate_within(limits: LogLimits, logs: Iterator[LogRecord]) -> Iterator[LogRecord]:
    size = 0
    for count, log in enumerate(logs, 1):
        size += len(log.data)
        _check_limit("logs", limits.logs, count)
        _check_limit("bytes of log data", limits.data_bytes, size)
        yield log


def _check_limit(what: str, most: int, found: int) -> None:
    if found > most:
        raise LimitExceeded(
            f"query exceeds {most} {what}, ask for a shorter range",
            expected=f"at most {most} {what}",
            got=found,
        )
