"""Blobs over HTTP, for the other peers and for anybody with curl.

    GET, HEAD /blobs/{root}/{tag}?chunk={index}   a chunk behind its path
    GET, HEAD /blobs/{root}/{tag}                 the payload; Range is understood
    GET, HEAD /health                             one line

Root and tag are 0x and 64 lower-case hexadecimal digits. Whatever is refused is so with one line of
text. Every wait for a client has an end, and nothing larger than a chunk is in memory for one.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from node.blobs.access import Gate
from node.blobs.answering import Answers, MayServe
from node.blobs.background import Background
from node.blobs.connections import Connections
from node.blobs.disk import DiskBlobs
from node.blobs.errors import ListenRefused
from node.blobs.limits import ServingLimits
from node.blobs.tally import Tally

CLOSING_SECONDS = 1.0


@dataclass(frozen=True)
class Certificate:
    """Files in PEM for TLS: the certificate, with those that vouch for it, and its key."""

    certificate: Path
    key: Path

    def build_context(self) -> ssl.SSLContext:
        """Return what a server needs of them. Raises ListenRefused."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # an ssl.SSLError is one
            raise ListenRefused(
                f"certificate {self.certificate}, key {self.key}", "two PEM files", error
            ) from error
        return context


class BlobServer:
    """Serves a store at `host`:`port` (0 is any free one), in a thread; a context manager.

    `greeting` is what `/health` says; what is served is added to `tally`. Raises ListenRefused.
    """

    def __init__(
        self,
        store: DiskBlobs,
        gate: Gate,
        may_serve: MayServe,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: ServingLimits | None = None,
        certificate: Certificate | None = None,
        greeting: str = "holdfast",
        tally: Tally | None = None,
    ) -> None:
        self._background = Background("blob-server")
        self._limits = limits or ServingLimits()
        self._make_answers: Callable[[], Answers] = lambda: Answers(
            store, gate, may_serve, self._limits, greeting, tally or Tally()
        )
        self._host = host
        self.port = port
        self._certificate = certificate
        self._opened = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where blobs are served."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._certificate else 'http'}://{host}:{self.port}"

    def __enter__(self) -> Self:
        context = None if self._certificate is None else self._certificate.build_context()
        self._background.__enter__()
        try:
            self._background.run(self._listen(context))
        except BaseException:
            self._background.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._background.run(self._opened.aclose())
        self._background.__exit__(kind, error, trace)

    def recheck(self) -> None:
        """Tell that what may be served has changed. From any thread, while it serves."""
        self._background.loop.call_soon_threadsafe(self._answers.recheck)

    async def _listen(self, context: ssl.SSLContext | None) -> None:
        self._answers = self._make_answers()
        manager = web.Server(self._answers.handle, handler_cancellation=True)
        connections = Connections(manager, self._limits)
        handshake_seconds = None if context is None else self._limits.idle_seconds
        try:
            listener = await asyncio.get_running_loop().create_server(
                connections.accept,
                self._host,
                self.port,
                ssl=context,
                ssl_handshake_timeout=handshake_seconds,
            )
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ListenRefused(
                f"blob server at {self._host}:{self.port}", "a free port", reason
            ) from error
        self.port = listener.sockets[0].getsockname()[1]
        self._opened.push_async_callback(manager.shutdown, CLOSING_SECONDS)
        self._opened.callback(listener.close)
