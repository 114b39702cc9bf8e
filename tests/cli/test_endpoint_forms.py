"""`--rpc` in all its forms, once and twice."""

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "chain"))
sys.path.append(str(Path(__file__).parents[1] / "chain" / "devnet"))

from scripted_node import Script, serve_script
from server_lab import serve

from chain.compare import CONFIRMATIONS
from chain.devnet.devnet import Devnet
from localnet import kept as layout

FORMS = "expected an endpoint: http(s)://HOST:PORT, ws(s)://HOST:PORT, ipc://PATH or a PATH/TO.ipc"


@contextmanager
def serve_kept(directory):
    """Serve the chain of a kept run, which may grow; return chain and host."""
    run = layout.read_run(directory)
    chain = Devnet(
        directory=layout.chain_path(directory),
        chain_id=run.chain_id,
        accounts=run.accounts,
        clock=lambda: 0,
    )
    with chain, serve(chain) as server:
        yield chain, server.host


@pytest.fixture
def two(kept, tmp_path):
    """Two nodes with the same run; each command line names both."""
    other = Path(shutil.copytree(kept, tmp_path / "other"))
    with serve_kept(kept) as (one, first), serve_kept(other) as (two, second):
        rpc = ("--rpc", f"http://{first}", "--rpc", f"ws://{second}")
        yield one, two, (*rpc, "--contract", layout.read_run(kept).address)


def mine(chain, count, first_at):
    for number in range(count):
        chain.handle({"id": 1, "method": "evm_mine", "params": [first_at + number]})


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_watch__each_form__tells_what_the_folder_tells(holdfast, kept, scheme):
    near = holdfast("watch", "--dir", str(kept), "--once", "--json")
    with serve_kept(kept) as (_, host):
        address = layout.read_run(kept).address
        source = ("--rpc", f"{scheme}://{host}", "--contract", address)
        far = holdfast("watch", *source, "--once", "--json")
    assert (far.code, far.err) == (0, "")
    assert far.lines == near.lines


def test_commands__two_nodes_that_agree__answer_as_from_one(holdfast, kept, two, tmp_path):
    *_, source = two
    blobs = ("--blobs", str(kept / "blobs"))
    assert len(holdfast("watch", *source, "--once", "--json").lines) > 10
    assert holdfast("federation", "show", *source, "--json").summary["head"]["height"] == 2
    pulled = holdfast("model", "pull", *source, *blobs, "--out", str(tmp_path / "model"))
    audited = holdfast("audit", *source, *blobs)
    for outcome in (pulled, audited):
        assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    "command", [("federation", "show"), ("watch", "--once"), ("audit",), ("model", "verify", "x")]
)
def test_commands__two_nodes_that_disagree__stop_with_the_reason(holdfast, kept, two, command):
    one, other, source = two
    later = 2_000_000_000
    mine(one, CONFIRMATIONS + 1, later)
    mine(other, CONFIRMATIONS + 1, later + 1)
    outcome = holdfast(*command, *source, "--blobs", str(kept / "blobs"))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert f"expected {source[1]} and {source[3]} to tell the same block " in outcome.err


def test_show__three_nodes__are_too_many(holdfast):
    rpc = ("--rpc", "http://127.0.0.1:1") * 3
    outcome = holdfast("federation", "show", *rpc, "--contract", "0x12")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "expected one --rpc or two to compare, got 3" in outcome.err


@pytest.mark.parametrize(
    "command", [("federation", "show", "--contract", "0x12"), ("localnet", "run", "--peers", "3")]
)
@pytest.mark.parametrize("endpoint", ["localhost:8545", "ftp://x"])
def test_commands__no_such_form__say_what_was_expected(holdfast, command, endpoint):
    outcome = holdfast(*command, "--rpc", endpoint)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"holdfast: chain: {FORMS}, got {endpoint!r}\n"


def test_show__ipc_of_another_chain__finds_no_federation(holdfast, tmp_path):
    # All that this node says of itself is its chain id, which is no address's code.
    with serve_script("ipc", Script(), tmp_path) as path:
        outcome = holdfast("federation", "show", "--rpc", path, "--contract", "0x12")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected a federation at 0x12, got no address" in outcome.err


@pytest.mark.parametrize(
    "command",
    [("watch",), ("audit",), ("federation", "show"), ("model", "pull"), ("localnet", "run")],
    ids=" ".join,
)
def test_help__of_what_takes_an_endpoint__tells_its_forms(holdfast, command):
    words = " ".join(holdfast(*command, "--help").out.replace("│", " ").split())
    for form in ("http://HOST:PORT", "ws://HOST:PORT", "a path to its IPC socket"):
        assert form in words


@pytest.mark.slow
def test_run__on_a_node__gives_the_same_head(holdfast, small):
    with Devnet(accounts=1, clock=lambda: 0) as devnet, serve(devnet) as server:
        far = holdfast(*small, "--rpc", f"http://{server.host}", "--audit", "--json")
    near = holdfast(*small, "--json")
    assert (far.code, far.err) == (0, "")
    assert far.summary["head"] == near.summary["head"]


def test_run__on_a_node_and_kept__is_refused(holdfast, small, tmp_path):
    rpc = ("--rpc", "http://127.0.0.1:1")
    outcome = holdfast(*small, *rpc, "--keep", str(tmp_path / "run"))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "expected at most one of --keep DIR and --rpc ENDPOINT" in outcome.err
    assert not (tmp_path / "run").exists()


def test_run__nobody_at_the_endpoint__is_one_line(holdfast, small):
    outcome = holdfast(*small, "--rpc", "http://127.0.0.1:1")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "expected a node at http://127.0.0.1:1, got Connection refused" in outcome.err
