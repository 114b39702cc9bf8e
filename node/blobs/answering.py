"""What a server of blobs answers to each request; see `node/blobs/serving.py` for the paths."""

import asyncio
import logging
import math
import re
from collections.abc import Callable, Hashable

from aiohttp import hdrs, web

from chain.types import Root, Seat
from node.blobs.access import Gate
from node.blobs.chunks import CHUNK_BYTES, Cut
from node.blobs.disk import DiskBlobs
from node.blobs.errors import AccessRefused, BlobCorrupt, StoreFailed
from node.blobs.limits import ServingLimits
from node.blobs.rates import Rates
from node.blobs.store import Blob
from node.blobs.tally import Tally
from node.blobs.trees import Trees

LOG = logging.getLogger("holdfast.blobs")
MayServe = Callable[[Blob, Seat | None], bool]
"""Whether a reader may have a blob now; the reader is None where nobody is asked who he is. It is
called in the server's thread."""
_PATH = re.compile(r"/blobs/0x([0-9a-f]{64})/0x([0-9a-f]{64})")
_CHUNK = re.compile(r"chunk=(0|[1-9][0-9]{0,9})")
_ACCESS_REFUSED_COSTS = 20  # requests: a signature costs a server 0.5 ms, and a forger nothing
_BYTES = "application/octet-stream"


class _Refused(Exception):
    """An answer that is no blob: its status, its line, and when to come again (0: never)."""

    def __init__(
        self, status: int, reason: str, expected: object, got: object, again_seconds: float = 0
    ) -> None:
        super().__init__(f"{reason}: expected {expected}, got {got}")
        self.status = status
        self.again_seconds = again_seconds


