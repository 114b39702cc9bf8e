"""A chain on disk takes as much memory after many blocks as after some."""

from __future__ import annotations

import subprocess
import sys

import pytest

MINE_AND_MEASURE = """
import sys
from pathlib import Path
from chain.devnet.devnet import Devnet

devnet = Devnet(directory=Path(sys.argv[1]), clock=lambda: 1_700_000_000, accounts=4)
def ask(method, *params):
    return devnet.handle({"id": 1, "method": method, "params": list(params)})["result"]
def measure():
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS:"))
sender = devnet.accounts[0].address
for count in map(int, sys.argv[2:]):
    for number in range(count):
        if number % 10 == 0:
            to = "0x" + number.to_bytes(20, "big").hex()
            ask("eth_sendTransaction", {"from": sender, "to": to, "gas": hex(21_000)})
        else:
            ask("evm_mine")
        ask("eth_getBlockByNumber", hex(number // 2))
    print(measure(), flush=True)
devnet.close()
"""


@pytest.mark.slow
def test_mine__a_hundred_thousand_blocks__memory_stays(tmp_path) -> None:
    command = [sys.executable, "-c", MINE_AND_MEASURE, str(tmp_path), "10000", "90000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    warm, end = map(int, done.stdout.split())
    # What grows is the cache of trie nodes filling up, which ends at some 20 MB.
    assert end - warm < 20 * 1024
    assert end < 150 * 1024
