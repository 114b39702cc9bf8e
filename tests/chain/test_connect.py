"""From an endpoint to a connection, or to one clear error."""

import socket
from pathlib import Path

import pytest
from federation_lab import START, Clock
from scripted_node import Script, serve_script
from web3.exceptions import Web3RPCError

from chain.connect import (
    connect_devnet,
    open_endpoint,
    open_endpoints,
    open_kept_chain,
    watch_endpoint,
)
from chain.devnet.devnet import Devnet
from chain.errors import (
    BadEndpoint,
    ChainError,
    Disagreement,
    Lost,
    NoContract,
    Unreachable,
    WrongChain,
)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "localhost:8545",
        "ftp://x",
        "http://",
        "ws://:1",
        "http://x:70000",
        "http://x:y",
        "ipc://",
    ],
)
def test_open_endpoint__no_such_form__says_which_there_are(endpoint: str) -> None:
    with pytest.raises(BadEndpoint) as caught, open_endpoint(endpoint):
        pass
    assert str(caught.value) == (
        "chain: expected an endpoint: http(s)://HOST:PORT, ws(s)://HOST:PORT, ipc://PATH or a "
        f"PATH/TO.ipc, got {endpoint!r}"
    )


@pytest.mark.parametrize("kind", ["http", "ws", "ipc"])
def test_open_endpoint__each_form__answers(kind: str, tmp_path: Path) -> None:
    with serve_script(kind, Script(), tmp_path) as endpoint, open_endpoint(endpoint) as web3:
        assert web3.eth.chain_id == 31337


def test_open_endpoint__ipc_by_its_scheme__is_the_path(tmp_path: Path) -> None:
    with (
        serve_script("ipc", Script(), tmp_path) as path,
        open_endpoint(f"ipc://{path}") as web3,
    ):
        assert web3.eth.chain_id == 31337


@pytest.mark.parametrize("count", [1, 2])
def test_open_endpoints__nobody_listens__unreachable(count: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unreachable) as caught, open_endpoints([url] * count):
            pass
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_connect_devnet__an_embedded_chain__answers() -> None:
    with Devnet(clock=Clock(START), accounts=1, chain_id=4242) as devnet:
        assert connect_devnet(devnet).eth.chain_id == 4242


def test_open_kept_chain__written_before__reads_and_refuses_changes(tmp_path: Path) -> None:
    with Devnet(directory=tmp_path, clock=Clock(START), accounts=1) as devnet:
        devnet.handle({"id": 1, "method": "evm_mine", "params": []})
    with open_kept_chain(tmp_path, chain_id=31337, accounts=1) as kept:
        assert connect_devnet(kept).eth.block_number == 1
        assert "error" in kept.handle({"id": 1, "method": "evm_mine", "params": []})


def test_watch_endpoint__what_web3_raises__unreachable() -> None:
    with pytest.raises(Unreachable, match="http://there"), watch_endpoint("http://there"):
        raise Web3RPCError("no")


def test_watch_endpoint__other_errors__pass() -> None:
    with pytest.raises(KeyError), watch_endpoint("http://there"):
        raise KeyError("x")


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("http://x", "refused"),
        BadEndpoint("localhost"),
        Disagreement(("http://x", "http://y"), "block 7", ("0x1", "0x2")),
        WrongChain(1, 31337),
        NoContract("0x12", "no code there"),
        Lost(b"\x01" * 32),
    ],
)
def test_chain_error__each__says_what_was_expected_in_one_line(error: ChainError) -> None:
    assert str(error).startswith("chain: expected ")
    assert str(error.expected) in str(error)
    assert "\n" not in str(error)
