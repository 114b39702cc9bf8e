"""A peer's page of settings."""

from dataclasses import replace

import pytest

from node.checkpoint import parse_checkpoint
from node.errors import SettingsRefused
from node.settings import SETTINGS, Settings, read_settings, write_settings

WHOLE = Settings(
    rpc=("http://127.0.0.1:8545", "/run/node.ipc"),
    contract="0x" + "12" * 20,
    chain_id=31337,
    listen=("::", 7710),
    endpoint="https://clinic.example/blobs",
    source='data/o"dd.csv',
    label="diagnosis",
    share=(2, 5),
    confirmations=3,
    checkpoint=parse_checkpoint("7:0x" + "ab" * 32),
)


@pytest.mark.parametrize(
    "settings",
    [
        WHOLE,
        replace(WHOLE, contract=None, label=None, share=None, checkpoint=None, rpc=("ws://node",)),
    ],
)
def test_write_settings__read_again__are_the_same(tmp_path, settings):
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("chain_id = 31337", 'chain_id = "x"', "chain.chain_id: expected Input should be a valid"),
        ("chain_id = 31337", "", "chain.chain_id: expected Field required"),
        ("chain_id = 31337", "chain_id = 31337\nspeed = 1", "chain.speed: expected Extra inputs"),
        ('"https://clinic', '"ftp://clinic', "exchange.endpoint: expected String should match"),
        ('"2/5"', '"6/5"', "data.share: expected 1/5 to 5/5, got '6/5'"),
        ('"2/5"', '"0/5"', "data.share: expected String should match"),
        ("confirmations = 3", "confirmations = -1", "chain.confirmations: expected Input should"),
        ('"7:0x', '"0:0x', "chain.checkpoint: expected String should match"),
        ("[data]", "[data", "expected TOML"),
        ('":::7710"', '"7710"', "exchange.listen: expected String should match"),
    ],
)
def test_read_settings__a_wrong_entry__is_named(tmp_path, old, new, told):
    write_settings(tmp_path, WHOLE)
    page = (tmp_path / SETTINGS).read_text()
    assert old in page
    (tmp_path / SETTINGS).write_text(page.replace(old, new))
    with pytest.raises(SettingsRefused) as caught:
        read_settings(tmp_path)
    assert told in str(caught.value)


def test_read_settings__no_folder_of_a_peer__is_told(tmp_path):
    with pytest.raises(SettingsRefused, match=r"expected a peer's settings, got No such file"):
        read_settings(tmp_path)
