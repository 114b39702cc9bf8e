"""Signed transactions: decoding, and the checks that need no state."""

from __future__ import annotations

from typing import Final

from eth.abc import SignedTransactionAPI
from eth.constants import CREATE_CONTRACT_ADDRESS, GAS_TX
from eth.exceptions import UnrecognizedTransactionType
from eth.vm.forks.prague.constants import STANDARD_TOKEN_COST, TOTAL_COST_FLOOR_PER_TOKEN
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth.vm.forks.shanghai.constants import MAX_INITCODE_SIZE
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from chain.devnet.errors import Refused

LEGACY: Final = 0
ACCESS_LIST: Final = 1
DYNAMIC_FEE: Final = 2
_FIRST_LEGACY_BYTE: Final = 0xC0
"""EIP-2718: an RLP list opens a legacy transaction, any lower byte is a type."""
_HALF_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2
_MAX_NONCE: Final = 2**64 - 2


def decode_transaction(payload: bytes, *, chain_id: int, gas_limit: int) -> SignedTransactionAPI:
    """Return the transaction that `payload` (EIP-2718) holds, its sender recovered and cached.

    Admits legacy (with EIP-155), EIP-2930 and EIP-1559 transactions. py-evm itself checks neither
    the gas limit nor the fees of typed transactions, so that is done here.

    Raises `Refused` for bytes that are no such transaction, another chain's id, a signature that
    is none, too little gas to start (EIP-7623's floor included) or more than a block holds, a tip
    above the fee, oversized initcode (EIP-3860).
    """
    transaction = _decode(payload)
    _check_chain(transaction, chain_id)
    _check_signature(transaction)
    _check_limits(transaction, gas_limit)
    return transaction


def get_type(transaction: SignedTransactionAPI) -> int:
    """Return the EIP-2718 type, 0 for a legacy transaction."""
    return transaction.type_id or LEGACY


def decode_stored(payload: bytes) -> SignedTransactionAPI:
    """Decode a transaction that was checked when it was mined."""
    transaction: SignedTransactionAPI = PragueTransactionBuilder.decode(payload)
    return transaction


def compute_floor_gas(data: bytes) -> int:
    """Return the least gas that a transaction with this calldata pays for. Source: EIP-7623."""
    zeros = data.count(0)
    tokens = zeros + (len(data) - zeros) * STANDARD_TOKEN_COST
    return GAS_TX + TOTAL_COST_FLOOR_PER_TOKEN * tokens


def check_nonce(nonce: int) -> None:
    """Raise `Refused` for a nonce that no account can reach. Source: EIP-2681."""
    if nonce > _MAX_NONCE:
        raise Refused("nonce has max value", expected=f"<= {_MAX_NONCE}", got=nonce)


def _decode(payload: bytes) -> SignedTransactionAPI:
    if not payload:
        raise Refused("empty transaction", expected="a signed transaction", got="no bytes")
    if payload[0] < _FIRST_LEGACY_BYTE and payload[0] not in (ACCESS_LIST, DYNAMIC_FEE):
        raise Refused("transaction type not supported", expected="0, 1 or 2", got=payload[0])
    try:
        return decode_stored(payload)
    except (RLPException, ValidationError, UnrecognizedTransactionType) as error:
        raise Refused(
            "transaction cannot be decoded", expected="EIP-2718 bytes", got=error
        ) from error


def _check_chain(transaction: SignedTransactionAPI, chain_id: int) -> None:
    if transaction.chain_id is None:
        raise Refused(
            "only replay-protected (EIP-155) transactions allowed", expected=chain_id, got="none"
        )
    if transaction.chain_id != chain_id:
        raise Refused("invalid chain id", expected=chain_id, got=transaction.chain_id)


def _check_signature(transaction: SignedTransactionAPI) -> None:
    if not 0 < transaction.s <= _HALF_ORDER:
        raise Refused("invalid signature", expected="0 < s <= n/2 (EIP-2)", got=transaction.s)
    try:
        _ = transaction.sender
    except (BadSignature, ValidationError) as error:
        raise Refused("invalid signature", expected="a recoverable key", got=error) from error


def _check_limits(transaction: SignedTransactionAPI, gas_limit: int) -> None:
    least = max(transaction.intrinsic_gas, compute_floor_gas(transaction.data))
    if transaction.gas < least:
        raise Refused("intrinsic gas too low", expected=f"at least {least}", got=transaction.gas)
    if transaction.gas > gas_limit:
        raise Refused("exceeds block gas limit", expected=f"<= {gas_limit}", got=transaction.gas)
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise Refused(
            "max priority fee per gas higher than max fee per gas",
            expected=f"<= {transaction.max_fee_per_gas}",
            got=transaction.max_priority_fee_per_gas,
        )
    check_nonce(transaction.nonce)
    size = len(transaction.data)
    if transaction.to == CREATE_CONTRACT_ADDRESS and size > MAX_INITCODE_SIZE:
        raise Refused("max initcode size exceeded", expected=f"<= {MAX_INITCODE_SIZE}", got=size)
