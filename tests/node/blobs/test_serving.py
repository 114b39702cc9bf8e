"""A server of blobs: what it gives, to whom, and that nobody gets more than the limits say."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from exchange_lab import WAIT_SECONDS, Wire, draw, fetching, open_store, serve

from chain.types import Seat
from node.blobs.chunks import CHUNK_BYTES
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobMissing, ListenRefused
from node.blobs.fetching import Fetched, Fetcher
from node.blobs.limits import FetchingLimits, ServingLimits
from node.blobs.serving import Certificate
from node.blobs.sources import TrustRefused

PAYLOAD, BLOB = draw(2 * CHUNK_BYTES + 1000)
WIRE = Wire(PAYLOAD, BLOB)
PATH = f"/blobs/{BLOB.name}/0x{BLOB.tag.hex()}"
TLS = Path(__file__).parent / "tls"
FILES = Certificate(TLS / "loopback.pem", TLS / "loopback.key")
NARROW = ServingLimits(
    connections=3, address_connections=2, idle_seconds=0.2, least_bytes_per_second=2**24
)


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", (PAYLOAD, BLOB))


@pytest.fixture
def cut_off(caplog):
    """Return an event that is set when the log says that a client was cut off."""
    said = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record):
            if record.getMessage() == "act=cut_off client=127.0.0.1 reason=slow":
                said.set()

    listener, log = Listener(), logging.getLogger("holdfast.blobs")
    caplog.set_level(logging.INFO, logger=log.name)
    log.addHandler(listener)
    yield said
    log.removeHandler(listener)


@pytest.fixture
def served(store):
    with serve(store, greeting="holdfast seat=3") as server:
        yield server


def ask(server, path, method="GET", body=None, **headers):
    """Return status, headers and body."""
    with closing(connect(server)) as connection:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def connect(server):
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_SECONDS)


def open_socket(server):
    return closing(socket.create_connection(("127.0.0.1", server.port), WAIT_SECONDS))


def read_all(connection):
    """Return all that comes until the other side hangs up."""
    pieces = []
    try:
        while piece := connection.recv(2**16):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def test_health__anybody__is_one_line(served):
    status, _, body = ask(served, "/health")
    assert (status, body) == (200, b"holdfast seat=3\n")


@pytest.mark.parametrize("index", range(3))
def test_chunk__each__is_path_and_payload(served, index):
    status, headers, body = ask(served, f"{PATH}?chunk={index}")
    assert (status, body) == (200, WIRE.chunk(index))
    assert headers["Content-Type"] == "application/octet-stream"


def test_chunk__leaves_file_damaged__comes_with_a_sound_path(store, served):
    (store.directory / f"{BLOB.name}.leaves").write_bytes(BLOB.tag + bytes(32 * 2052))
    assert ask(served, f"{PATH}?chunk=1")[2] == WIRE.chunk(1)


def test_chunk__payload_rotten__is_not_here_until_it_is_mended(store, served):
    (store.directory / BLOB.name).write_bytes(bytes(len(PAYLOAD)))
    (store.directory / f"{BLOB.name}.leaves").unlink()
    for _ in range(2):
        status, _, body = ask(served, f"{PATH}?chunk=1")
        assert (status, b"expected its own root" in body) == (404, True)
    store.put(BLOB, PAYLOAD)
    assert ask(served, f"{PATH}?chunk=1")[2] == WIRE.chunk(1)


@pytest.mark.parametrize("query", ["chunk=3", "chunk=-1", "chunk=", "chunk=01", "a=1", "chunk=1&b"])
def test_chunk__none_of_the_blob__is_refused(served, query):
    status, _, body = ask(served, f"{PATH}?{query}")
    line = f"query: expected chunk=0 to chunk=2, got {query}\n"
    assert (status, body.decode()) == (404, line)


def test_payload__whole__is_as_it_was_put(served):
    status, headers, body = ask(served, PATH)
    assert (status, body) == (200, PAYLOAD)
    assert headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=262143-262144", 262143, 262145),
        ("bytes=300000-", 300000, len(PAYLOAD)),
        ("bytes=-5", len(PAYLOAD) - 5, len(PAYLOAD)),
        ("bytes=5-99999999", 5, len(PAYLOAD)),
    ],
)
def test_payload__range__is_that_part(served, asked, first, end):
    status, headers, body = ask(served, PATH, Range=asked)
    assert (status, body) == (206, PAYLOAD[first:end])
    assert headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(PAYLOAD)}"


@pytest.mark.parametrize("asked", [f"bytes={len(PAYLOAD)}-", "bytes=5-4", "bytes=x", "pages=1-2"])
def test_payload__no_range_of_it__is_refused(served, asked):
    status, _, body = ask(served, PATH, Range=asked)
    line = f"Range: expected bytes=FIRST-LAST within {len(PAYLOAD)} bytes, got {asked}\n"
    assert (status, body.decode()) == (416, line)


@pytest.mark.parametrize("query", ["", "?chunk=0"])
def test_head__any__is_the_length_alone(served, query):
    status, headers, body = ask(served, PATH + query, "HEAD")
    length = len(WIRE.chunk(0)) if query else len(PAYLOAD)
    assert (status, body, headers["Content-Length"]) == (200, b"", str(length))


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/", "GET", None, 404),
        ("/blobs/0x00/0x00", "GET", None, 404),
        (PATH.upper(), "GET", None, 404),
        (PATH + "/../../../etc/passwd", "GET", None, 404),
        (PATH[:-1] + ("0" if PATH[-1] != "0" else "1"), "GET", None, 404),
        (PATH, "POST", b"x", 405),
        (PATH, "DELETE", None, 405),
        (PATH, "GET", b"a body", 413),
        (PATH + "?" + "a" * 2000, "GET", None, 400),
    ],
)
def test_request__not_one_of_ours__is_refused_in_one_line(served, path, method, body, status):
    got, _, said = ask(served, path, method, body)
    assert got == status
    assert said.count(b"\n") == 1
    assert b"expected" in said
    assert len(said) < 400


def test_may_serve__not_yet__is_refused_and_then_served(store):
    is_over = []
    at_once = ServingLimits(embargo_seconds=0)
    with serve(store, may_serve=lambda blob, reader: bool(is_over), limits=at_once) as server:
        status, _, body = ask(server, f"{PATH}?chunk=0")
        assert (status, b"a time and a reader to serve it to" in body) == (403, True)
        is_over.append(True)
        assert ask(server, f"{PATH}?chunk=0")[0] == 200


def test_may_serve__not_yet__is_waited_for_no_longer_than_a_fetcher_listens():
    assert ServingLimits().embargo_seconds < FetchingLimits().silence_seconds - 1


def test_may_serve__not_yet__is_waited_for_a_little(store):
    """Who asks may have seen the end of the commitments a moment before who serves."""
    asked = []

    def may_serve(blob, reader):
        asked.append(blob)
        # As from the peer's own thread, at any moment from here on.
        server.recheck()
        return len(asked) > 3

    with serve(store, may_serve=may_serve) as server:
        assert ask(server, f"{PATH}?chunk=0")[0] == 200
    assert len(asked) == 4


def test_may_serve__nothing_changes__is_asked_once_and_refused_in_the_end(store):
    asked = []

    def may_serve(blob, reader):
        asked.append(blob)
        return False

    limits = ServingLimits(embargo_seconds=0.05)
    with serve(store, may_serve=may_serve, limits=limits) as server:
        assert ask(server, f"{PATH}?chunk=0")[0] == 403
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        (
            ServingLimits(requests_per_second=1, burst_seconds=3),
            b"requests: expected at most 1 a second, got more\n",
        ),
        (
            ServingLimits(address_requests_per_second=1, burst_seconds=3),
            b"requests from 127.0.0.1: expected at most 1 a second, got more\n",
        ),
        (
            ServingLimits(bytes_per_second=CHUNK_BYTES, burst_seconds=3),
            b"bytes: expected at most 262144 a second, got more\n",
        ),
    ],
    ids=["requests", "address", "bytes"],
)
def test_rate__more_than_is_allowed__is_told_to_come_again(store, limits, line):
    with serve(store, limits=limits) as server:
        answers = [ask(server, f"{PATH}?chunk=0") for _ in range(12)]
    statuses = [status for status, _, _ in answers]
    assert statuses[:3] == [200, 200, 200]
    assert 429 in statuses
    _, headers, body = answers[statuses.index(429)]
    assert (body, headers["Retry-After"]) == (line, "1")


def test_connections__of_one_address_too_many__is_told_and_the_rest_work(store):
    limits = replace(NARROW, idle_seconds=30)
    with serve(store, limits=limits) as server, ExitStack() as held:
        first = held.enter_context(closing(connect(server)))
        first.request("GET", "/health")
        assert first.getresponse().read() == b"holdfast\n"
        held.enter_context(open_socket(server))
        with open_socket(server) as third:
            said = read_all(third)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert said.endswith(
            b"connections: expected at most 2 connections from 127.0.0.1, got more\n"
        )
        first.request("GET", "/health")
        assert first.getresponse().read() == b"holdfast\n"


@pytest.mark.parametrize("sent", [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nA: b\r\n"])
def test_connection__no_whole_request_in_time__is_closed(store, sent):
    with serve(store, limits=NARROW) as server, open_socket(server) as slow:
        slow.sendall(sent)
        assert read_all(slow) == b""


def test_connection__takes_nothing__is_cut_off_and_others_are_served(tmp_path, cut_off):
    payload, blob = draw(64 * CHUNK_BYTES)
    store = open_store(tmp_path / "large", (payload, blob))
    path = f"/blobs/{blob.name}/0x{blob.tag.hex()}"
    with serve(store, limits=NARROW) as server:
        with closing(socket.socket()) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(WAIT_SECONDS)
            slow.connect(("127.0.0.1", server.port))
            slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            slow.recv(1)
            assert ask(server, "/health")[0] == 200
            assert cut_off.wait(WAIT_SECONDS)
            assert len(read_all(slow)) < len(payload)
        assert len(ask(server, path)[2]) == len(payload)


def test_open__port_taken__is_refused(served, store):
    with (
        pytest.raises(ListenRefused, match=f"127.0.0.1:{served.port}: expected a free port"),
        serve(store, port=served.port),
    ):
        pass


def test_tls__certificate_that_is_vouched_for__serves_and_else_is_refused(store, tmp_path):
    mine = DiskBlobs(tmp_path / "mine")
    with serve(store, certificate=FILES) as server:
        assert server.url.startswith("https://")
        with fetching(mine, {1: server.url}) as fetcher:
            outcome = fetcher.fetch(BLOB, 1)
            assert isinstance(outcome, BlobMissing)
            assert "certificate verify failed" in str(outcome)
        with fetching(mine, {1: server.url}, ca_file=FILES.certificate) as fetcher:
            assert fetcher.fetch(BLOB, 1) == Fetched(BLOB, ((Seat(1), 3),))


def test_tls__many_chunks__asyncio_has_nothing_to_complain_of(store, tmp_path, caplog):
    payload, blob = draw(40 * CHUNK_BYTES, seed=3)
    store.put(blob, payload)
    with (
        serve(store, certificate=FILES) as server,
        fetching(
            DiskBlobs(tmp_path / "mine"), {1: server.url}, ca_file=FILES.certificate
        ) as fetcher,
    ):
        assert fetcher.fetch(blob, 1) == Fetched(blob, ((Seat(1), 40),))
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_tls__files_that_are_none__is_refused(store, tmp_path):
    missing = Certificate(tmp_path / "none.pem", FILES.key)
    with (
        pytest.raises(ListenRefused, match="expected two PEM files"),
        serve(store, certificate=missing),
    ):
        pass
    with pytest.raises(TrustRefused, match="expected a PEM file"):
        Fetcher(store, endpoint_of={}.get, ca_file=FILES.key)
