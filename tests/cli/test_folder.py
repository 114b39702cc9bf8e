"""A peer's folder as commands open it."""

from contextlib import contextmanager
from dataclasses import replace

from cli.folder import open_folder
from node import folder_lock
from node.settings import KEYSTORE, Settings, read_settings, write_settings


def test_open_folder__settings_changed_until_it_was_locked__are_those_of_then(
    tmp_path, monkeypatch
):
    from chain.wallet import create_wallet

    password = tmp_path / "password"
    password.write_text("a password\n")
    create_wallet(tmp_path / KEYSTORE, "a password", work=2**10)
    settings = Settings(
        rpc=("http://node",),
        contract=None,
        chain_id=31337,
        listen=("127.0.0.1", 7710),
        endpoint="http://127.0.0.1:7710",
        source="digits",
    )
    write_settings(tmp_path, settings)
    lock = folder_lock.lock_folder

    @contextmanager
    def lock_late(folder):
        # `federation create` was at work there until now.
        write_settings(folder, replace(read_settings(folder), contract="0x" + "12" * 20))
        with lock(folder):
            yield

    monkeypatch.setattr(folder_lock, "lock_folder", lock_late)
    with open_folder(tmp_path, password) as (opened, _):
        assert opened.contract == "0x" + "12" * 20
