"""`holdfast chain serve` as a process: what it says, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest
from server_lab import WAIT_SECONDS, request
from typer.testing import CliRunner

from chain.errors import ChainError
from cli.chain import app

COMMAND = (sys.executable, "-c", "from cli.chain import app; app()", "serve")
"""Without the other nouns, and so with Typer's own way of showing errors."""


@contextmanager
def run(*options: object):
    command = [*COMMAND, "--port", "0", "--json", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def ask(state: dict[str, Any], method: str, *params: object) -> Any:
    with closing(HTTPConnection(state["url"][7:], timeout=WAIT_SECONDS)) as connection:
        connection.request("POST", "/", json.dumps(request(method, *params)))
        return json.loads(connection.getresponse().read())["result"]


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGTERM, 0), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)]
)
def test_serve__signal__ends_it_in_order_and_the_chain_goes_on_later(
    open_lab, tmp_path, how, code
) -> None:
    directory = tmp_path / "chain"
    with run("--dir", directory, "--accounts", 3, "--chain-id", 7) as (process, state):
        assert (state["chain_id"], state["directory"]) == (7, str(directory))
        accounts = [account["address"] for account in state["accounts"]]
        assert [sorted(account) for account in state["accounts"]] == [["address"]] * 3
        assert ask(state, "eth_accounts") == accounts
        sent = ask(state, "eth_sendTransaction", {"from": accounts[0], "to": accounts[1]})
        process.send_signal(how)
        assert process.wait(WAIT_SECONDS) == code
    assert not (directory / "chain.sqlite3-wal").exists()
    lab = open_lab(directory, accounts=None, chain_id=None)
    assert lab.rpc("eth_getTransactionReceipt", sent)["blockNumber"] == "0x1"


def test_serve__block_seconds__mines_by_itself() -> None:
    with run("--block-seconds", "0.05", "--show-keys") as (_, state):
        assert state["accounts"][0]["key"].startswith("0xac0974be")
        while ask(state, "eth_blockNumber") == "0x0":
            pass


@pytest.mark.slow
def test_serve__block_seconds_and_on_demand__mines_at_once_and_by_itself() -> None:
    # What is sent does not wait an hour for its block ...
    with run("--block-seconds", "3600", "--on-demand") as (_, state):
        before = int(ask(state, "eth_blockNumber"), 16)
        payer, payee = (account["address"] for account in state["accounts"][:2])
        sent = ask(state, "eth_sendTransaction", {"from": payer, "to": payee})
        receipt = ask(state, "eth_getTransactionReceipt", sent)
        assert int(receipt["blockNumber"], 16) == before + 1
    # ... and blocks come where nothing is sent.
    with run("--block-seconds", "0.05", "--on-demand") as (_, state):
        while int(ask(state, "eth_blockNumber"), 16) < 3:
            pass


def test_serve__on_demand_alone__is_what_is_done_anyhow() -> None:
    done = CliRunner().invoke(app, ["serve", "--port", "0", "--on-demand"])
    assert done.exit_code == 2
    assert "--on-demand goes with --block-seconds N" in done.stderr


@pytest.mark.parametrize("what", ["port", "directory", "chain"])
def test_serve__what_cannot_be_used__is_refused_with_a_reason(tmp_path, what) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options: tuple[object, ...] = ("--port", taken.getsockname()[1])
        reason = "expected a free port"
        if what == "directory":
            (tmp_path / "thesis.tex").write_text("")
            options = ("--dir", tmp_path)
            reason = "expected a chain or an empty directory, got thesis.tex"
        if what == "chain":
            (tmp_path / "chain.sqlite3").write_bytes(b"something else" * 500)
            options = ("--dir", tmp_path)
            reason = "expected a chain's file"
        done = CliRunner().invoke(app, [*map(str, ("serve", *options))])
    assert isinstance(done.exception, ChainError)
    assert reason in str(done.exception)
