"""The development accounts are anvil's and hardhat's."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_keys.backends import CoinCurveECCBackend, get_backend_class

from chain.devnet.accounts import MNEMONIC, derive_accounts

ANVIL_KEYS = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)


def test_derive_accounts__first_three__are_the_keys_anvil_prints() -> None:
    assert tuple(account.key.to_0x_hex() for account in derive_accounts(3)) == ANVIL_KEYS


@pytest.mark.parametrize("index", [0, 9, 16, 40])
def test_derive_accounts__any_index__agrees_with_eth_account(index: int) -> None:
    Account.enable_unaudited_hdwallet_features()
    expected = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    assert derive_accounts(index + 1)[index].key == expected.key


def test_sender_recovery__backend_of_eth_keys__is_coincurve() -> None:
    # Pure Python recovers a sender about fifty times slower.
    assert issubclass(get_backend_class(), CoinCurveECCBackend)
