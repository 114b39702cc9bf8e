"""One key in two processes at once, and in two processes one after the other: real processes on
real nodes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_lab import NODES, NodeLab

from chain.pending import decode_pending
from node.journal import Journal

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 60
"""Far more than anything here takes; a test that waits so long has failed."""

BEGIN = """
import os, signal, sys
root, url, address, which, path = sys.argv[1:]
sys.path.insert(0, root)
from pathlib import Path
from chain.connect import open_endpoint
from chain.devnet.accounts import derive_accounts
from chain.federation import Federation
from chain.mining import Mining
from chain.pending import decode_pending
from chain.sender import Sender
from node.journal import Journal
web3 = open_endpoint(url).__enter__()
sender = Sender(web3, derive_accounts(1)[0])
federation = Federation(web3, address)
"""
RACE = (
    BEGIN
    + """
print("ready", flush=True)
sys.stdin.readline()
for number in range(12):
    sender.send(federation.call("set_endpoint", 0, which + str(number)))
"""
)
SEND_AND_DIE = (
    BEGIN
    + """
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def note(pending):
    journal.record_sending(pending.encode())
    if which == "noted":
        die()
journal = Journal(Path(path))
sender.submit(federation.call("set_endpoint", 0, "once"), note)
if which == "mined":
    Mining(web3).mine()
die()
"""
)
GO_ON = (
    BEGIN
    + """
with Journal(Path(path)) as journal:
    pending = decode_pending(journal.find_sending())
    while (receipt := sender.find(pending)) is None:
        pending = sender.renew(pending, lambda each: journal.record_sending(each.encode()))
        Mining(web3).mine()
print("0x" + receipt.transaction.hex())
"""
)


@pytest.fixture(params=[pytest.param("served", marks=pytest.mark.slow), "anvil"])
def node(request: pytest.FixtureRequest) -> Iterator[NodeLab]:
    with NODES[request.param]() as lab:
        yield lab


def start(
    program: str, node: NodeLab, which: str = "", path: Path | None = None
) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(ROOT), str(node.url), node.federation.address]
    return subprocess.Popen(
        [*command, which, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_send__two_processes_with_one_key__every_call_is_done_once(node: NodeLab) -> None:
    before = node.told()
    with start(RACE, node, "a") as one, start(RACE, node, "b") as two:
        racers = (one, two)
        try:
            for racer in racers:
                assert racer.stdout is not None
                assert racer.stdout.readline() == "ready\n"
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write("\n")
                racer.stdin.flush()
            assert [racer.wait(WAIT_SECONDS) for racer in racers] == [0, 0]
        finally:
            for racer in racers:
                racer.kill()
    told = node.told()[len(before) :]
    for which in "ab":
        own = [text for text in told if text.startswith(which)]
        assert own == [f"{which}{number}" for number in range(12)]
    assert len(told) == 24


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("noted", marks=pytest.mark.slow),
        "sent",
        pytest.param("mined", marks=pytest.mark.slow),
    ],
)
def test_find__killed_between_the_note_and_the_receipt__the_next_process_ends_it(
    node: NodeLab, tmp_path: Path, moment: str
) -> None:
    node.hold()
    path = tmp_path / "journal.db"
    with start(SEND_AND_DIE, node, moment, path) as first:
        assert first.wait(WAIT_SECONDS) == -signal.SIGKILL
    with Journal(path) as journal:
        kept = journal.find_sending()
    assert kept is not None
    name = "0x" + decode_pending(kept).transaction.hex()
    is_sent = node.rpc("eth_getTransactionByHash", name) is not None
    assert is_sent == (moment != "noted")
    with start(GO_ON, node, "", path) as second:
        told, _ = second.communicate(timeout=WAIT_SECONDS)
        assert second.returncode == 0
    assert told.strip() == name
    node.mine(2)
    assert node.told() == ["once"]
