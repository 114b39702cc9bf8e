"""A server in a thread of this process, and the plainest clients there are."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import ClientConnection, connect

from chain.devnet.devnet import Devnet
from chain.devnet.limits import Limits
from chain.devnet.server import Server

WAIT_SECONDS = 30
"""Far more than anything here takes; a test that waits so long has failed."""


def request(method: str, *params: object, number: object = 1) -> dict[str, Any]:
    """Return a request object."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


@dataclass(frozen=True)
class Served:
    """A server that runs, and the loop it runs in."""

    host: str
    loop: asyncio.AbstractEventLoop

    def post(self, body: object, **headers: str) -> tuple[int, bytes]:
        """Return status and body of the answer to a body, which is text, bytes or to be JSON."""
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        with closing(http.client.HTTPConnection(self.host, timeout=WAIT_SECONDS)) as connection:
            connection.request("POST", "/", data, headers)
            response = connection.getresponse()
            return response.status, response.read()

    def ask(self, method: str, *params: object) -> Any:
        """Return the result of a request, which must not fail."""
        answer = self.answer(request(method, *params))
        assert "error" not in answer, answer
        return answer["result"]

    def answer(self, body: object) -> Any:
        """Return the JSON of the answer."""
        return json.loads(self.post(body)[1])

    @contextmanager
    def open_socket(self) -> Iterator[Socket]:
        """Connect a WebSocket."""
        with connect(f"ws://{self.host}", open_timeout=WAIT_SECONDS) as connection:
            yield Socket(connection)


@dataclass(frozen=True)
class Socket:
    """A WebSocket that waits for what it expects."""

    connection: ClientConnection

    def send(self, body: object) -> None:
        self.connection.send(body if isinstance(body, str | bytes) else json.dumps(body))

    def receive(self) -> Any:
        return json.loads(self.connection.recv(timeout=WAIT_SECONDS))

    def ask(self, method: str, *params: object) -> Any:
        self.send(request(method, *params))
        answer = self.receive()
        assert "error" not in answer, answer
        return answer["result"]


class Ticks:
    """Blocks by interval, the interval being when the test says so."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[None] = asyncio.Queue()

    def __aiter__(self) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        return self

    async def __anext__(self) -> None:
        await self._queue.get()

    def tick(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._queue.put_nowait, None)


@contextmanager
def serve(
    devnet: Devnet, limits: Limits | None = None, ticks: AsyncIterator[None] | None = None
) -> Iterator[Served]:
    """Serve in a thread until the context ends."""
    ready: Future[Served] = Future()
    stopped = asyncio.Event()

    async def run() -> None:
        async with Server(devnet, limits=limits, ticks=ticks) as server:
            loop = asyncio.get_running_loop()
            ready.set_result(Served(server.url.removeprefix("http://"), loop))
            await stopped.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    served = ready.result(WAIT_SECONDS)
    try:
        yield served
    finally:
        served.loop.call_soon_threadsafe(stopped.set)
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()
