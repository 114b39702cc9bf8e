"""kill -9 at every write, and at random moments under load."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from pathlib import Path

import pytest
from devnet_lab import Lab
from server_lab import WAIT_SECONDS, request

OpenLab = Callable[..., Lab]

FORK_AND_DIE = """
import os, sys
from pathlib import Path
from chain.devnet import store
from chain.devnet.devnet import Devnet

connect = store._connect
def connect_watched(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(count)
    return connection
store._connect = connect_watched
left = 0
def count(statement):
    global left
    left -= statement.split()[0] not in ("SELECT", "PRAGMA")
    if left == 0:
        os._exit(9)

def live(directory, say):
    devnet = Devnet(directory=directory, clock=lambda: 1_700_000_000, accounts=1)
    account = devnet.accounts[0]
    def ask(method, *params):
        return devnet.handle({"id": 1, "method": method, "params": list(params)})["result"]
    def send(nonce):
        raw = account.sign_transaction({
            "to": account.address, "value": 1, "gas": 21_000, "nonce": nonce, "chainId": 31337,
            "maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 10**9,
        }).raw_transaction.to_0x_hex()
        say(ask("eth_sendRawTransaction", raw))
    send(0)
    ask("evm_setAutomine", False)
    send(1)
    ask("evm_mine")
    snapshot = ask("evm_snapshot")
    send(2)
    ask("evm_mine")
    say("reverting")
    ask("evm_revert", snapshot)
    say("reverted")
    send(2)
    devnet.close()

for line in sys.stdin:
    where, number = line.split()
    child = os.fork()
    if child == 0:
        left = int(number)
        with open(where + ".said", "w") as said:
            live(Path(where), lambda text: print(text, file=said, flush=True))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

FORK_AND_SERVE = """
import os, sys
from pathlib import Path
from chain.devnet.devnet import Devnet
from chain.devnet.serving import serve

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        with Devnet(directory=Path(sys.argv[1]), clock=lambda: 1_700_000_000, accounts=4) as devnet:
            serve(devnet, host="127.0.0.1", port=0, block_seconds=None,
                  announce=lambda server: print(os.getpid(), server.url, flush=True))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Forker:
    """A process that has all imported, and forks one that does not need to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def say(self, *words: object) -> None:
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)

    def hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def start(script: str, *arguments: object) -> Iterator[Forker]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        yield Forker(process)


def check_from(lab: Lab, first: int) -> int:
    """Check the blocks from `first` on against each other; return the head's number."""
    head = lab.w3.eth.block_number
    blocks = [lab.w3.eth.get_block(number, True) for number in range(first, head + 1)]
    assert all(child["parentHash"] == parent["hash"] for parent, child in pairwise(blocks))
    for block in blocks:
        receipts = [
            lab.w3.eth.get_transaction_receipt(each["hash"]) for each in block["transactions"]
        ]
        assert sum(receipt["gasUsed"] for receipt in receipts) == block["gasUsed"]
        logs = lab.w3.eth.get_logs({"fromBlock": block["number"], "toBlock": block["number"]})
        assert logs == [log for receipt in receipts for log in receipt["logs"]]
        for each in block["transactions"]:
            after = lab.w3.eth.get_transaction_count(each["from"], block["number"])
            assert each["nonce"] < after
    return head


@pytest.mark.slow
def test_kill__at_every_statement_that_writes__keeps_what_was_acknowledged(
    open_lab: OpenLab, tmp_path: Path
) -> None:
    with start(FORK_AND_DIE) as forker:
        number, code = 0, "9"
        while code == "9":
            number += 1
            directory = tmp_path / str(number)
            forker.say(directory, number)
            code = forker.hear()
            lab = open_lab(directory, accounts=1)
            check_from(lab, 0)
            said = Path(f"{directory}.said").read_text().split()
            for sent in list_lasting(said):
                assert lab.rpc("eth_getTransactionByHash", sent) is not None
            if "reverted" in said:
                assert lab.w3.eth.block_number == 2
            lab.devnet.set_automine(True)
            lab.send(lab.devnet.accounts[0])
            lab.devnet.close()
        assert code == "0"
        # Schema, genesis, blocks, pool and revert: far fewer would mean that the hook is blind.
        assert number > 50


def list_lasting(said: list[str]) -> list[str]:
    """The hashes that must be there: a revert under way may have taken the third, or not yet."""
    if "reverting" not in said:
        return said
    return said[:2] + said[said.index("reverted") + 1 :] if "reverted" in said else said[:2]


def send_until_gone(host: str, lab: Lab, index: int, acknowledged: list[str]) -> None:
    account = lab.devnet.accounts[index]
    try:
        with closing(HTTPConnection(host, timeout=WAIT_SECONDS)) as connection:
            nonce = int(post(connection, "eth_getTransactionCount", account.address, "latest"), 16)
            while True:
                raw = lab.sign(account, nonce=nonce)
                acknowledged.append(post(connection, "eth_sendRawTransaction", raw))
                nonce += 1
    except (HTTPException, ConnectionError):
        return


def post(connection: HTTPConnection, method: str, *params: object) -> str:
    connection.request("POST", "/", json.dumps(request(method, *params)))
    return str(json.loads(connection.getresponse().read())["result"])


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "seed"), [(4, 1), pytest.param(100, 2, marks=pytest.mark.slow)])
def test_kill__under_load__loses_nothing_that_was_acknowledged(
    open_lab: OpenLab, tmp_path: Path, kills: int, seed: int
) -> None:
    dice = random.Random(seed)
    signer = open_lab()
    checked = 0
    with start(FORK_AND_SERVE, tmp_path) as forker:
        for _ in range(kills):
            forker.say("start")
            pid, url = forker.hear().split()
            enough = dice.randrange(1, 40)
            reached = Countdown(enough)
            host = url.removeprefix("http://")
            threads = [
                threading.Thread(target=send_until_gone, args=(host, signer, index, reached))
                for index in range(4)
            ]
            for thread in threads:
                thread.start()
            assert reached.event.wait(WAIT_SECONDS)
            os.kill(int(pid), signal.SIGKILL)
            assert forker.hear() == "-9"
            for thread in threads:
                thread.join()
            lab = open_lab(tmp_path)
            checked = check_from(lab, checked)
            for sent in reached:
                assert lab.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1"
            lab.devnet.close()


class Countdown(list[str]):
    """What was acknowledged; sets `event` when there is enough of it."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self.event = threading.Event()
        self._enough = enough

    def append(self, item: str) -> None:
        super().append(item)
        if len(self) >= self._enough:
            self.event.set()
