"""Three ways to a node: what goes wrong on each is one line, and the next question just works."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from scripted_node import Act, Script, serve_script
from websockets.sync.client import ClientConnection

from chain.errors import Unreachable
from chain.provider import NodeProvider
from chain.transports import Ipc, open_transport

KINDS = ("http", "ws", "ipc")
SHORT_SECONDS = 0.2

Connect = Callable[..., NodeProvider]


@pytest.fixture(params=KINDS)
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connect]:
    """Serve a script over each transport, and connect to it."""
    with ExitStack() as opened:

        def start(script: Script, timeout_seconds: float = 20) -> NodeProvider:
            endpoint = opened.enter_context(serve_script(request.param, script, tmp_path))
            transport = open_transport(endpoint, timeout_seconds)
            return opened.enter_context(NodeProvider(endpoint, transport))

        yield start


def ask(node: NodeProvider, method: str = "eth_chainId") -> object:
    return node.make_request(method, [])["result"]  # type: ignore[arg-type]


def test_exchange__many_questions__go_over_one_connection(connect: Connect) -> None:
    script = Script()
    node = connect(script)
    assert [ask(node) for _ in range(5)] == ["0x7a69"] * 5
    assert script.connections == 1


def test_exchange__node_hangs_up_between_questions__the_next_one_just_works(
    connect: Connect,
) -> None:
    script = Script(*[Act.ANSWER_AND_HANG_UP] * 3)
    node = connect(script)
    assert [ask(node) for _ in range(4)] == ["0x7a69"] * 4
    assert script.connections == 4


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (Act.GARBAGE, "no JSON: b'<html>busy</html>'"),
        (Act.NO_RPC, 'no JSON-RPC answer: b\'{"status": "ok"}\''),
        (Act.SILENCE, "no answer within 0.2 s"),
    ],
)
def test_exchange__no_answer_to_use__says_what_came_and_goes_on(
    connect: Connect, act: Act, said: str
) -> None:
    node = connect(Script(act), timeout_seconds=SHORT_SECONDS)
    with pytest.raises(Unreachable) as caught:
        ask(node)
    assert str(caught.value) == f"chain: expected a node at {node.endpoint}, got {said}"
    assert ask(node) == "0x7a69"


def test_exchange__hung_up_on_the_first_question__unreachable_then_works(connect: Connect) -> None:
    node = connect(Script(Act.HANG_UP))
    with pytest.raises(Unreachable) as caught:
        ask(node)
    assert str(caught.value).startswith(f"chain: expected a node at {node.endpoint}, got ")
    assert "\n" not in str(caught.value)
    assert ask(node) == "0x7a69"


@pytest.mark.parametrize("method", ["evm_mine", "eth_sendTransaction", "eth_sendRawTransaction"])
def test_exchange__hung_up_while_something_changes__is_not_asked_again(
    connect: Connect, method: str
) -> None:
    script = Script(Act.ANSWER, Act.HANG_UP)
    node = connect(script)
    ask(node)
    with pytest.raises(Unreachable):
        ask(node, method)
    assert script.asked == ["eth_chainId", method]
    assert ask(node) == "0x7a69"


def test_exchange__hung_up_on_a_later_question__is_asked_once_more(connect: Connect) -> None:
    script = Script(Act.ANSWER, Act.HANG_UP)
    node = connect(script)
    assert [ask(node), ask(node)] == ["0x7a69"] * 2
    assert script.asked == ["eth_chainId"] * 3


def test_exchange__hung_up_twice__is_not_asked_for_ever(connect: Connect) -> None:
    script = Script(Act.ANSWER, Act.HANG_UP, Act.HANG_UP)
    node = connect(script)
    ask(node)
    with pytest.raises(Unreachable):
        ask(node)
    assert script.asked == ["eth_chainId"] * 3


@pytest.mark.parametrize(
    ("kind", "receiver"), [("ws", (ClientConnection, "recv")), ("ipc", (Ipc, "_receive"))]
)
def test_exchange__interrupted_before_the_answer__the_next_one_gets_its_own(
    kind: str, receiver: tuple[type, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script()
    with (
        serve_script(kind, script, tmp_path) as endpoint,
        NodeProvider(endpoint, open_transport(endpoint, 20)) as node,
    ):
        ask(node)
        with monkeypatch.context() as patched:
            # As by ctrl-C, once the question has left.
            patched.setattr(*receiver, _interrupt)
            with pytest.raises(KeyboardInterrupt):
                ask(node, "eth_blockNumber")
        ask(node)
        assert script.connections == 2


def _interrupt(*_: object, **__: object) -> bytes:
    raise KeyboardInterrupt


def test_exchange__http_status__is_told(tmp_path: Path) -> None:
    with (
        serve_script("http", Script(Act.FORBID), tmp_path) as url,
        NodeProvider(url, open_transport(url, 20)) as node,
    ):
        with pytest.raises(Unreachable) as caught:
            ask(node)
        assert caught.value.got == "HTTP 429 Too Many Requests"
        assert ask(node) == "0x7a69"


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_exchange__nobody_listens__connection_refused(scheme: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unreachable) as caught:
            ask(NodeProvider(url, open_transport(url, 20)))
    assert str(caught.value) == f"chain: expected a node at {url}, got Connection refused"


@pytest.mark.parametrize("prefix", ["", "ipc://"])
def test_exchange__no_such_socket__says_so(prefix: str, tmp_path: Path) -> None:
    endpoint = f"{prefix}{tmp_path}/nowhere.ipc"
    with pytest.raises(Unreachable) as caught:
        ask(NodeProvider(endpoint, open_transport(endpoint, 20)))
    assert str(caught.value) == (
        f"chain: expected a node at {endpoint}, got No such file or directory"
    )


def test_exchange__a_web_server_without_websockets__unreachable(tmp_path: Path) -> None:
    with serve_script("http", Script(Act.FORBID), tmp_path) as url:
        endpoint = url.replace("http", "ws")
        with pytest.raises(Unreachable, match="HTTP 429"):
            ask(NodeProvider(endpoint, open_transport(endpoint, 20)))
