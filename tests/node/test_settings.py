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
    learner_train_seconds=30,
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
    learner_train_seconds=None,
    learner_memory_mib=MEMORY_MIB,
)


@pytest.mark.parametrize("settings", [WHOLE, PLAIN])
def test_write_settings__read_again__are_the_same(tmp_path, settings):
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("chain_id = 31337", 'chain_id = "x"', "chain.chain_id: expected a whole number, at"),
        ("chain_id = 31337", "", "chain.chain_id: expected a whole number, at least 1, got none"),
        ("chain_id =", "speed = 1\nchain_id =", "chain.speed: expected one of rpc, contract, cha"),
        ('"https://clinic', '"ftp://clinic', "exchange.endpoint: expected a URL with http:// or"),
        ('"2/5"', '"6/5"', "data.share: expected 1/5 to 5/5, got '6/5'"),
        ('"2/5"', '"0/5"', "data.share: expected I/N such as 2/5, got '0/5'"),
        ("confirmations = 3", "confirmations = -1", ", at least 0, at most 1000, got -1"),
        ("confirmations =", "confirmation =", " (perhaps confirmations), got an unknown confirm"),
        ('"7:0x', '"0:0x', "chain.checkpoint: expected HEIGHT:0xKEY, got '0:0x"),
        ("[data]", "[data", "expected TOML"),
        ("[data]", "[data]\nlisten = 1", "expected one of source, label, share (perhaps exchange"),
        ("[data]", "[data.source]", "data.source: expected a text, got {"),
        ('"http://127.0.0.1:8545"', "1", "chain.rpc.0: expected a text, got 1"),
        ("rpc = [", 'rpc = ["x", ', "chain.rpc: expected a list of one endpoint, or of two, got ["),
        ("public = true", 'public = "yes"', "exchange.public: expected true or false, got 'yes'"),
        ("connections = 7", "connections = 0", "exchange.connections: expected a whole number, a"),
        ('key = "/etc', '# key = "/etc', "exchange: expected certificate and key, got one without"),
        ("train_seconds = 30", "train_seconds = 0", "learner.train_seconds: expected a whole num"),
        ('":::7710"', '"7710"', "exchange.listen: expected HOST:PORT, got '7710'"),
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


def test_write_settings__a_new_page__is_for_its_owner_alone(tmp_path):
    write_settings(tmp_path, WHOLE)
    assert (tmp_path / SETTINGS).stat().st_mode & 0o777 == 0o600


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
        ("learner.train_seconds=9", {"learner_train_seconds": 9}),
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
        ("exchange.public=1", "--set: exchange.public: expected true or false, got 1"),
        ("exchange.listen=7710", "--set: exchange.listen: expected HOST:PORT, got '7710'"),
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
