"""Blobs, servers and fetchers on loopback, and a server that does what no honest one would."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import ExitStack, contextmanager
from enum import Enum

import numpy as np

from chain.types import Seat
from node.blobs.access import PublicGate
from node.blobs.background import Background
from node.blobs.chunks import CHUNK_BYTES, CHUNK_LEAVES, build_tree
from node.blobs.disk import DiskBlobs
from node.blobs.fetching import Fetcher
from node.blobs.limits import FetchingLimits
from node.blobs.serving import BlobServer
from node.blobs.store import Blob
from node.merkle import compute_leaves, compute_root

WAIT_SECONDS = 60
"""Far more than anything here takes; a test that waits so long has failed."""
TAG = b"\x07" * 32
QUICK = FetchingLimits(
    connect_seconds=1.0,
    silence_seconds=1.5,
    least_bytes_per_second=2**19,
    patience_seconds=0.1,
    again_seconds=0.05,
)


def draw(size, seed=0, tag=TAG):
    """Return a payload and its blob."""
    payload = np.random.default_rng(seed).bytes(size)
    return payload, Blob(compute_root(payload, tag), size, tag)


class Wire:
    """The chunks of one payload as they travel."""

    def __init__(self, payload, blob):
        self.payload = payload
        leaves = compute_leaves(payload, blob.tag)
        self.tree = build_tree(
            blob.size_bytes, lambda i: leaves[i * CHUNK_LEAVES : (i + 1) * CHUNK_LEAVES]
        )

    def chunk(self, index):
        at = index * CHUNK_BYTES
        return self.tree.path(index) + self.payload[at : at + CHUNK_BYTES]


def open_store(path, *pairs):
    """Return a store with payloads."""
    store = DiskBlobs(path)
    for payload, blob in pairs:
        store.put(blob, payload)
    return store


def serve(store, may_serve=lambda blob, reader: True, gate=None, **options):
    """Return a server, to be entered."""
    return BlobServer(store, gate or PublicGate(), may_serve, **options)


class Waiting:
    """A fetcher, and a way to wait for what it is about to say."""

    def __init__(self, store, endpoints, limits=QUICK, **options):
        self._told = threading.Condition()
        self.fetcher = Fetcher(
            store, endpoint_of=endpoints.get, limits=limits, notify=self._tell, **options
        )

    def _tell(self):
        with self._told:
            self._told.notify_all()

    def finish(self, blob):
        """Return the outcome."""
        found = []

        def is_over():
            found.append(self.fetcher.outcome(blob))
            return found[-1] is not None

        with self._told:
            assert self._told.wait_for(is_over, WAIT_SECONDS)
        return found[-1]

    def fetch(self, blob, *seats):
        self.fetcher.start(blob, [Seat(seat) for seat in seats])
        return self.finish(blob)


@contextmanager
def fetching(store, endpoints, limits=QUICK, **options):
    """Run a fetcher into a store."""
    waiting = Waiting(store, endpoints, limits, **options)
    with waiting.fetcher:
        yield waiting


class Fault(Enum):
    """What a hostile server does with a request for a chunk."""

    WRONG_LEAF = "wrong leaf"
    WRONG_PATH = "wrong path"
    ANOTHER_CHUNK = "another chunk"
    SHORT = "short"
    LONG = "long"
    LIES_OF_LENGTH = "lies of length"
    ENDLESS = "endless"
    ENDLESS_HEAD = "endless head"
    ENDLESS_LINE = "endless line"
    ENDLESS_INFORMATION = "endless information"
    NO_HTTP = "no http"
    NOTHING = "nothing"
    HANGS_UP = "hangs up"
    STOPS_HALFWAY = "stops halfway"
    TRICKLES = "trickles"
    REDIRECTS = "redirects"
    ZIPPED = "zipped"
    ALWAYS_LATER = "always later"
    FAILS = "fails"


class RawServer:
    """Speaks just enough HTTP to lie; `answer(index, writer)` is what it does with a request.

    A context manager; `asked` are the chunks that it was asked for, in order.
    """

    def __init__(self, answer):
        self._answer = answer
        self._background = Background("raw-server")
        self.asked = []
        self.heads = []

    def __enter__(self):
        self._stack = ExitStack()
        self._stack.enter_context(self._background)
        self._tasks = set()
        self._server = self._background.run(self._listen())
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_):
        self._background.run(self._close())
        self._stack.close()

    async def _listen(self):
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _close(self):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                index = int(head.split("chunk=")[1].split()[0])
                self.heads.append(head)
                self.asked.append(index)
                await self._answer(index, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


def head(length, status="200 OK", more=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def be_honest(wire):
    async def answer(index, writer):
        body = wire.chunk(index)
        writer.write(head(len(body)) + body)

    return answer


def misbehave(fault, wire):
    """Return the answer of a server that has a payload and will not give it."""
    forever = asyncio.Event

    async def answer(index, writer):
        body = bytearray(wire.chunk(index))
        match fault:
            case Fault.WRONG_LEAF:
                body[-1] ^= 1
                writer.write(head(len(body)) + body)
            case Fault.WRONG_PATH:
                body[0] ^= 1
                writer.write(head(len(body)) + body)
            case Fault.ANOTHER_CHUNK:
                body = wire.chunk(1 if index == 0 else 0)
                writer.write(head(len(body)) + body)
            case Fault.SHORT:
                writer.write(head(len(body) - 1) + body[:-1])
            case Fault.LONG:
                writer.write(head(len(body) + 1) + body + b"\0")
            case Fault.LIES_OF_LENGTH:
                writer.write(head(len(body)) + body + body)
            case Fault.ENDLESS:
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                await repeat(writer, b"10000\r\n" + bytes(2**16) + b"\r\n")
            case Fault.ENDLESS_HEAD:
                writer.write(b"HTTP/1.1 200 OK\r\n")
                await repeat(writer, b"A: " + b"b" * 4000 + b"\r\n")
            case Fault.ENDLESS_LINE:
                await repeat(writer, b"H" * 2**16)
            case Fault.ENDLESS_INFORMATION:
                await repeat(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
            case Fault.NO_HTTP:
                writer.write(bytes(range(256)) * 4)
            case Fault.NOTHING:
                await forever().wait()
            case Fault.HANGS_UP:
                raise ConnectionError
            case Fault.STOPS_HALFWAY:
                writer.write(head(len(body)) + body[: len(body) // 2])
                await forever().wait()
            case Fault.TRICKLES:
                writer.write(head(len(body)))
                for byte in body:
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.05)
            case Fault.REDIRECTS:
                writer.write(head(0, "302 Found", "Location: http://127.0.0.1:1/\r\n"))
            case Fault.ZIPPED:
                more = "Content-Encoding: gzip\r\n"
                writer.write(head(len(body), more=more) + bytes(len(body)))
            case Fault.ALWAYS_LATER:
                writer.write(head(0, "429 Too Many Requests", "Retry-After: 100000\r\n"))
            case Fault.FAILS:
                writer.write(head(0, "500 Internal Server Error"))

    return answer


async def repeat(writer, piece):
    while True:
        writer.write(piece)
        await writer.drain()


def drops(caplog):
    """Return the lines in the log that name a source which was dropped."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "holdfast.blobs" and record.getMessage().startswith("act=drop")
    ]


def listen(caplog):
    caplog.set_level(logging.INFO, logger="holdfast.blobs")
    return caplog
