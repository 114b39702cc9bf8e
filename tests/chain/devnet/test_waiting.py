"""What was acknowledged and is not mined yet lasts as well."""

from __future__ import annotations

import sqlite3

import pytest

from chain.devnet.errors import DiskFull, StoreUnreadable
from chain.devnet.store import FILE_NAME


def list_waiting(lab) -> list[str]:
    """The hashes on disk, by arrival."""
    connection = lab.devnet._store._connection
    rows = connection.execute("SELECT hash FROM waiting ORDER BY arrival").fetchall()
    return [f"0x{row[0].hex()}" for row in rows]


def test_waiting__automine_off__is_there_after_reopening_and_mined_then(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    lab.rpc("evm_setAutomine", False)
    sent = [lab.send(lab.devnet.accounts[index]) for index in (1, 0, 1)]
    assert list_waiting(lab) == sent
    lab.devnet.close()
    lab = open_lab(tmp_path)
    assert all(lab.rpc("eth_getTransactionByHash", each)["blockHash"] is None for each in sent)
    lab.rpc("evm_mine")
    assert lab.rpc("eth_getBlockByNumber", "latest")["transactions"] == sent
    assert list_waiting(lab) == []


def test_waiting__nonce_ahead_under_automine__costs_no_block_and_is_kept(
    open_lab, tmp_path
) -> None:
    lab = open_lab(tmp_path)
    account = lab.devnet.accounts[0]
    late = lab.send(account, nonce=1)
    assert lab.w3.eth.block_number == 0
    lab.devnet.close()
    lab = open_lab(tmp_path)
    early = lab.send(account, nonce=0)
    assert lab.rpc("eth_getBlockByNumber", "latest")["transactions"] == [early, late]
    assert list_waiting(lab) == []


def test_waiting__replaced__is_gone_from_the_disk(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    lab.rpc("evm_setAutomine", False)
    account = lab.devnet.accounts[0]
    lab.send(account, nonce=0)
    fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 2 * 10**9}
    better = lab.send(account, nonce=0, **fees)
    assert list_waiting(lab) == [better]


def test_waiting__more_than_a_block_holds_under_automine__all_are_mined(lab) -> None:
    accounts = lab.devnet.accounts
    with lab.devnet.grouping():
        # An invalid instruction burns all its gas.
        burn = {"to": None, "data": "0xfe", "value": 0, "gas": 25_000_000}
        sent = [lab.send(account, **burn) for account in accounts]
        lab.devnet.settle()
    blocks = [lab.w3.eth.get_transaction_receipt(each)["blockNumber"] for each in sent]
    assert blocks == [1, 1, 2, 2]


def test_settle__full_disk__sends_none_of_the_group(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    lab.send(lab.devnet.accounts[0])
    connection = lab.devnet._store._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with lab.devnet.grouping():
        for account in lab.devnet.accounts:
            lab.send(account, data="0x" + "ff" * 20_000, gas=2_000_000)
        with pytest.raises(DiskFull):
            lab.devnet.settle()
    assert lab.w3.eth.block_number == 1
    connection.execute("PRAGMA max_page_count = 1000000")
    lab.send(lab.devnet.accounts[0])
    assert len(lab.rpc("eth_getBlockByNumber", "latest")["transactions"]) == 1


def test_set_automine__on_with_some_waiting__mines_them(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    lab.rpc("evm_setAutomine", False)
    lab.send(lab.devnet.accounts[0])
    lab.devnet.close()
    lab = open_lab(tmp_path)
    lab.devnet.set_automine(True)
    assert lab.w3.eth.block_number == 1


@pytest.mark.parametrize("table", ["blocks", "transactions", "logs", "waiting"])
def test_row__with_another_byte__is_refused_not_served(open_lab, tmp_path, table) -> None:
    lab = open_lab(tmp_path)
    contract = lab.deploy()
    lab.call_method(contract, lab.devnet.accounts[0], "note", 1, bytes(32))
    lab.rpc("evm_setAutomine", False)
    lab.send(lab.devnet.accounts[0])
    lab.devnet.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    connection.execute(f"UPDATE {table} SET checksum = checksum + 1")
    connection.close()
    with pytest.raises(StoreUnreadable, match="on disk: expected"):
        open_lab(tmp_path)
