"""A key at rest: one file in the Web3 Secret Storage format (version 3), which every Ethereum
wallet reads (https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage/).

The key never leaves this process, and the password is neither logged nor kept.
"""

import json
import os
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from chain.errors import WalletRefused

OWNER_ONLY = 0o600
WORK = 2**18
"""scrypt's cost N: about a second, and 256 MB meanwhile, to try one password."""


def create_wallet(path: Path, password: str, *, work: int | None = None) -> LocalAccount:
    """Draw a new key and write it, encrypted, where no file is yet; return its account.

    `work`: scrypt's N, where a key is worth less than WORK. Raises WalletRefused.
    """
    _check_password(password)
    account: LocalAccount = Account.create()
    text = json.dumps(Account.encrypt(account.key, password, kdf="scrypt", iterations=work or WORK))
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT, OWNER_ONLY), "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: whatever happens at the same time, no key is ever written over.
        os.link(aside, path)
    except FileExistsError as error:
        raise WalletRefused(path, "no keystore yet", "one that is there") from error
    except OSError as error:
        raise WalletRefused(path, "a place to write to", error.strerror or str(error)) from error
    finally:
        aside.unlink(missing_ok=True)
    return account


def read_address(path: Path) -> str:
    """Return the address of a keystore without its password. Raises WalletRefused."""
    address = _read(path).get("address")
    try:
        return to_checksum_address(str(address))
    except ValueError as error:
        raise WalletRefused(path, "a keystore with its address", repr(address)) from error


def open_wallet(path: Path, password: str) -> LocalAccount:
    """Return the account whose key a file holds. Raises WalletRefused, for a wrong password too."""
    keystore = _read(path)
    try:
        key = Account.decrypt(keystore, password)
    except ValueError as error:
        raise WalletRefused(path, "the password of this keystore", "another one") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise WalletRefused(path, "a keystore of version 3", f"{error!r}") from error
    account: LocalAccount = Account.from_key(key)
    return account


def _read(path: Path) -> dict[str, object]:
    try:
        keystore = json.loads(path.read_text())
    except OSError as error:
        raise WalletRefused(path, "a keystore", error.strerror or str(error)) from error
    except ValueError as error:
        raise WalletRefused(path, "a keystore of version 3", "no JSON") from error
    if not isinstance(keystore, dict):
        raise WalletRefused(path, "a keystore of version 3", "no JSON object")
    return keystore


def _check_password(password: str) -> None:
    if not password:
        raise WalletRefused("password", "at least one character", "none")
