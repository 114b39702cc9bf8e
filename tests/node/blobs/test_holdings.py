"""What a peer counts as held, and when it asks again."""

import pytest

from chain.types import Seat
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, BlobMissing, StoreFailed
from node.blobs.holdings import Holdings, Outcome
from node.blobs.store import Blob, MemoryBlobs
from node.merkle import MODEL_TAG, compute_root

PAYLOAD = bytes(range(200))
BLOB = Blob(compute_root(PAYLOAD, MODEL_TAG), 200)
SOURCES = (Seat(1),)


class Serving:
    """An exchange that serves what it is told to."""

    def __init__(self, store, payload):
        self.store = store
        self.payload = payload
        self.is_slow = False

    def start(self, blob, sources):
        self.sources = sources

    def outcome(self, blob):
        if self.is_slow:
            return None
        if self.payload is None:
            return Outcome(BlobMissing("blob", "a seat that serves it", "none"))
        try:
            self.store.put(blob, self.payload)
        except BlobCorrupt as error:
            return Outcome(error)
        return Outcome()


class Full(MemoryBlobs):
    """A disk without room."""

    def put(self, blob, payload):
        raise StoreFailed("blob", "room to write it", "none")


def build(store, payload=None):
    return Holdings(store, Serving(store, payload), retry_seconds=25)


def fetch(holdings, now=100):
    """Return why the blob could not be had, as it is told the moment that it is asked for."""
    holdings.fetch(BLOB, SOURCES)
    return [error for blob, error in holdings.settle(now) if blob == BLOB]


def test_fetch__served__is_held_and_asked_for_no_more():
    holdings = build(MemoryBlobs(), PAYLOAD)
    assert fetch(holdings) == []
    assert holdings.has(BLOB)
    assert holdings.retry_at(BLOB) == 0


@pytest.mark.parametrize("served", [None, PAYLOAD[1:], bytes(200)])
def test_fetch__not_served_sound__is_asked_for_again_later(served):
    holdings = build(MemoryBlobs(), served)
    (error,) = fetch(holdings)
    assert isinstance(error, BlobMissing | BlobCorrupt)
    assert not holdings.has(BLOB)
    assert holdings.retry_at(BLOB) == 125


def test_fetch__on_its_way__is_not_held_and_not_late():
    store = MemoryBlobs()
    serving = Serving(store, PAYLOAD)
    holdings = Holdings(store, serving, retry_seconds=25)
    serving.is_slow = True
    assert fetch(holdings) == []
    assert holdings.is_coming(BLOB)
    assert not holdings.has(BLOB)
    serving.is_slow = False
    assert holdings.settle(200) == []
    assert not holdings.is_coming(BLOB)
    assert holdings.has(BLOB)


def test_fetch__disk_full__is_no_fault_of_the_others():
    with pytest.raises(StoreFailed):
        fetch(build(Full(), PAYLOAD))


def test_has__rotten_on_disk__is_not_held_until_it_is_put_again(tmp_path):
    store = DiskBlobs(tmp_path)
    store.put(BLOB, PAYLOAD)
    (tmp_path / BLOB.name).write_bytes(bytes(200))
    holdings = build(store, PAYLOAD)
    assert not holdings.has(BLOB)
    assert fetch(holdings) == []
    assert holdings.has(BLOB)
    assert holdings.get(BLOB) == PAYLOAD


def test_get__rotten_after_it_was_found_sound__is_held_no_more(tmp_path):
    store = DiskBlobs(tmp_path)
    store.put(BLOB, PAYLOAD)
    holdings = build(store)
    assert holdings.has(BLOB)
    (tmp_path / BLOB.name).write_bytes(bytes(200))
    with pytest.raises(BlobCorrupt):
        holdings.get(BLOB)
    assert not holdings.has(BLOB)


def test_forget__not_wanted__is_looked_up_afresh():
    store = MemoryBlobs()
    holdings = build(store)
    fetch(holdings)
    holdings.forget(lambda blob: False)
    assert holdings.retry_at(BLOB) == 0
    store.put(BLOB, PAYLOAD)
    assert holdings.has(BLOB)