class Answers:
    """Answers requests in one event loop."""

    def __init__(
        self,
        store: DiskBlobs,
        gate: Gate,
        may_serve: MayServe,
        limits: ServingLimits,
        greeting: str,
        tally: Tally,
    ) -> None:
        self._store = store
        self._gate = gate
        self._may_serve = may_serve
        self._limits = limits
        self._greeting = greeting
        self._tally = tally
        self._changed = asyncio.Event()
        self._trees = Trees(store, most_bytes=limits.tree_bytes)
        self._addresses = _build_rates(limits, limits.address_requests_per_second)
        self._requests = _build_rates(limits, limits.requests_per_second)
        self._bytes = _build_rates(limits, limits.bytes_per_second)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the answer, which has been sent."""
        try:
            return await self._answer(request)
        except _Refused as refused:
            return await self._refuse(request, refused)
        except AccessRefused as error:
            self._addresses.take(request.remote or "nowhere", _ACCESS_REFUSED_COSTS, _now())
            no_access = _Refused(403, error.reason, error.expected, error.got)
            return await self._refuse(request, no_access)
        except ConnectionError:
            return web.Response()  # to nobody: the client is gone
        except StoreFailed as error:
            LOG.error("act=serve path=%r error=%r", request.rel_url.raw_path, str(error))
            return await self._refuse(request, _Refused(500, "store", "a readable disk", "a fault"))

    def recheck(self) -> None:
        """Ask anew whether what is waited for may be served. In the server's thread."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        address = request.remote or "nowhere"
        self._charge(self._addresses, address, 1, f"requests from {address}")
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            raise _Refused(405, "method", "GET or HEAD", request.method)
        if request.can_read_body:
            raise _Refused(413, "body", "none", "one")
        path = request.rel_url.raw_path
        if path == "/health":
            response = web.StreamResponse()
            response.content_type = "text/plain"
            return await self._send(request, response, f"{self._greeting}\n".encode())
        form = _PATH.fullmatch(path)
        if form is None:
            raise _Refused(404, "path", "/blobs/0x{root}/0x{tag} or /health", path[:200])
        reader = self._gate.admit(request.method, path, request.headers.get(hdrs.AUTHORIZATION))
        client = address if reader is None else reader
        self._charge(self._requests, client, 1, "requests")
        blob = await self._find(Root(bytes.fromhex(form[1])), bytes.fromhex(form[2]), reader)
        if request.rel_url.raw_query_string:
            return await self._answer_chunk(request, blob, client)
        return await self._answer_payload(request, blob, client)

    async def _find(self, root: Root, tag: bytes, reader: Seat | None) -> Blob:
        blob = await asyncio.to_thread(self._store.find, root, tag)
        if blob is None or not blob.size_bytes:
            raise _Refused(404, f"blob 0x{root.hex()}", "kept here", "none")
        await self._wait_until_served(blob, reader)
        return blob

    async def _wait_until_served(self, blob: Blob, reader: Seat | None) -> None:
        """Wait a little for the moment from which a blob is served: whoever asks may have seen the
        block that ends the commitments before this peer has."""
        try:
            async with asyncio.timeout(self._limits.embargo_seconds):
                # Taken before the question, so that no change after it is missed.
                changed = self._changed
                while not self._may_serve(blob, reader):
                    await changed.wait()
                    changed = self._changed
        except TimeoutError as error:
            expected = "a time and a reader to serve it to"
            raise _Refused(403, f"blob {blob.name}", expected, "others") from error

    async def _answer_chunk(
        self, request: web.BaseRequest, blob: Blob, client: Hashable
    ) -> web.StreamResponse:
        cut = Cut(blob.size_bytes)
        form = _CHUNK.fullmatch(request.rel_url.raw_query_string)
        if form is None or int(form[1]) >= cut.count:
            got = request.rel_url.raw_query_string[:200]
            raise _Refused(404, "query", f"chunk=0 to chunk={cut.count - 1}", got)
        index = int(form[1])
        size = cut.measure(index)
        self._charge(self._bytes, client, cut.path_bytes + size, "bytes")
        try:
            tree = await self._trees.find(blob, self._limits.prepare_seconds)
        except BlobCorrupt as error:
            raise _Refused(404, error.reason, error.expected, error.got) from error
        if tree is None:
            raise _Refused(503, f"blob {blob.name}", "ready", "being prepared", again_seconds=1)
        payload = await asyncio.to_thread(self._store.read, blob, index * CHUNK_BYTES, size)
        if len(payload) != size:
            raise _Refused(404, f"blob {blob.name}", "kept here", "dropped meanwhile")
        return await self._send(request, web.StreamResponse(), tree.path(index) + payload)

    async def _answer_payload(
        self, request: web.BaseRequest, blob: Blob, client: Hashable
    ) -> web.StreamResponse:
        """Answer with the payload as it lies there, or a range of it: for people, who have no tree
        to check it by."""
        size = blob.size_bytes
        response = web.StreamResponse(headers={hdrs.ACCEPT_RANGES: "bytes"})
        first, end = 0, size
        if hdrs.RANGE in request.headers:
            first, end = _parse_range(request, size)
            response.set_status(206)
            response.headers[hdrs.CONTENT_RANGE] = f"bytes {first}-{end - 1}/{size}"
        response.content_type = _BYTES
        response.content_length = end - first
        async with asyncio.timeout(self._limits.idle_seconds):
            await response.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return response
        for at in range(first, end, CHUNK_BYTES):
            count = min(CHUNK_BYTES, end - at)
            while wait := self._bytes.take(client, count, _now()):
                await asyncio.sleep(wait)
            piece = await asyncio.to_thread(self._store.read, blob, at, count)
            if len(piece) != count:
                _cut_off(request)  # dropped meanwhile: the length that was promised will not come
                break
            if not await self._write(request, response, piece):
                break
        return response

    async def _send(
        self, request: web.BaseRequest, response: web.StreamResponse, body: bytes
    ) -> web.StreamResponse:
        """Send a whole answer; whoever takes it too slowly is cut off."""
        if hdrs.CONTENT_TYPE not in response.headers:
            response.content_type = _BYTES
        response.content_length = len(body)
        async with asyncio.timeout(self._limits.idle_seconds):
            await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await self._write(request, response, body)
        return response

    async def _write(
        self, request: web.BaseRequest, response: web.StreamResponse, body: bytes
    ) -> bool:
        """Return whether the client took it at the least speed."""
        seconds = self._limits.idle_seconds + len(body) / self._limits.least_bytes_per_second
        try:
            async with asyncio.timeout(seconds):
                await response.write(body)
        except TimeoutError:
            LOG.info("act=cut_off client=%s reason=slow", request.remote)
            _cut_off(request)
            return False
        self._tally.served_bytes += len(body)
        return True

    async def _refuse(self, request: web.BaseRequest, refused: _Refused) -> web.StreamResponse:
        LOG.debug(
            "act=refuse client=%s status=%d reason=%r", request.remote, refused.status, str(refused)
        )
        response = web.StreamResponse(status=refused.status)
        response.content_type = "text/plain"
        response.charset = "utf-8"
        if refused.again_seconds:
            response.headers[hdrs.RETRY_AFTER] = str(math.ceil(refused.again_seconds))
        if refused.status == 413:
            response.force_close()
        return await self._send(request, response, f"{refused}\n".encode())

    def _charge(self, rates: Rates, client: Hashable, amount: float, what: str) -> None:
        wait = rates.take(client, amount, _now())
        if wait:
            most = f"at most {rates.per_second:.0f} a second"
            raise _Refused(429, what, most, "more", again_seconds=wait)


def _parse_range(request: web.BaseRequest, size: int) -> tuple[int, int]:
    """Return the first byte of a range and the one after its last."""
    try:
        first, end, _ = request.http_range.indices(size)
    except ValueError:
        first, end = 0, 0
    if first >= end:
        got = request.headers[hdrs.RANGE][:200]
        raise _Refused(416, "Range", f"bytes=FIRST-LAST within {size} bytes", got)
    return first, end


def _cut_off(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _build_rates(limits: ServingLimits, per_second: float) -> Rates:
    return Rates(per_second, burst_seconds=limits.burst_seconds, clients=limits.clients)


def _now() -> float:
    return asyncio.get_running_loop().time()
