"""Fetching from real servers: whoever lies, is slow or absent, the blob comes from who has it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from exchange_lab import (
    QUICK,
    TAG,
    Fault,
    RawServer,
    Wire,
    be_honest,
    draw,
    drops,
    fetching,
    head,
    listen,
    misbehave,
    open_store,
    serve,
)

from chain.types import Seat
from node.blobs.chunks import CHUNK_BYTES
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, BlobMissing, StoreFailed
from node.blobs.fetching import Fetched
from node.blobs.limits import ServingLimits
from node.merkle import MODEL_TAG

PAYLOAD, BLOB = draw(3 * CHUNK_BYTES + 1000)
WIRE = Wire(PAYLOAD, BLOB)

HASTY = replace(QUICK, connect_seconds=30, silence_seconds=30)
"""Soon asks another one too, and gives nobody up for being slow."""
PATIENT = replace(HASTY, patience_seconds=30)
CURT = ServingLimits(embargo_seconds=0.2)
FAULTS = [
    # Seconds of a machine's work; test_memory has it too.
    pytest.param(f, marks=pytest.mark.slow) if f is Fault.ENDLESS_INFORMATION else f
    for f in Fault
]


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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
def test_fetch__one_source_hostile__comes_from_the_other_and_names_it(good, store, caplog, fault):
    listen(caplog)
    with (
        RawServer(misbehave(fault, WIRE)) as bad,
        fetching(store, {1: bad.url, 2: good.url}, HASTY) as mine,
    ):
        outcome = mine.fetch(BLOB, 1)
    assert isinstance(outcome, Fetched)
    if fault is not Fault.LIES_OF_LENGTH:  # whose first answers are whole chunks
        assert outcome.given == ((Seat(2), 4),)
    assert_complete(store)
    if fault is not Fault.ALWAYS_LATER:  # which is no lie, and who has done it is simply not used
        # So hasty a fetcher may take a busy machine for a slow source, too.
        (line,) = [drop for drop in drops(caplog) if "seat=1 " in drop]
        assert f"act=drop seat=1 url={bad.url!r} blob={BLOB.name} chunk=" in line


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
def test_fetch__only_a_hostile_source__fails_and_names_it(store, caplog, fault):
    listen(caplog)
    with RawServer(misbehave(fault, WIRE)) as bad, fetching(store, {1: bad.url}) as mine:
        outcome = mine.fetch(BLOB, 1)
    lies = {Fault.WRONG_LEAF, Fault.WRONG_PATH, Fault.ANOTHER_CHUNK, Fault.ZIPPED}
    if fault is Fault.LIES_OF_LENGTH:  # a whole chunk, then one more that was not asked for
        assert isinstance(outcome, Fetched | BlobMissing)
        return
    assert isinstance(outcome, BlobCorrupt if fault in lies else BlobMissing)
    assert "seat 1: " in str(outcome)
    (line,) = drops(caplog)
    assert f"seat=1 url={bad.url!r} blob={BLOB.name} chunk=" in line
    if fault in (Fault.WRONG_LEAF, Fault.WRONG_PATH):
        assert "kind=bad" in line
        assert "chunk 0, leaves 0 to 1023: expected its own root" in line
    assert not store.has(BLOB)
    assert list(store.directory.iterdir()) == []


def test_fetch__served_to_some_only__comes_from_one_who_re_serves_it(tmp_path, good, store):
    """The one who is named refuses us, and another one does not have it."""
    choosy = open_store(tmp_path / "choosy", (PAYLOAD, BLOB))
    with (
        serve(choosy, may_serve=lambda blob, reader: False, limits=CURT) as refusing,
        serve(open_store(tmp_path / "empty")) as empty,
        fetching(store, {1: refusing.url, 2: empty.url, 3: good.url}, PATIENT) as mine,
    ):
        assert mine.fetch(BLOB, 1) == Fetched(BLOB, ((Seat(3), 4),))
    assert_complete(store)


def test_fetch__served_to_some_only__names_who_refused_and_nobody_else(
    tmp_path, good, store, caplog
):
    listen(caplog)
    choosy = open_store(tmp_path / "choosy", (PAYLOAD, BLOB))
    with (
        serve(choosy, may_serve=lambda blob, reader: False, limits=CURT) as refusing,
        serve(open_store(tmp_path / "empty")) as empty,
        fetching(store, {1: refusing.url, 2: empty.url, 3: good.url}, PATIENT) as mine,
    ):
        mine.fetch(BLOB, 1)
    (line,) = drops(caplog)
    assert f"seat=1 url={refusing.url!r} blob={BLOB.name} chunk=0 kind=absent" in line


def test_fetch__nobody_has_it__tells_who_said_what_and_is_asked_again_at_once(tmp_path, store):
    theirs = open_store(tmp_path / "theirs")
    with serve(theirs) as server, fetching(store, {1: server.url, 2: "ftp://nowhere"}) as mine:
        outcome = mine.fetch(BLOB, 1)
        assert isinstance(outcome, BlobMissing)
        assert f"seat 1: 404 blob {BLOB.name}: expected kept here, got none" in str(outcome)
        assert "seat 2: expected an answer, got no http or https endpoint" in str(outcome)
        assert mine.fetcher.outcome(BLOB) is None
        theirs.put(BLOB, PAYLOAD)
        assert isinstance(mine.fetch(BLOB, 1), Fetched)


def test_fetch__no_endpoint_at_all__is_missing(store):
    with fetching(store, {}) as mine:
        assert "no source" in str(mine.fetch(BLOB, 1))


def test_fetch__kept_already__asks_nobody(store):
    store.put(BLOB, PAYLOAD)
    with fetching(store, {}) as mine:
        assert mine.fetch(BLOB, 1) == Fetched(BLOB, ())


def test_fetch__kept_but_rotten__is_mended(good, store):
    store.put(BLOB, PAYLOAD)
    (store.directory / BLOB.name).write_bytes(bytes(len(PAYLOAD)))
    with fetching(store, {1: good.url}) as mine:
        assert isinstance(mine.fetch(BLOB, 1), Fetched)
    assert_complete(store)


def test_fetch__copied_root__comes_from_nobody_and_leaves_nothing(good, store):
    with fetching(store, {1: good.url}) as mine:
        outcome = mine.fetch(replace(BLOB, tag=MODEL_TAG), 1)
    assert isinstance(outcome, BlobMissing)
    assert list(store.directory.iterdir()) == []


@pytest.mark.parametrize("more", [-1, 1, CHUNK_BYTES])
def test_fetch__another_size__is_never_complete(good, store, more):
    blob = replace(BLOB, size_bytes=len(PAYLOAD) + more)
    with fetching(store, {1: good.url}) as mine:
        assert isinstance(mine.fetch(blob, 1), BlobMissing | BlobCorrupt)
    assert not store.has(blob)


def test_fetch__source_that_sent_a_bad_chunk__is_not_asked_for_it_again(store):
    with (
        RawServer(misbehave(Fault.WRONG_LEAF, WIRE)) as bad,
        fetching(store, {1: bad.url}) as mine,
    ):
        mine.fetch(BLOB, 1)
        outcome = mine.fetch(BLOB, 1)
        assert len(bad.asked) == 1
    assert "seat 1: a bad chunk, not long ago" in str(outcome)


def test_fetch__source_that_lied_of_another_blob__is_asked_last(good, store):
    other, its_blob = draw(1000, seed=9)
    with (
        RawServer(misbehave(Fault.WRONG_LEAF, Wire(other, its_blob))) as bad,
        fetching(store, {1: bad.url, 2: good.url}, PATIENT) as mine,
    ):
        mine.fetch(its_blob, 1)
        assert mine.fetch(BLOB, 1, 2) == Fetched(BLOB, ((Seat(2), 4),))
        assert len(bad.asked) == 1


def test_fetch__three_sources__all_give_and_nothing_is_asked_for_twice(store):
    payload, blob = draw(40 * CHUNK_BYTES, seed=3)
    honest = be_honest(Wire(payload, blob))
    meeting = threading.Barrier(3)

    def answer_when_all_are_asked():
        met = []

        async def answer(index, writer):
            if not met:
                met.append(True)
                await asyncio.to_thread(meeting.wait, 30)
            await honest(index, writer)

        return answer

    with (
        RawServer(answer_when_all_are_asked()) as a,
        RawServer(answer_when_all_are_asked()) as b,
        RawServer(answer_when_all_are_asked()) as c,
        fetching(store, {1: a.url, 2: b.url, 3: c.url}, PATIENT) as mine,
    ):
        outcome = mine.fetch(blob, 1, 2, 3)
        assert sorted(a.asked + b.asked + c.asked) == list(range(40))
    assert {seat for seat, _ in outcome.given} == {1, 2, 3}
    assert_complete(store, blob, payload)


def test_start__again_while_under_way__adds_the_sources(good, store):
    asked = threading.Event()

    async def hold(index, writer):
        asked.set()
        await asyncio.Event().wait()

    patient = replace(QUICK, silence_seconds=60, least_bytes_per_second=1)
    endpoints = {}
    with RawServer(hold) as slow, fetching(store, endpoints, patient) as mine:
        endpoints[1] = slow.url
        mine.fetcher.start(BLOB, [Seat(1)])
        assert asked.wait(30)
        assert mine.fetcher.outcome(BLOB) is None
        endpoints[2] = good.url
        mine.fetcher.start(BLOB, [Seat(2)])
        assert mine.finish(BLOB) == Fetched(BLOB, ((Seat(2), 4),))
        assert slow.asked == [0]


def test_start__again_with_one_who_was_only_a_fallback__asks_it_at_once(good, store):
    asked = threading.Event()

    async def hold(index, writer):
        asked.set()
        await asyncio.Event().wait()

    patient = replace(QUICK, silence_seconds=3, patience_seconds=3, least_bytes_per_second=1)
    with RawServer(hold) as slow:
        endpoints = {1: slow.url, 2: good.url}
        with fetching(store, endpoints, patient) as mine:
            mine.fetcher.start(BLOB, [Seat(1)])
            assert asked.wait(30)
            mine.fetcher.start(BLOB, [Seat(2)])
            assert mine.finish(BLOB) == Fetched(BLOB, ((Seat(2), 4),))


def test_fetch__told_to_come_later__waits_and_gets_it(store):
    refused = []
    honest = be_honest(WIRE)

    async def answer(index, writer):
        if len(refused) < 3:
            refused.append(index)
            writer.write(head(0, "429 Too Many Requests", "Retry-After: 1\r\n"))
        else:
            await honest(index, writer)

    with RawServer(answer) as server, fetching(store, {1: server.url}) as mine:
        assert isinstance(mine.fetch(BLOB, 1), Fetched)
    assert len(refused) == 3


def test_exit__under_way__ends_and_keeps_what_came(store):
    asked = threading.Event()
    honest = be_honest(WIRE)

    async def answer(index, writer):
        if index == 2:
            asked.set()
            await asyncio.Event().wait()
        await honest(index, writer)

    patient = replace(QUICK, silence_seconds=60, patience_seconds=60, lanes=1)
    with RawServer(answer) as server:
        with fetching(store, {1: server.url}, patient) as mine:
            mine.fetcher.start(BLOB, [Seat(1)])
            assert asked.wait(30)
        assert not store.has(BLOB)
        assert server.asked == [0, 1, 2]
    with RawServer(honest) as server, fetching(store, {1: server.url}, patient) as mine:
        assert isinstance(mine.fetch(BLOB, 1), Fetched)
        assert server.asked == [2, 3]
    assert_complete(store)


def test_fetch__many_blobs_at_once__all_come(tmp_path, store):
    pairs = [draw(size, seed=size) for size in range(1000, 1040)]
    with (
        serve(open_store(tmp_path / "good", *pairs)) as server,
        fetching(store, {1: server.url}) as mine,
    ):
        for _, blob in pairs:
            mine.fetcher.start(blob, [Seat(1)])
        assert all(isinstance(mine.finish(blob), Fetched) for _, blob in pairs)
    assert all(store.get(blob) == payload for payload, blob in pairs)


def test_fetch__two_fetchers_of_one_folder__both_succeed(good, store):
    again = DiskBlobs(store.directory)
    with (
        fetching(store, {1: good.url}) as mine,
        fetching(again, {1: good.url}) as also_mine,
    ):
        mine.fetcher.start(BLOB, [Seat(1)])
        also_mine.fetcher.start(BLOB, [Seat(1)])
        assert isinstance(mine.finish(BLOB), Fetched)
        assert isinstance(also_mine.finish(BLOB), Fetched)
    assert_complete(store)


def test_fetch__folder_gone__is_the_disks_fault(good, store):
    with fetching(store, {1: good.url}) as mine:
        store.directory.rmdir()
        assert isinstance(mine.fetch(BLOB, 1), StoreFailed)
