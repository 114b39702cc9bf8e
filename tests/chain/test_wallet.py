"""A key at rest."""

import json

import pytest

from chain.errors import WalletRefused
from chain.wallet import create_wallet, open_wallet, read_address


@pytest.fixture(autouse=True)
def light_work(monkeypatch):
    """Nothing here is worth guarding."""
    monkeypatch.setattr("chain.wallet.WORK", 2**10)


def test_create_wallet__opened_with_its_password__is_the_same_account(tmp_path):
    path = tmp_path / "keystore.json"
    account = create_wallet(path, "pässword")
    assert open_wallet(path, "pässword").key == account.key
    assert read_address(path) == account.address
    assert path.stat().st_mode & 0o777 == 0o600
    assert account.key.hex() not in path.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["keystore.json"]


def test_open_wallet__what_another_wallet_wrote__is_read(tmp_path):
    """The test vector of the format's own page."""
    path = tmp_path / "k.json"
    key = bytes.fromhex("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")
    path.write_text(
        json.dumps(
            {
                "crypto": {
                    "cipher": "aes-128-ctr",
                    "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
                    "ciphertext": "5318b4d5bcd28de64ee5559e671353e1"
                    "6f075ecae9f99c7a79a38af5f869aa46",
                    "kdf": "pbkdf2",
                    "kdfparams": {
                        "c": 262144,
                        "dklen": 32,
                        "prf": "hmac-sha256",
                        "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
                    },
                    "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
                },
                "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
                "version": 3,
            }
        )
    )
    assert open_wallet(path, "testpassword").key == key
    with pytest.raises(WalletRefused, match="expected a keystore with its address, got None"):
        read_address(path)


def test_open_wallet__another_password__is_refused_in_one_line(tmp_path):
    path = tmp_path / "keystore.json"
    create_wallet(path, "right")
    with pytest.raises(WalletRefused, match="expected the password of this keystore, got another"):
        open_wallet(path, "wrong")


def test_create_wallet__a_keystore_is_there__is_left_as_it_was(tmp_path):
    path = tmp_path / "keystore.json"
    account = create_wallet(path, "first")
    with pytest.raises(WalletRefused, match="expected no keystore yet"):
        create_wallet(path, "second")
    assert open_wallet(path, "first").address == account.address
    assert [p.name for p in tmp_path.iterdir()] == ["keystore.json"]


def test_create_wallet__no_password_or_no_place__is_refused(tmp_path):
    with pytest.raises(WalletRefused, match="password: expected at least one character"):
        create_wallet(tmp_path / "k", "")
    with pytest.raises(WalletRefused, match="expected a place to write to"):
        create_wallet(tmp_path / "missing" / "k", "password")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 3}', '{"version": 3, "crypto": 1}'])
def test_open_wallet__no_keystore__is_refused(tmp_path, text):
    path = tmp_path / "k"
    path.write_text(text)
    with pytest.raises(WalletRefused, match="expected"):
        open_wallet(path, "password")
    with pytest.raises(WalletRefused, match="expected a keystore"):
        open_wallet(tmp_path / "absent", "password")
