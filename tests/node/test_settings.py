"""A peer's page of settings."""

from dataclasses import replace

import pytest

from node.checkpoint import parse_checkpoint
from node.errors import SettingsRefused
from node.settings import (
    ENTRIES,
    MEMORY_MIB,
    SETTINGS,
    Limits,
    Settings,
    change_settings,
    read_settings,
    write_settings,
)

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
    certificate=("/etc/holdfast/own.pem", "/etc/holdfast/own.key"),
    ca="/etc/holdfast/others.pem",
    is_public=True,
    limits=Limits(connections=7, bytes_per_second=2**20),
    learner_path="/srv/clinic/code",
    learner_seconds=77,
    learner_memory_mib=300,
)
PLAIN = replace(
    WHOLE,
    contract=None,
    label=None,
    share=None,
    checkpoint=None,
    rpc=("ws://node",),
    certificate=None,
    ca=None,
    is_public=False,
    limits=Limits(),
    learner_path=None,
    learner_seconds=None,
    learner_memory_mib=MEMORY_MIB,
)


@pytest.mark.parametrize("settings", [WHOLE, PLAIN])
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
        ("public = true", 'public = "yes"', "exchange.public: expected Input should be a valid"),
        ("connections = 7", "connections = 0", "exchange.connections: expected Input should be"),
        ('key = "/etc', '# key = "/etc', "exchange: expected certificate and key, got one without"),
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


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("exchange.listen=0.0.0.0:7711", {"listen": ("0.0.0.0", 7711)}),
        ("exchange.public=true", {"is_public": True}),
        ("exchange.address_connections=3", {"limits": Limits(address_connections=3)}),
        ('chain.rpc=["http://one", "http://two"]', {"rpc": ("http://one", "http://two")}),
        ("data.share=1/2", {"share": (1, 2)}),
        ("data.source=a=b.npz", {"source": "a=b.npz"}),
        ("chain.chain_id=1", {"chain_id": 1}),
    ],
)
def test_change_settings__an_entry__that_one_is_another(change, changed):
    assert change_settings(PLAIN, [change]) == replace(PLAIN, **changed)


def test_change_settings__several__all_of_them():
    files = ["exchange.certificate=a.pem", "exchange.key=a.key"]
    assert change_settings(PLAIN, files) == replace(PLAIN, certificate=("a.pem", "a.key"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("exchange.speed=1", "--set exchange.speed: expected KEY=VALUE, of chain.rpc, chain."),
        ("listen=x", "--set listen: expected KEY=VALUE, of chain.rpc, chain.contract, chain."),
        ("exchange.listen", "--set exchange.listen: expected KEY=VALUE, of chain.rpc"),
        ("exchange.public=yes", "--set exchange.public: expected a value as in TOML, got 'yes'"),
        ("exchange.public=1", "--set: exchange.public: expected Input should be a valid boolean"),
        ("exchange.listen=7710", "--set: exchange.listen: expected String should match pattern"),
        ("exchange.key=a.key", "--set: exchange: expected certificate and key, got one without"),
    ],
)
def test_change_settings__no_such_entry_or_value__is_named(change, told):
    with pytest.raises(SettingsRefused) as caught:
        change_settings(PLAIN, [change])
    assert told in str(caught.value)


def test_entries__all_of_the_page__are_shown_in_it(tmp_path):
    write_settings(tmp_path, PLAIN)
    page = (tmp_path / SETTINGS).read_text()
    assert [entry for entry in ENTRIES if f"{entry.partition('.')[2]} = " not in page] == []
