"""One chunk from one source over HTTP: nothing is believed, and every wait has an end."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    hdrs,
)
from yarl import URL

from chain.types import Seat
from node.blobs.access import Passport
from node.blobs.chunks import Cut
from node.blobs.errors import BlobError
from node.blobs.limits import FetchingLimits
from node.blobs.standing import Kind
from node.blobs.store import Blob
from node.blobs.tally import Tally

IDLE_SECONDS = 3.0  # an idle connection takes a place at the server that others may want
_REASON_BYTES = 300
_LINE_CHARACTERS = 80


@dataclass(frozen=True)
class Source:
    """A seat and where it says that it serves blobs."""

    seat: Seat
    url: str


class SourceFailed(Exception):
    """No chunk came; why, in a line, and what that says about the source. `chunk` is the one that
    it was asked for, where it was one."""

    def __init__(self, kind: Kind, reason: str, chunk: int | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.chunk = chunk


class Later(Exception):
    """The source asks to come again in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class TrustRefused(BlobError):
    """A file of certificates that is none."""


def build_trust(ca_file: Path | None) -> ssl.SSLContext:
    """Return whom to trust over https: the system's authorities, and those in a PEM file. Raises
    TrustRefused."""
    context = ssl.create_default_context()
    if ca_file is None:
        return context
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:
        raise TrustRefused(f"authorities in {ca_file}", "a PEM file", error) from error
    return context


class Sources:
    """Asks sources for chunks. A context manager, in one event loop."""

    def __init__(
        self,
        trust: ssl.SSLContext,
        passport: Passport | None,
        limits: FetchingLimits,
        tally: Tally,
    ) -> None:
        self._trust = trust
        self._passport = passport
        self._limits = limits
        self._tally = tally

    async def __aenter__(self) -> "Sources":
        self._session = ClientSession(
            # How many connections there are follows from how many chunks are asked for at once.
            connector=TCPConnector(limit=0, ssl=self._trust, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=DummyCookieJar(),
            headers={hdrs.ACCEPT_ENCODING: "identity"},
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, source: Source, blob: Blob, index: int) -> tuple[memoryview, memoryview]:
        """Return payload and path of a chunk, of the right length, not checked further.

        Raises SourceFailed and Later.
        """
        try:
            return await self._ask(source, blob, index)
        except SourceFailed as error:
            error.chunk = index
            raise

    async def _ask(self, source: Source, blob: Blob, index: int) -> tuple[memoryview, memoryview]:
        cut, limits = Cut(blob.size_bytes), self._limits
        path = f"/blobs/{blob.name}/0x{blob.tag.hex()}"
        size = cut.path_bytes + cut.measure(index)
        timeout = ClientTimeout(
            total=limits.connect_seconds
            + limits.silence_seconds
            + size / limits.least_bytes_per_second,
            sock_connect=limits.connect_seconds,
            sock_read=limits.silence_seconds,
        )
        headers = {}
        if self._passport is not None:
            header = self._passport.header(source.seat, hdrs.METH_GET, path)
            headers[hdrs.AUTHORIZATION] = header
        try:
            url = _join(source.url, f"{path}?chunk={index}")
            async with self._session.get(
                url, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                body = memoryview(await self._read(response, size))
                self._tally.fetched_bytes += len(body)
        except TimeoutError as error:
            raise SourceFailed(Kind.FAILED, "expected an answer in time, got none") from error
        except ClientResponseError as error:
            said = " ".join(error.message.split())[:_LINE_CHARACTERS]
            raise SourceFailed(Kind.BAD, f"expected HTTP, got {said}") from error
        except (ClientError, OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:_REASON_BYTES] or type(error).__name__
            raise SourceFailed(Kind.FAILED, f"expected an answer, got {reason}") from error
        return body[cut.path_bytes :], body[: cut.path_bytes]

    async def _read(self, response: ClientResponse, size: int) -> bytearray:
        if response.status in (429, 503):
            raise Later(self._parse_seconds(response.headers.get(hdrs.RETRY_AFTER, "1")))
        if response.status in (403, 404):
            said = await response.content.read(_REASON_BYTES)
            line = " ".join(said.decode(errors="replace").split())
            raise SourceFailed(Kind.ABSENT, f"{response.status} {line}")
        if response.status != 200:
            raise SourceFailed(Kind.BAD, f"expected status 200, got {response.status}")
        if response.content_length not in (None, size):
            got = response.content_length
            raise SourceFailed(Kind.BAD, f"expected {size} bytes, got {got}")
        body = bytearray()
        async for piece in response.content.iter_any():
            if len(body) + len(piece) > size:
                raise SourceFailed(Kind.BAD, f"expected {size} bytes, got more")
            body += piece
        if len(body) != size:
            raise SourceFailed(Kind.BAD, f"expected {size} bytes, got {len(body)}")
        return body

    def _parse_seconds(self, text: str) -> float:
        seconds = float(text) if text.isascii() and text.isdecimal() else 1.0
        return min(seconds, self._limits.again_seconds)


def _join(endpoint: str, rest: str) -> URL:
    """Return the address of a resource behind an endpoint, which may have a path of its own."""
    url = URL(endpoint.rstrip("/") + rest, encoded=True)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"no http or https endpoint: {endpoint[:_REASON_BYTES]!r}")
    return url
