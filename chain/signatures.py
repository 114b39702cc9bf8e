"""Signatures under what peers say to each other, and no transaction carries.

Typed data (https://eips.ethereum.org/EIPS/eip-712) in the domain of one chain and one federation:
what was signed for one means nothing to another, and can never be a transaction.
"""

from dataclasses import asdict
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from chain.states import Reading

SIGNATURE_BYTES = 65
_TYPES = {
    "Reading": [
        {"name": "reader", "type": "uint256"},
        {"name": "server", "type": "uint256"},
        {"name": "method", "type": "string"},
        {"name": "path", "type": "string"},
        {"name": "at", "type": "uint256"},
    ]
}


class Signatures:
    """Of the seats of one federation."""

    def __init__(self, chain_id: int, contract: str) -> None:
        self._domain = {
            "name": "Holdfast",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": contract,
        }

    def sign(self, account: LocalAccount, reading: Reading) -> bytes:
        """Return the signature of a request to read: r, s and v, 65 bytes."""
        return bytes(account.sign_message(self._encode(reading)).signature)

    def recover(self, reading: Reading, signature: bytes) -> str | None:
        """Return the address whose key signed a request; None: these bytes are no key's."""
        if len(signature) != SIGNATURE_BYTES:
            return None
        try:
            return str(Account.recover_message(self._encode(reading), signature=signature))
        except (BadSignature, ValidationError, ValueError):
            return None

    def _encode(self, reading: Reading) -> Any:
        return encode_typed_data(self._domain, _TYPES, asdict(reading))
