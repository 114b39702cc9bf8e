"""From an endpoint to a connection, or to one clear error."""

import socket
from pathlib import Path

import pytest
from federation_lab import START, Clock
from requests.exceptions import ConnectionError as NotConnected
from web3.exceptions import Web3RPCError

from chain.connect import connect_devnet, connect_url, open_kept_chain, watch_endpoint
from chain.devnet.devnet import Devnet
from chain.errors import ChainError, Lost, NoContract, Unreachable, WrongChain


@pytest.mark.parametrize("url", ["", "localhost:8545", "ws://localhost", "ftp://x"])
def test_connect_url__no_http__unreachable(url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        connect_url(url)
    assert caught.value.expected == url


def test_connect_url__nobody_listens__unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unreachable) as caught:
            connect_url(url)
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


@pytest.mark.parametrize("error", [NotConnected("gone"), Web3RPCError("no")])
def test_watch_endpoint__what_a_connection_raises__unreachable(error: Exception) -> None:
    with pytest.raises(Unreachable, match="http://there"), watch_endpoint("http://there"):
        raise error


def test_watch_endpoint__other_errors__pass() -> None:
    with pytest.raises(KeyError), watch_endpoint("http://there"):
        raise KeyError("x")


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("http://x", "refused"),
        WrongChain(1, 31337),
        NoContract("0x12", "no code there"),
        Lost(b"\x01" * 32),
    ],
)
def test_chain_error__each__says_what_was_expected_in_one_line(error: ChainError) -> None:
    assert str(error).startswith("chain: expected ")
    assert str(error.expected) in str(error)
    assert "\n" not in str(error)
