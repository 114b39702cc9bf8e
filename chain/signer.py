"""Signing for a simulation: the bytes that eth-account would make, without its checks.

For each transaction eth-account derives the address from the key anew and takes the fields through
several layers of formatters; with a dozen a round, that took longer than sealing their blocks.
"""

from typing import Any

from coincurve import PrivateKey
from eth_account.datastructures import SignedTransaction
from eth_account.signers.local import LocalAccount
from eth_hash.auto import keccak
from hexbytes import HexBytes

from chain.devnet.trie_nodes import encode_node

_DYNAMIC_FEE = b"\x02"
_QUANTITIES = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")


class QuickSigner:
    """Signs what `chain.sender` sends, EIP-1559 transactions without an access list."""

    def __init__(self, account: LocalAccount) -> None:
        self.address: str = account.address
        self._key = PrivateKey(bytes(account.key))

    def sign_transaction(self, transaction_dict: dict[str, Any]) -> SignedTransaction:
        """Return the transaction, signed with the nonce of RFC 6979. Source: EIP-1559."""
        quantities = [_to_bytes(transaction_dict[name]) for name in _QUANTITIES]
        to = bytes.fromhex(transaction_dict.get("to", "")[2:])
        value, data = _to_bytes(transaction_dict["value"]), transaction_dict["data"]
        # The empty list is the one of accesses.
        fields = [*quantities, to, value, data, []]
        digest = keccak(_DYNAMIC_FEE + encode_node(fields))
        signature = self._key.sign_recoverable(digest, hasher=None)
        r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
        v = signature[64]
        raw = _DYNAMIC_FEE + encode_node([*fields, *map(_to_bytes, (v, r, s))])
        return SignedTransaction(HexBytes(raw), HexBytes(keccak(raw)), r, s, v)


def _to_bytes(quantity: int) -> bytes:
    """Return a number as RLP has it: big-endian, zero as no bytes."""
    return quantity.to_bytes((quantity.bit_length() + 7) // 8, "big")
