"""Records to JSON-RPC objects: quantities as bare hex, bytes as padded hex, absent as null."""

from __future__ import annotations

from collections.abc import Sequence

from eth.abc import SignedTransactionAPI
from eth_bloom.bloom import BloomFilter

from chain.devnet.codec import Header
from chain.devnet.evm import Block
from chain.devnet.records import LogRecord, TransactionRecord
from chain.devnet.transactions import ACCESS_LIST, DYNAMIC_FEE, LEGACY, get_type

Json = dict[str, object]


def format_data(data: bytes) -> str:
    """Return bytes as hex.

    >>> format_data(bytes([0, 1]))
    '0x0001'
    """
    return f"0x{data.hex()}"


def format_block(block: Block, transactions: Sequence[object]) -> Json:
    """Return a block, its transactions given as hashes or as objects."""
    header = block.header
    return {
        "hash": format_data(block.record.hash),
        "size": hex(block.record.size_bytes),
        "transactions": list(transactions),
        "uncles": [],
        "withdrawals": [],
        **_format_header(header),
    }


def _format_header(header: Header) -> Json:
    return {
        "number": hex(header.block_number),
        "parentHash": format_data(header.parent_hash),
        "nonce": format_data(header.nonce),
        "mixHash": format_data(header.mix_hash),
        "sha3Uncles": format_data(header.uncles_hash),
        "logsBloom": f"0x{header.bloom:0512x}",
        "transactionsRoot": format_data(header.transaction_root),
        "stateRoot": format_data(header.state_root),
        "receiptsRoot": format_data(header.receipt_root),
        "withdrawalsRoot": format_data(header.withdrawals_root),
        "requestsHash": format_data(header.requests_hash),
        "parentBeaconBlockRoot": format_data(header.parent_beacon_block_root),
        "miner": format_data(header.coinbase),
        "difficulty": hex(header.difficulty),
        "extraData": format_data(header.extra_data),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "baseFeePerGas": hex(header.base_fee_per_gas),
        "blobGasUsed": hex(header.blob_gas_used),
        "excessBlobGas": hex(header.excess_blob_gas),
        "timestamp": hex(header.timestamp),
    }


def format_transaction(
    transaction: SignedTransactionAPI, record: TransactionRecord | None, block: Block | None
) -> Json:
    """Return a transaction; `record` and `block` are None while it waits to be mined."""
    kind = get_type(transaction)
    return {
        "hash": format_data(transaction.hash),
        "type": hex(kind),
        "chainId": hex(transaction.chain_id or 0),
        "nonce": hex(transaction.nonce),
        "from": format_data(record.sender if record else transaction.sender),
        "to": format_data(transaction.to) if transaction.to else None,
        "value": hex(transaction.value),
        "gas": hex(transaction.gas),
        "input": format_data(transaction.data),
        "blockHash": format_data(block.record.hash) if block else None,
        "blockNumber": hex(block.record.number) if block else None,
        "transactionIndex": hex(record.position) if record else None,
        "gasPrice": hex(record.gas_price_wei if record else transaction.max_fee_per_gas),
        **_format_fees(transaction, kind),
        **_format_signature(transaction, kind),
    }


def _format_fees(transaction: SignedTransactionAPI, kind: int) -> Json:
    if kind != DYNAMIC_FEE:
        return {}
    return {
        "maxFeePerGas": hex(transaction.max_fee_per_gas),
        "maxPriorityFeePerGas": hex(transaction.max_priority_fee_per_gas),
    }


def _format_signature(transaction: SignedTransactionAPI, kind: int) -> Json:
    # EIP-155 folds the chain id into a legacy transaction's v.
    parity = transaction.y_parity
    v = parity + 35 + 2 * (transaction.chain_id or 0) if kind == LEGACY else parity
    signature: Json = {"v": hex(v), "r": hex(transaction.r), "s": hex(transaction.s)}
    if kind not in (ACCESS_LIST, DYNAMIC_FEE):
        return signature
    entries = [
        {
            "address": format_data(address),
            "storageKeys": [f"0x{slot:064x}" for slot in slots],
        }
        for address, slots in transaction.access_list
    ]
    return {**signature, "yParity": hex(parity), "accessList": entries}


def format_receipt(
    record: TransactionRecord,
    transaction: SignedTransactionAPI,
    block: Block,
    logs: Sequence[LogRecord],
) -> Json:
    """Return the receipt of a mined transaction."""
    contract = record.contract
    bloom = BloomFilter.from_iterable(item for log in logs for item in (log.address, *log.topics))
    return {
        "transactionHash": format_data(record.hash),
        "transactionIndex": hex(record.position),
        "blockHash": format_data(block.record.hash),
        "blockNumber": hex(record.block),
        "from": format_data(record.sender),
        "to": format_data(transaction.to) if transaction.to else None,
        "type": hex(get_type(transaction)),
        "status": hex(record.status),
        "gasUsed": hex(record.gas_used),
        "cumulativeGasUsed": hex(record.cumulative_gas_used),
        "effectiveGasPrice": hex(record.gas_price_wei),
        "contractAddress": None if contract is None else format_data(contract),
        "logsBloom": f"0x{int(bloom):0512x}",
        "logs": [format_log(log, block.record.hash, record.hash) for log in logs],
    }


def format_log(log: LogRecord, block_hash: bytes, transaction_hash: bytes) -> Json:
    """Return a log with where it stands in the chain."""
    return {
        "address": format_data(log.address),
        "topics": [format_data(topic) for topic in log.topics],
        "data": format_data(log.data),
        "blockNumber": hex(log.block),
        "blockHash": format_data(block_hash),
        "transactionHash": format_data(transaction_hash),
        "transactionIndex": hex(log.transaction),
        "logIndex": hex(log.position),
        "removed": False,
    }
