"""Funded development accounts, the same ones as anvil's and hardhat's.

Their keys are public knowledge: never send them anything of value on a real network.
Derivation is BIP-39 (mnemonic to seed) and BIP-32 along BIP-44's Ethereum path, done here because
eth_account starts from the mnemonic for each account: 8 ms apiece, against 4 ms for sixteen.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from coincurve import PrivateKey
from eth_account import Account
from eth_account.signers.local import LocalAccount

MNEMONIC: Final = "test test test test test test test test test test test junk"
_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HARDENED: Final = 0x80000000
_PATH: Final = (_HARDENED + 44, _HARDENED + 60, _HARDENED, 0)
"""m/44'/60'/0'/0: purpose, coin type of Ether, account, receiving addresses."""


def derive_accounts(count: int, mnemonic: str = MNEMONIC) -> tuple[LocalAccount, ...]:
    """Return the first `count` accounts of `mnemonic`, with their keys, in order.

    Source: BIP-39, BIP-32, BIP-44.

    >>> [account.address for account in derive_accounts(2)]
    ['0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', '0x70997970C51812dc3A010C7d01b50e0d17dc79C8']
    """
    seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", 2048)
    key, chain_code = _split(hmac.digest(b"Bitcoin seed", seed, "sha512"))
    for index in _PATH:
        key, chain_code = _derive_child(key, chain_code, index)
    keys = (_derive_child(key, chain_code, index)[0] for index in range(count))
    return tuple(Account.from_key(child.to_bytes(32, "big")) for child in keys)


def _derive_child(key: int, chain_code: bytes, index: int) -> tuple[int, bytes]:
    """BIP-32's CKDpriv. Its two invalid outcomes have odds below 2^-127 and are not handled."""
    secret = key.to_bytes(32, "big")
    is_hardened = index >= _HARDENED
    material = b"\0" + secret if is_hardened else PrivateKey(secret).public_key.format()
    digest = hmac.digest(chain_code, material + index.to_bytes(4, "big"), "sha512")
    tweak, child_chain_code = _split(digest)
    return (tweak + key) % _CURVE_ORDER, child_chain_code


def _split(digest: bytes) -> tuple[int, bytes]:
    return int.from_bytes(digest[:32], "big"), digest[32:]
