"""What has come of a blob lasts through a kill at any moment, and is believed only when proven."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from exchange_lab import RawServer, Wire, be_honest, draw
from hypothesis import given, settings
from hypothesis import strategies as st

from node.blobs.chunks import CHUNK_BYTES, Cut
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, StoreFailed
from node.blobs.part import SLOTS, Part

ROOT = Path(__file__).parents[3]
PAYLOAD, BLOB = draw(6 * CHUNK_BYTES + 77)
WIRE = Wire(PAYLOAD, BLOB)
COUNT = 7
CLIENT = """
import sys, threading
from dataclasses import replace
from pathlib import Path
from chain.types import Root, Seat
from node.blobs.disk import DiskBlobs
from node.blobs.fetching import Fetched, Fetcher
from node.blobs.limits import FetchingLimits
from node.blobs.store import Blob
root, tag, size, folder, url = sys.argv[1:]
blob = Blob(Root(bytes.fromhex(root)), int(size), bytes.fromhex(tag))
limits = FetchingLimits(lanes=1, silence_seconds=60, patience_seconds=60)
over = threading.Event()
store = DiskBlobs(Path(folder))
with Fetcher(store, endpoint_of={1: url}.get, limits=limits, notify=over.set) as fetcher:
    fetcher.start(blob, [Seat(1)])
    over.wait()
    assert isinstance(fetcher.outcome(blob), Fetched)
"""


def give(part, *indices):
    path_bytes = Cut(BLOB.size_bytes).path_bytes
    for index in indices:
        wire = WIRE.chunk(index)
        part.write(index, wire[path_bytes:], wire[:path_bytes])


def only(directory, suffix):
    (path,) = directory.glob(f"{BLOB.name}.*{suffix}")
    return path


@pytest.fixture
def store(tmp_path):
    return DiskBlobs(tmp_path)


@settings(max_examples=20)
@given(first=st.sets(st.integers(0, COUNT - 1)))
def test_enter__some_chunks_before__only_the_others_are_missing(tmp_path_factory, first):
    store = DiskBlobs(tmp_path_factory.mktemp("blobs"))
    with Part(store, BLOB) as part:
        give(part, *first)
    with Part(store, BLOB) as part:
        assert part.missing == set(range(COUNT)) - first
        give(part, *part.missing)
        part.finish()
    assert store.get(BLOB) == PAYLOAD
    store.check(BLOB)
    assert len(list(store.directory.iterdir())) == 2


@pytest.mark.parametrize("suffix", [".part", ".paths"])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.999])
def test_enter__one_bit_rotten__only_its_chunk_is_missing(store, suffix, share):
    with Part(store, BLOB) as part:
        give(part, *range(COUNT))
    path = only(store.directory, suffix)
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 1
    path.write_bytes(content)
    with Part(store, BLOB) as part:
        assert len(part.missing) == 1
        give(part, *part.missing)
        part.finish()
    store.check(BLOB)


@pytest.mark.parametrize("suffix", [".part", ".paths", ".0.leaves"])
@pytest.mark.parametrize("content", [b"", b"\xff" * 10, b"\x01" * 10**7])
def test_enter__a_file_replaced__ends_as_it_should(store, suffix, content):
    with Part(store, BLOB) as part:
        give(part, *range(COUNT - 1))
    only(store.directory, suffix).write_bytes(content)
    with Part(store, BLOB) as part:
        give(part, *sorted(part.missing))
        part.finish()
    assert store.get(BLOB) == PAYLOAD
    store.check(BLOB)


def test_write__not_proven__is_refused_and_stays_missing(store):
    with Part(store, BLOB) as part:
        with pytest.raises(BlobCorrupt, match="chunk 3, leaves 3072 to 4095"):
            part.write(3, bytes(CHUNK_BYTES), bytes(Cut(BLOB.size_bytes).path_bytes))
        assert 3 in part.missing
    assert list(store.directory.iterdir()) == []


def test_enter__held_by_another__takes_files_of_its_own_and_both_finish(store):
    with Part(store, BLOB) as part, Part(DiskBlobs(store.directory), BLOB) as other:
        give(part, *range(COUNT))
        assert other.missing == set(range(COUNT))
        part.finish()
        give(other, *range(COUNT))
        other.finish()
    store.check(BLOB)
    assert len(list(store.directory.iterdir())) == 2


def test_enter__too_many__says_so(store):
    with ExitStack() as held:
        for _ in range(SLOTS):
            held.enter_context(Part(store, BLOB))
        with pytest.raises(StoreFailed, match=f"at most {SLOTS} to fetch it"):
            held.enter_context(Part(store, BLOB))
    assert list(store.directory.iterdir()) == []


def test_write__disk_full__fails(store, monkeypatch):
    def pwrite(descriptor, content, at):
        raise OSError(28, "No space left on device")

    with Part(store, BLOB) as part:
        monkeypatch.setattr(os, "pwrite", pwrite)
        with pytest.raises(StoreFailed, match="No space left"):
            give(part, 0)
        assert 0 in part.missing
        monkeypatch.undo()


def test_drop__half_fetched__leaves_nothing(store):
    with Part(store, BLOB) as part:
        give(part, 0)
    store.drop(BLOB)
    assert list(store.directory.iterdir()) == []


@pytest.mark.parametrize("kept", [1, 3, 6])
def test_fetch__killed__fetches_only_what_had_not_come(tmp_path, kept):
    """With one lane a chunk is asked for when the one before is on disk."""
    honest, reached = be_honest(WIRE), threading.Event()

    async def answer(index, writer):
        if index == kept:
            reached.set()
            await asyncio.Event().wait()
        await honest(index, writer)

    command = [sys.executable, "-c", CLIENT, BLOB.root.hex(), BLOB.tag.hex(), str(BLOB.size_bytes)]
    options = {"cwd": ROOT, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    with RawServer(answer) as server:
        with subprocess.Popen([*command, str(tmp_path), server.url], **options) as process:
            assert reached.wait(60)
            process.kill()
        assert server.asked == list(range(kept + 1))
    with RawServer(honest) as server:
        subprocess.run([*command, str(tmp_path), server.url], check=True, timeout=60, **options)
        assert server.asked == list(range(kept, COUNT))
    store = DiskBlobs(tmp_path)
    assert store.get(BLOB) == PAYLOAD
    store.check(BLOB)
