"""One question and its answer over HTTP, a WebSocket or a local socket (IPC).

Whatever goes wrong on the way is Unreachable, in one line. Whoever asks closes the transport then,
so that no late answer is taken for that to the next question, which opens another connection.
"""

import json
import socket
from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

import requests
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect

from chain.errors import BadEndpoint, Dropped, Unreachable

TIMEOUT_SECONDS = 30.0
"""So long a question may take; a call that a node works on longer than this is none of ours."""
CLOSING_SECONDS = 1.0
"""A farewell that nobody answers is not waited for any longer."""
_CHUNK_BYTES = 1 << 16
_PORTS = range(1, 1 << 16)


class Transport(Protocol):
    """Carries one question at a time to a node."""

    def exchange(self, question: bytes) -> bytes:
        """Return the answer. Raises Unreachable; Dropped where an old connection was gone."""

    def close(self) -> None:
        """Hang up; the next question connects anew."""


class Http:
    """Connections are kept alive between questions, by `requests`."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._is_old = False
        self._session.headers["Content-Type"] = "application/json"

    def exchange(self, question: bytes) -> bytes:
        try:
            answer = self._session.post(self._url, question, timeout=self._timeout_seconds)
        except requests.Timeout as error:
            raise Unreachable(self._url, _no_answer(self._timeout_seconds)) from error
        except requests.RequestException as error:
            kind = Dropped if self._is_old and _is_about_connection(error) else Unreachable
            raise kind(self._url, _describe(error)) from error
        self._is_old = True
        if answer.status_code != requests.codes.ok:
            raise Unreachable(self._url, f"HTTP {answer.status_code} {answer.reason or ''}".strip())
        return answer.content

    def close(self) -> None:
        self._is_old = False
        self._session.close()


class WebSocket:
    """One connection for all questions."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._connection: ClientConnection | None = None
        self._opened = ExitStack()

    def exchange(self, question: bytes) -> bytes:
        if self._connection is not None and self._connection.state is not State.OPEN:
            self.close()
        is_old = self._connection is not None
        try:
            connection = self._connection = self._connection or self._open()
            connection.send(question.decode())
            answer = connection.recv(timeout=self._timeout_seconds)
        except TimeoutError as error:
            raise Unreachable(self._url, _no_answer(self._timeout_seconds)) from error
        except (ConnectionClosed, OSError) as error:
            kind = Dropped if is_old else Unreachable
            raise kind(self._url, _describe(error)) from error
        except WebSocketException as error:
            raise Unreachable(self._url, _describe(error)) from error
        return answer.encode() if isinstance(answer, str) else answer

    def close(self) -> None:
        self._connection = None
        self._opened.close()

    def _open(self) -> ClientConnection:
        opening = connect(
            self._url,
            open_timeout=self._timeout_seconds,
            close_timeout=CLOSING_SECONDS,
            # The most that a node tells at once is the node's to limit: of logs that is much.
            max_size=None,
        )
        return self._opened.enter_context(opening)


class Ipc:
    """A Unix socket; an answer ends where its JSON object does, as no node promises a newline."""

    def __init__(self, endpoint: str, timeout_seconds: float) -> None:
        self._endpoint = endpoint
        self._path = endpoint.removeprefix("ipc://")
        self._timeout_seconds = timeout_seconds
        self._socket: socket.socket | None = None

    def exchange(self, question: bytes) -> bytes:
        if self._socket is not None and _has_ended(self._socket):
            self.close()
        is_old = self._socket is not None
        try:
            connection = self._socket = self._socket or self._open()
            connection.settimeout(self._timeout_seconds)
            connection.sendall(question + b"\n")
            return self._receive(connection)
        except TimeoutError as error:
            raise Unreachable(self._endpoint, _no_answer(self._timeout_seconds)) from error
        except OSError as error:
            kind = Dropped if is_old else Unreachable
            raise kind(self._endpoint, _describe(error)) from error

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _open(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._timeout_seconds)
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        return connection

    def _receive(self, connection: socket.socket) -> bytes:
        ends_at = monotonic() + self._timeout_seconds
        answer = bytearray()
        while not _is_whole(answer):
            connection.settimeout(max(ends_at - monotonic(), 0.001))
            chunk = connection.recv(_CHUNK_BYTES)
            if not chunk:
                raise ConnectionResetError("the connection was closed without an answer")
            answer += chunk
        return bytes(answer)


def open_transport(endpoint: str, timeout_seconds: float) -> Transport:
    """Return the way to an endpoint; nothing is connected yet. Raises BadEndpoint."""
    scheme, mark, rest = endpoint.partition("://")
    if not mark:
        # A path is told from `localhost:8545` by what only paths have.
        if "/" in endpoint or endpoint.endswith(".ipc"):
            return Ipc(endpoint, timeout_seconds)
        raise BadEndpoint(endpoint)
    kinds: dict[str, Callable[[str, float], Transport]] = {
        "http": Http,
        "https": Http,
        "ws": WebSocket,
        "wss": WebSocket,
        "ipc": Ipc,
    }
    if scheme not in kinds or not (rest if scheme == "ipc" else _has_host(endpoint)):
        raise BadEndpoint(endpoint)
    return kinds[scheme](endpoint, timeout_seconds)


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port in _PORTS)
    except ValueError:
        return False


def _is_whole(answer: bytes | bytearray) -> bool:
    """Return whether this is a JSON object, or will never be one."""
    text = answer.strip()
    if not text.startswith(b"{"):
        return bool(text)
    if not text.endswith(b"}"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _has_ended(connection: socket.socket) -> bool:
    """Return whether the other side hung up, or says what nobody asked for."""
    connection.setblocking(False)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _is_about_connection(error: requests.RequestException) -> bool:
    """Return whether the connection broke, rather than that the answer is no HTTP."""
    return isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError)


def _no_answer(timeout_seconds: float) -> str:
    return f"no answer within {timeout_seconds:g} s"


def _describe(error: BaseException) -> str:
    """Return the reason that lies under all the libraries' wrappings, in one line."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    said = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return " ".join(str(said).split())
