"""One WebSocket: requests in, answers and notifications out, in order."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from chain.devnet.intake import Intake, Reply
from chain.devnet.limits import Limits
from chain.devnet.subscriptions import Session

CLOSING_SECONDS: Final = 2.0
"""For the last answers and the closing handshake."""


class Line:
    """Serves a WebSocket until the client leaves, falls behind, or `stop` is called."""

    def __init__(self, intake: Intake, limits: Limits) -> None:
        self.session = Session()
        self._intake = intake
        self._limits = limits
        self._socket = web.WebSocketResponse(
            timeout=CLOSING_SECONDS,
            heartbeat=limits.idle_seconds,
            max_msg_size=limits.body_bytes,
            # A small compressed message may be a large one.
            compress=False,
        )
        self._outbox: asyncio.Queue[Reply | bytes | None] = asyncio.Queue()
        self._unread_bytes = 0
        self._room = asyncio.Semaphore(limits.in_flight)
        self._reader: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._is_stopping = False
        self._ended = asyncio.Event()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer until the connection ends."""
        try:
            await self._socket.prepare(request)
            return await self._serve(request)
        finally:
            self._ended.set()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self._transport = request.transport
        self._reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._write())
        if self._is_stopping:
            self._reader.cancel()
        await asyncio.wait((self._reader, writer), return_when=asyncio.FIRST_COMPLETED)
        self.session.is_closed = True
        self._reader.cancel()
        self._outbox.put_nowait(None)
        _, late = await asyncio.wait((writer,), timeout=CLOSING_SECONDS)
        if late:
            writer.cancel()
            self._drop()
        await self._socket.close(code=WSCloseCode.GOING_AWAY)
        for task in (self._reader, writer):
            if task.done() and not task.cancelled():
                task.result()
        return self._socket

    def tell(self, text: bytes) -> None:
        """Send a notification; a client that leaves too many unread is disconnected."""
        if self._unread_bytes + len(text) > self._limits.unread_bytes:
            self._drop()
            return
        self._unread_bytes += len(text)
        self._outbox.put_nowait(text)

    async def stop(self) -> None:
        """Read no more, answer what was asked, say farewell; at most for some seconds."""
        self._is_stopping = True
        if self._reader is not None:
            self._reader.cancel()
        await self._ended.wait()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            data = message.data
            await self._room.acquire()
            body = data.encode() if isinstance(data, str) else data
            self._outbox.put_nowait(self._intake.submit(body, self.session))

    async def _write(self) -> None:
        while (item := await self._outbox.get()) is not None:
            if isinstance(item, bytes):
                self._unread_bytes -= len(item)
                text: bytes | None = item
            else:
                text = await item
                self._room.release()
            if text is None:
                continue
            try:
                await self._socket.send_frame(text, WSMsgType.TEXT)
            except ConnectionResetError:
                return

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()
