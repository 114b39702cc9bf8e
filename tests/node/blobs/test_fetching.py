"""Fetching from real servers: whoever lies, is slow or absent, the blob comes from who has it."""

from __future__ import annotations

import pytest
from exchange_lab import (
    TAG,
    Fault,
    RawServer,
    Wire,
    draw,
    drops,
    fetching,
    listen,
    misbehave,
    open_store,
    serve,
)

from chain.types import Seat
from node.blobs.chunks import CHUNK_BYTES
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.fetching import Fetched
from node.merkle import MODEL_TAG

PAYLOAD, BLOB = draw(3 * CHUNK_BYTES + 1000)
WIRE = Wire(PAYLOAD, BLOB)


@pytest.fixture
def good(tmp_path):
    with serve(open_store(tmp_path / "good", (PAYLOAD, BLOB))) as server:
        yield server


@pytest.fixture
def store(tmp_path):
    return DiskBlobs(tmp_path / "mine")


def assert_complete(store, blob=BLOB, payload=PAYLOAD):
    assert store.get(blob) == payload
    store.check(blob)
    assert {path.name for path in store.directory.iterdir()} == {blob.name, blob.name + ".leaves"}


@pytest.mark.parametrize("size", [1, 256, 257, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES])
@pytest.mark.parametrize("tag", [TAG, MODEL_TAG], ids=["update", "model"])
def test_fetch__any_size__is_complete_in_the_store(tmp_path, store, size, tag):
    payload, blob = draw(size, tag=tag)
    with (
        serve(open_store(tmp_path / "good", (payload, blob))) as server,
        fetching(store, {1: server.url}) as mine,
    ):
        outcome = mine.fetch(blob, 1)
    assert outcome == Fetched(blob, ((Seat(1), -(-size // CHUNK_BYTES)),))
    assert_complete(store, blob, payload)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_fetch__one_source_hostile__comes_from_the_other_and_names_it(good, store, caplog, fault):
    listen(caplog)
    with (
        RawServer(misbehave(fault, WIRE)) as bad,
        fetching(store, {1: bad.url, 2: good.url}) as mine,
    ):
        outcome = mine.fetch(BLOB, 1)
    assert isinstance(outcome, Fetched)
    if fault is not Fault.LIES_OF_LENGTH:  # whose first answers are whole chunks
        assert outcome.given == ((Seat(2), 4),)
    assert_complete(store)
    if fault is not Fault.ALWAYS_LATER:  # which is no lie, and who has done it is simply not used
        (line,) = drops(caplog)
        assert f"act=drop seat=1 url={bad.url} blob={BLOB.name} kind=" in line


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_fetch__only_a_hostile_source__fails_and_names_it(store, caplog, fault):
    listen(caplog)
    with RawServer(misbehave(fault, WIRE)) as bad, fetching(store, {1: bad.url}) as mine:
        outcome = mine.fetch(BLOB, 1)
    lies = {Fault.WRONG_LEAF, Fault.WRONG_PATH, Fault.ANOTHER_CHUNK}
    if fault is Fault.LIES_OF_LENGTH:  # a whole chunk, then one more that was not asked for
        assert isinstance(outcome, Fetched | BlobMissing)
        return
    assert isinstance(outcome, BlobCorrupt if fault in lies else BlobMissing)
    assert "seat 1: " in str(outcome)
    (line,) = drops(caplog)
    assert f"seat=1 url={bad.url} blob={BLOB.name} kind=" in line
    if fault in (Fault.WRONG_LEAF, Fault.WRONG_PATH):
        assert "kind=bad" in line
        assert "chunk 0, leaves 0 to 1023: expected its own root" in line
    assert not store.has(BLOB)
    assert list(store.directory.iterdir()) == []
