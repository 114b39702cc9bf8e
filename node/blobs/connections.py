"""Connections to a server of blobs: as many as the limits allow, and none that is merely held."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import cast

from aiohttp import web

from node.blobs.limits import ServingLimits

REFUSAL_SECONDS = 1.0
LOG = logging.getLogger("holdfast.blobs")


class Connections:
    """Makes what speaks to each client."""

    def __init__(self, manager: web.Server, limits: ServingLimits) -> None:
        self._manager = manager
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._open: Counter[str] = Counter()

    def accept(self) -> asyncio.Protocol:
        """Return what meets the next client at the door."""
        return _Door(self._choose)

    def _choose(self, address: str) -> asyncio.Protocol:
        limits = self._limits
        if self._open.total() >= limits.connections:
            return _Refusal(f"expected at most {limits.connections} connections, got more")
        if self._open[address] >= limits.address_connections:
            most = limits.address_connections
            return _Refusal(f"expected at most {most} connections from {address}, got more")
        connection = _Connection(
            self._manager,
            loop=self._loop,
            keepalive_timeout=limits.idle_seconds,
            lingering_time=REFUSAL_SECONDS,
            max_line_size=limits.line_bytes,
            max_headers=limits.fields,
            max_field_size=limits.field_bytes,
            access_log=cast(logging.Logger, None),  # aiohttp declares it otherwise
            auto_decompress=False,
        )
        self._open[address] += 1
        connection.on_lost = lambda: self._forget(address)
        return connection

    def _forget(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class _Door(asyncio.Protocol):
    """Sees who comes, and leaves the rest to whom the client is handed on to."""

    def __init__(self, choose: Callable[[str], asyncio.Protocol]) -> None:
        self._choose = choose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "TCP"
        name = transport.get_extra_info("peername")
        protocol = self._choose(name[0] if name else "nowhere")
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        # What is written counts as taken when the kernel has it all: nothing waits here for long.
        # Said last, since with TLS something may wait already, and whoever hears of that must be
        # who hears of its end; and not with 0, which an empty buffer would have reached.
        transport.set_write_buffer_limits(high=1, low=0)


class _Connection(web.RequestHandler):
    """aiohttp's HTTP connection, with errors in one line of text."""

    on_lost: Callable[[], None]

    def connection_lost(self, exc: BaseException | None) -> None:
        self.on_lost()
        super().connection_lost(exc)

    def force_close(self) -> None:
        transport = self.transport
        super().force_close()
        if transport is not None:
            # Who does not take the last answer must not keep the connection by that.
            asyncio.get_running_loop().call_later(REFUSAL_SECONDS, transport.abort)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, and what nobody foresaw."""
        if status >= 500:
            LOG.error("act=serve status=%d error=%r", status, exc, exc_info=exc)
            text = "expected an answer, got a fault of this server"
        else:
            text = "expected an HTTP request, got something else"
        response = web.Response(status=status, text=text + "\n")
        response.force_close()
        return response


class _Refusal(asyncio.Protocol):
    """Says why, and hangs up; it listens a little longer than it speaks, since who is cut off
    while writing reads no answer."""

    def __init__(self, reason: str) -> None:
        self._body = f"connections: {reason}\n".encode()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "TCP"
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(self._body)}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
        )
        transport.write(head.encode() + self._body)
        if transport.can_write_eof():
            transport.write_eof()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(REFUSAL_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
