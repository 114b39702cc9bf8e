"""Answers with anything done to them: either the blob comes sound, or it does not come."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from exchange_lab import (
    QUICK,
    WAIT_SECONDS,
    RawServer,
    Wire,
    draw,
    fetching,
    head,
    open_store,
    serve,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.blobs.chunks import CHUNK_BYTES
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.fetching import Fetched
from node.blobs.limits import ServingLimits

PAYLOAD, BLOB = draw(CHUNK_BYTES + 700)
WIRE = Wire(PAYLOAD, BLOB)
FUZZ = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FORGETFUL = replace(QUICK, bad_seconds=0.0, failed_seconds=0.0)
LINES = st.lists(
    st.sampled_from(
        [
            b"Content-Length: 9999999999999999999999\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Length: 10\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: gzip, chunked\r\n",
            b"Content-Encoding: br\r\n",
            b"Connection: close\r\n",
            b"Connection: upgrade\r\nUpgrade: websocket\r\n",
            b"Set-Cookie: a=b\r\n",
            b"Retry-After: -5\r\n",
            b": \r\n",
            b"\xff\xfe: \x00\r\n",
            b" folded\r\n",
        ]
    ),
    max_size=3,
)
STATUSES = st.sampled_from([b"200", b"206", b"404", b"429", b"503", b"101", b"204", b"999", b"x"])


@st.composite
def mutations(draw_):
    """Return what is done to an honest answer."""
    status, lines = draw_(STATUSES), b"".join(draw_(LINES))
    at, count = draw_(st.integers(0, 2000)), draw_(st.integers(0, 300))
    noise = draw_(st.binary(max_size=40))

    def mutate(answer):
        answer = answer.replace(b"200", status, 1).replace(b"\r\n", b"\r\n" + lines, 1)
        return answer[:at] + noise + answer[at + count :]

    return mutate


@FUZZ
@given(mutate=st.one_of(mutations(), st.builds(lambda b: lambda _: b, st.binary(max_size=300))))
def test_fetch__answer_mutated__is_sound_or_does_not_come(tmp_path_factory, mutate):
    store = DiskBlobs(tmp_path_factory.mktemp("mine"))

    async def answer(index, writer):
        body = WIRE.chunk(index)
        writer.write(mutate(head(len(body)) + body))
        await writer.drain()
        raise ConnectionError  # hang up

    limits = replace(FORGETFUL, again=1, again_seconds=0.0)
    with RawServer(answer) as bad, fetching(store, {1: bad.url}, limits) as mine:
        outcome = mine.fetch(BLOB, 1)
    if isinstance(outcome, Fetched):
        assert store.get(BLOB) == PAYLOAD
    else:
        assert isinstance(outcome, BlobMissing | BlobCorrupt)
        assert not store.has(BLOB)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    store = open_store(tmp_path_factory.mktemp("theirs"), (PAYLOAD, BLOB))
    limits = ServingLimits(
        idle_seconds=0.2, requests_per_second=1e6, address_requests_per_second=1e6
    )
    with serve(store, limits=limits) as running:
        yield running


REQUEST = f"GET /blobs/{BLOB.name}/0x{BLOB.tag.hex()}?chunk=0 HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@FUZZ
@given(
    at=st.integers(0, len(REQUEST)),
    count=st.integers(0, 60),
    noise=st.binary(max_size=60),
    times=st.integers(1, 3),
)
def test_serve__request_mutated__is_answered_or_hung_up_and_the_next_is_served(
    server, at, count, noise, times
):
    with socket.create_connection(("127.0.0.1", server.port), WAIT_SECONDS) as connection:
        connection.sendall((REQUEST[:at] + noise + REQUEST[at + count :]) * times)
        connection.shutdown(socket.SHUT_WR)
        said = []
        try:
            while piece := connection.recv(2**18):
                said.append(piece)
        except ConnectionResetError:
            pass
    assert b"HTTP/1.1 500" not in b"".join(said)
    with socket.create_connection(("127.0.0.1", server.port), WAIT_SECONDS) as connection:
        connection.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        pieces = []
        while piece := connection.recv(2**18):
            pieces.append(piece)
    assert b"".join(pieces).endswith(WIRE.chunk(0))
