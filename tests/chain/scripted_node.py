"""A node that does to its clients what nodes do, over each transport, as a script says."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_socket

CHAIN_ID = "0x7a69"


class Act(Enum):
    """What to do when a question came."""

    ANSWER = auto()
    ANSWER_AND_HANG_UP = auto()
    HANG_UP = auto()
    GARBAGE = auto()
    NO_RPC = auto()
    SILENCE = auto()
    FORBID = auto()


class Script:
    """The acts in order, then answers; how often a client connected and what it asked."""

    def __init__(self, *acts: Act) -> None:
        self.acts = list(acts)
        self.connections = 0
        self.asked: list[str] = []
        self.is_over = threading.Event()

    def play(self, question: bytes, write: Callable[[bytes], object]) -> bool:
        """Answer; return whether the connection stays."""
        request = json.loads(question)
        self.asked.append(request["method"])
        act = self.acts.pop(0) if self.acts else Act.ANSWER
        if act in (Act.ANSWER, Act.ANSWER_AND_HANG_UP):
            write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": CHAIN_ID}).encode())
        elif act is Act.GARBAGE:
            write(b"<html>busy</html>")
        elif act is Act.NO_RPC:
            write(b'{"status": "ok"}')
        elif act is Act.SILENCE:
            self.is_over.wait(30)
        return act in (Act.ANSWER, Act.GARBAGE, Act.NO_RPC)


class _Http(socketserver.StreamRequestHandler):
    script: Script

    def handle(self) -> None:
        self.script.connections += 1
        while self.rfile.readline():
            size = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
            if self.script.acts[:1] == [Act.FORBID]:
                self.rfile.read(size)
                self.script.acts.pop(0)
                self.wfile.write(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
            elif not self.script.play(self.rfile.read(size), self._write):
                return

    def _write(self, answer: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n"
        self.wfile.write(head.encode() + answer)


class _Ipc(socketserver.StreamRequestHandler):
    script: Script

    def handle(self) -> None:
        self.script.connections += 1
        while (question := self.rfile.readline()) and self.script.play(question, self._write):
            pass

    def _write(self, answer: bytes) -> None:
        # In two pieces and without a newline: no node promises otherwise. What is no object is
        # over with its first piece.
        cut = 7 if answer.startswith(b"{") else len(answer)
        self.wfile.write(answer[:cut])
        self.wfile.flush()
        self.wfile.write(answer[cut:])


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def serve_script(kind: str, script: Script, directory: Path) -> Iterator[str]:
    """Serve over "http", "ws" or "ipc", and return the endpoint."""
    if kind == "ws":
        with _serve_websocket(script) as endpoint:
            yield endpoint
        return
    path = directory / "node.ipc"
    handler = type("Handler", (_Http if kind == "http" else _Ipc,), {"script": script})
    server = (
        _TcpServer(("127.0.0.1", 0), handler) if kind == "http" else _UnixServer(str(path), handler)
    )
    with server, _running(lambda: server.serve_forever(0.01), server.shutdown, script):
        yield f"http://127.0.0.1:{server.server_address[1]}" if kind == "http" else str(path)


@contextmanager
def _serve_websocket(script: Script) -> Iterator[str]:
    def handle(connection: ServerConnection) -> None:
        script.connections += 1
        with suppress(ConnectionClosed):
            for question in connection:
                data = question.encode() if isinstance(question, str) else question
                if not script.play(data, lambda answer: connection.send(answer.decode())):
                    # As a process that dies: without a farewell.
                    connection.socket.shutdown(2)
                    return

    with serve_socket(handle, "127.0.0.1", 0) as server:
        port = server.socket.getsockname()[1]
        with _running(server.serve_forever, server.shutdown, script):
            yield f"ws://127.0.0.1:{port}"


@contextmanager
def _running(run: Callable[[], None], stop: Callable[[], None], script: Script) -> Iterator[None]:
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        script.is_over.set()
        stop()
        thread.join()
