"""The chain's JSON-RPC over HTTP and WebSocket, on one port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Final, Self, cast

from aiohttp import hdrs, web

from chain.devnet import envelope
from chain.devnet.desk import Desk
from chain.devnet.devnet import Devnet
from chain.devnet.errors import BadRequest, CannotListen, LimitExceeded, RequestError
from chain.devnet.intake import Intake
from chain.devnet.limits import Limits
from chain.devnet.line import CLOSING_SECONDS, Line
from chain.devnet.subscriptions import Session

_JSON: Final = "application/json"
_REFUSAL_SECONDS: Final = 1.0
_MINE: Final = b'{"jsonrpc":"2.0","id":0,"method":"evm_mine","params":[]}'
log: Final = logging.getLogger(__name__)


class Server:
    """Serves `devnet` at `host`:`port` (0 is any free one); an asynchronous context manager.

    Every message is answered with JSON-RPC, whatever is wrong with it, except a notification (no
    id), which HTTP answers with 204. `ticks`, if given, turns automine off, unless `is_on_demand`:
    a block is mined each time it yields. Leaving the context answers what was asked, then closes
    every connection; the chain stays open, and it belongs to the server until then.

    Raises `CannotListen`.
    """

    def __init__(
        self,
        devnet: Devnet,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        ticks: AsyncIterator[None] | None = None,
        is_on_demand: bool = False,
    ) -> None:
        self._devnet = devnet
        self._host = host
        self.port = port
        self._limits = limits or Limits()
        self._ticks = ticks
        self._is_on_demand = is_on_demand or ticks is None
        self._lines: dict[Session, Line] = {}
        self._opened = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where HTTP is served; a WebSocket has `ws` for `http`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def __aenter__(self) -> Self:
        self._devnet.set_automine(self._is_on_demand)
        desk = Desk(self._devnet, self._limits)
        async with AsyncExitStack() as opened:
            self._intake = await opened.enter_async_context(
                Intake(desk.run, self._tell, waiting_bytes=self._limits.waiting_bytes)
            )
            await self._listen(opened)
            if self._ticks is not None:
                opened.push_async_callback(_cancel, asyncio.create_task(self._mine(self._ticks)))
            self._opened = opened.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def _listen(self, opened: AsyncExitStack) -> None:
        manager = web.Server(self._handle, request_factory=self._make_request)
        connections = _Connections(manager, self._limits)
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(connections.accept, self._host, self.port)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CannotListen(
                f"chain server at {self._host}:{self.port}", expected="a free port", got=reason
            ) from error
        opened.push_async_callback(self._close, listener, manager)
        self.port = listener.sockets[0].getsockname()[1]

    async def _close(self, listener: asyncio.Server, manager: web.Server) -> None:
        listener.close()
        # Sockets first: a connection that is shut down does not hear the client's farewell.
        await asyncio.gather(*(line.stop() for line in self._lines.values()))
        manager.pre_shutdown()
        await manager.shutdown(2 * CLOSING_SECONDS)

    async def _mine(self, ticks: AsyncIterator[None]) -> None:
        async for _ in ticks:
            answer = await self._intake.submit(_MINE)
            if answer is not None and b'"error"' in answer:
                log.error("block=failed answer=%s", answer.decode())

    def _tell(self, session: Session, text: bytes) -> None:
        line = self._lines.get(session)
        if line is not None:
            line.tell(text)

    def _make_request(
        self,
        message: object,
        payload: object,
        protocol: object,
        writer: object,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        make: Callable[..., web.BaseRequest] = web.BaseRequest
        return make(
            message,
            payload,
            protocol,
            writer,
            task,
            loop,
            client_max_size=self._limits.body_bytes,
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await self._serve_socket(request)
        if request.method != hdrs.METH_POST:
            return _refuse(405, BadRequest("use POST", expected="POST", got=request.method))
        if hdrs.CONTENT_ENCODING in request.headers:
            encoding = request.headers[hdrs.CONTENT_ENCODING]
            return _refuse(415, BadRequest("compressed body", expected="plain", got=encoding))
        try:
            async with asyncio.timeout(self._limits.idle_seconds):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            most = self._limits.body_bytes
            return _refuse(413, LimitExceeded("body too large", expected=most, got="more"))
        except TimeoutError:
            return _refuse(408, BadRequest("body incomplete", expected="all of it", got="a part"))
        answer = await self._intake.submit(body)
        if answer is None:
            return web.Response(status=204)
        return web.Response(body=answer, content_type=_JSON)

    async def _serve_socket(self, request: web.BaseRequest) -> web.StreamResponse:
        line = Line(self._intake, self._limits)
        self._lines[line.session] = line
        try:
            return await line.serve(request)
        finally:
            line.session.is_closed = True
            del self._lines[line.session]


class _Connections:
    """Accepts as many connections as the limits allow."""

    def __init__(self, manager: web.Server, limits: Limits) -> None:
        self._manager = manager
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._open: set[_Connection] = set()

    def accept(self) -> asyncio.Protocol:
        """Return what speaks to the next client."""
        most = self._limits.connections
        if len(self._open) >= most:
            return _Refusal(most)
        connection = _Connection(
            self._manager,
            loop=self._loop,
            keepalive_timeout=self._limits.idle_seconds,
            # Headers, and bodies that are refused, are never read for longer than this.
            lingering_time=1.0,
            access_log=cast(logging.Logger, None),  # aiohttp declares it otherwise
            auto_decompress=False,
        )
        connection.on_lost = self._open.discard
        self._open.add(connection)
        return connection


class _Connection(web.RequestHandler):
    """aiohttp's HTTP connection, with errors in JSON-RPC."""

    on_lost: Callable[[_Connection], None]

    def connection_lost(self, exc: BaseException | None) -> None:
        self.on_lost(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, and what nobody foresaw."""
        if status >= 500:
            log.error("request=failed status=%s", status, exc_info=exc)
            error = RequestError("internal error", expected="an answer", got=type(exc).__name__)
        else:
            error = BadRequest("invalid HTTP", expected="an HTTP request", got=status)
        response = _refuse(status, error)
        response.force_close()
        return response


class _Refusal(asyncio.Protocol):
    """Says that there are too many connections, and hangs up.

    It listens a little longer than it speaks: who is cut off while writing reads no answer.
    """

    def __init__(self, most: int) -> None:
        error = LimitExceeded("too many connections", expected=f"at most {most}", got="more")
        self._body = envelope.encode(envelope.answer_error(error))
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "TCP"
        head = (
            f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {_JSON}\r\n"
            f"Content-Length: {len(self._body)}\r\nConnection: close\r\n\r\n"
        )
        transport.write(head.encode() + self._body)
        transport.write_eof()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_REFUSAL_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _refuse(status: int, error: RequestError) -> web.Response:
    body = envelope.encode(envelope.answer_error(error))
    return web.Response(status=status, body=body, content_type=_JSON)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
