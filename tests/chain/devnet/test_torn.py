"""Writes that were torn: repaired, or refused with a reason, and never served wrong."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from test_lasting import check_whole, take_picture

from chain.devnet.errors import StoreError
from chain.devnet.store import FILE_NAME

WAL_NAME = f"{FILE_NAME}-wal"
WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
PAGE_BYTES = 4096


def make_chain(lab):
    """A few blocks with logs, a waiting transaction, and the contract that logged."""
    contract = lab.deploy()
    account = lab.devnet.accounts[0]
    for key in range(3):
        lab.call_method(contract, account, "note", key, bytes([key + 1]) * 32)
    lab.rpc("evm_setAutomine", False)
    lab.send(account)
    return contract


@pytest.fixture
def torn(open_lab, tmp_path):
    """A chain as kill -9 leaves it, its log not folded in: the directory, and its block hashes."""
    live, dead = tmp_path / "live", tmp_path / "dead"
    lab = open_lab(live)
    make_chain(lab)
    dead.mkdir()
    for name in (FILE_NAME, WAL_NAME):
        shutil.copy(live / name, dead)
    hashes = [lab.rpc("eth_getBlockByNumber", hex(number))["hash"] for number in range(5)]
    lab.devnet.close()
    return dead, hashes


def open_copy(open_lab, torn: Path, target: Path, wal: bytes):
    target.mkdir()
    shutil.copy(torn / FILE_NAME, target)
    (target / WAL_NAME).write_bytes(wal)
    return open_lab(target)


def list_cuts(size: int) -> list[int]:
    """Every boundary of a frame of the log, and a place inside each."""
    step = FRAME_HEADER_BYTES + PAGE_BYTES
    boundaries = range(WAL_HEADER_BYTES, size + 1, step)
    return [0, 7, *boundaries, *(cut + 1 + cut % step for cut in boundaries if cut + step < size)]


def test_open__log_cut_anywhere__is_an_earlier_moment_of_the_same_chain(
    open_lab, tmp_path, torn
) -> None:
    dead, hashes = torn
    wal = (dead / WAL_NAME).read_bytes()
    heads = set()
    for cut in list_cuts(len(wal)):
        lab = open_copy(open_lab, dead, tmp_path / f"cut{cut}", wal[:cut])
        head = lab.w3.eth.block_number
        heads.add(head)
        assert lab.rpc("eth_getBlockByNumber", "latest")["hash"] == hashes[head]
        check_whole(lab)
        lab.devnet.close()
    assert heads == set(range(5))


def test_open__log_with_garbage_anywhere__is_an_earlier_moment_of_the_same_chain(
    open_lab, tmp_path, torn
) -> None:
    dead, hashes = torn
    wal = (dead / WAL_NAME).read_bytes()
    dice = random.Random(5)
    for number in range(30):
        place = dice.randrange(len(wal) - 64)
        damaged = wal[:place] + dice.randbytes(64) + wal[place + 64 :]
        lab = open_copy(open_lab, dead, tmp_path / f"garbage{number}", damaged)
        head = lab.w3.eth.block_number
        assert lab.rpc("eth_getBlockByNumber", "latest")["hash"] == hashes[head]
        check_whole(lab)
        lab.devnet.close()


def damage_pages(content: bytes, dice: random.Random) -> list[bytes]:
    """The file with a page zeroed, garbled or cut off, for each page; and with a bit changed."""
    damaged = []
    for start in range(0, len(content), PAGE_BYTES):
        end = start + PAGE_BYTES
        damaged.append(content[:start] + bytes(PAGE_BYTES) + content[end:])
        damaged.append(content[:start] + dice.randbytes(PAGE_BYTES) + content[end:])
        damaged.append(content[: start + PAGE_BYTES // 2])
        for _ in range(2):
            place = dice.randrange(start, end)
            changed = bytes([content[place] ^ (1 << dice.randrange(8))])
            damaged.append(content[:place] + changed + content[place + 1 :])
    return damaged


def test_open__file_damaged_anywhere__is_refused_or_serves_the_truth(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path / "whole", accounts=2)
    contract = make_chain(lab)
    truth = take_picture(lab, contract), find_logs(lab, contract)
    lab.devnet.close()
    content = (tmp_path / "whole" / FILE_NAME).read_bytes()
    refused = 0
    damaged = damage_pages(content, random.Random(6))
    for number, bad in enumerate(damaged):
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / FILE_NAME).write_bytes(bad)
        try:
            lab = open_lab(directory, accounts=None, chain_id=None)
            again = lab.w3.eth.contract(address=contract.address, abi=lab.abi)
            told = take_picture(lab, again), find_logs(lab, again)
        except StoreError:
            refused += 1
            continue
        assert told == truth
    assert len(damaged) // 2 < refused < len(damaged)


def test_open__index_that_disagrees_with_its_table__is_refused(open_lab, tmp_path) -> None:
    lab = open_lab(tmp_path)
    contract = make_chain(lab)
    lab.devnet.close()
    path = tmp_path / FILE_NAME
    content = path.read_bytes()
    address = bytes.fromhex(contract.address[2:])
    # The address stands in the rows of the logs and in the index over them; the latter knows the
    # block and the position as well, and little else.
    pages = [content[at : at + PAGE_BYTES] for at in range(0, len(content), PAGE_BYTES)]
    index = next(page for page in pages if page[:1] == b"\x0a" and page.count(address) >= 3)
    changed = index.replace(address, address[:-1] + bytes([address[-1] ^ 1]))
    path.write_bytes(content.replace(index, changed))
    with pytest.raises(StoreError, match="expected sound pages"):
        open_lab(tmp_path)


def find_logs(lab, contract) -> object:
    """The logs of the contract, which come by the index of addresses."""
    return lab.rpc("eth_getLogs", {"fromBlock": "0x0", "address": contract.address})
