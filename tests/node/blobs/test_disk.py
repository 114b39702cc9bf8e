"""What a disk can do to a blob: damage is named, healed by a new put, and nothing is half there."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, BlobMissing, StoreFailed
from node.blobs.store import Blob
from node.merkle import compute_root

TAG = b"\x07" * 32
PAYLOAD = bytes(range(250)) * 3
BLOB = Blob(compute_root(PAYLOAD, TAG), len(PAYLOAD), TAG)


def files(directory):
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def store(tmp_path):
    kept = DiskBlobs(tmp_path)
    kept.put(BLOB, PAYLOAD)
    return kept


@pytest.fixture
def path(store, tmp_path):
    return tmp_path / BLOB.name


@pytest.fixture
def leaves(path):
    return path.with_name(path.name + ".leaves")


@settings(max_examples=60)
@given(bit=st.integers(0, 8 * len(PAYLOAD) - 1))
def test_get__any_bit_flipped__is_corrupt_in_its_leaf(tmp_path_factory, bit):
    directory = tmp_path_factory.mktemp("blobs")
    store = DiskBlobs(directory)
    store.put(BLOB, PAYLOAD)
    damaged = bytearray(PAYLOAD)
    damaged[bit // 8] ^= 1 << bit % 8
    (directory / BLOB.name).write_bytes(damaged)
    with pytest.raises(BlobCorrupt, match=f"leaf {bit // 8 // 256}") as caught:
        store.get(BLOB)
    assert caught.value.leaf == bit // 8 // 256
    assert store.has(BLOB)
    store.put(BLOB, PAYLOAD)
    assert store.get(BLOB) == PAYLOAD


@pytest.mark.parametrize(
    ("size", "leaf"), [(0, 0), (1, 0), (255, 0), (256, 1), (300, 1), (512, 2), (749, 2)]
)
def test_get__truncated__is_corrupt_from_its_first_missing_leaf(store, path, size, leaf):
    path.write_bytes(PAYLOAD[:size])
    with pytest.raises(BlobCorrupt, match=f"expected 750 bytes, got {size} bytes") as caught:
        store.get(BLOB)
    assert caught.value.leaf == leaf


@pytest.mark.parametrize(("tail", "leaf"), [(b"\x01", 2), (bytes(18) + b"\x01", 3)])
def test_get__grown__is_corrupt_from_the_first_new_leaf(store, path, tail, leaf):
    path.write_bytes(PAYLOAD + tail)
    with pytest.raises(BlobCorrupt) as caught:
        store.get(BLOB)
    assert caught.value.leaf == leaf


def test_get__grown_by_zeros_within_the_last_leaf__is_corrupt(store, path):
    """Every leaf is as it should be, so none is named."""
    path.write_bytes(PAYLOAD + bytes(18))
    with pytest.raises(BlobCorrupt, match="expected 750 bytes, got 768 bytes") as caught:
        store.get(BLOB)
    assert caught.value.leaf is None


@pytest.mark.parametrize("damage", [b"", b"x", b"\x00" * 32, b"\xff" * 128])
def test_get__damaged_leaves_file__still_gives_the_sound_payload(store, leaves, damage):
    leaves.write_bytes(damage)
    assert store.has(BLOB)
    assert store.get(BLOB) == PAYLOAD


@pytest.mark.parametrize("at", [0, 31, 32, 127])
def test_get__payload_and_leaves_damaged__names_no_leaf_or_misses_it(store, path, leaves, at):
    listed = bytearray(leaves.read_bytes())
    listed[at] ^= 1
    leaves.write_bytes(listed)
    path.write_bytes(b"\x01" + PAYLOAD[1:])
    with pytest.raises(BlobCorrupt) as caught:
        store.get(BLOB)
    # The tag in the file is not needed to judge, as whoever asks knows it.
    assert caught.value.leaf == (0 if at < 32 else None)
    store.put(BLOB, PAYLOAD)
    assert store.get(BLOB) == PAYLOAD
    store.check(BLOB)


def test_get__leaves_file_gone__is_corrupt_without_a_leaf(store, path, leaves):
    leaves.unlink()
    assert store.get(BLOB) == PAYLOAD
    path.write_bytes(PAYLOAD[:-1])
    with pytest.raises(BlobCorrupt) as caught:
        store.get(BLOB)
    assert caught.value.leaf is None


def test_put__leftovers_of_a_crash__are_ignored(tmp_path):
    for leftover in (f"{BLOB.name}.77.tmp", f"{BLOB.name}.leaves.77.tmp", f"{BLOB.name}.leaves"):
        (tmp_path / leftover).write_bytes(b"half")
    store = DiskBlobs(tmp_path)
    assert not store.has(BLOB)
    assert list(store.kept()) == []
    store.put(BLOB, PAYLOAD)
    assert store.get(BLOB) == PAYLOAD
    store.check(BLOB)
    assert list(store.kept()) == [BLOB]


@pytest.mark.parametrize("failing", [0, 1])
def test_put__disk_full__fails_and_leaves_nothing_half_written(tmp_path, monkeypatch, failing):
    store = DiskBlobs(tmp_path)
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) > failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreFailed, match=f"{BLOB.name}: expected room to write it"):
        store.put(BLOB, PAYLOAD)
    assert not store.has(BLOB)
    assert files(tmp_path) <= {f"{BLOB.name}.leaves"}
    monkeypatch.undo()
    store.put(BLOB, PAYLOAD)
    assert store.get(BLOB) == PAYLOAD


def test_put__file_size_limit__fails_and_keeps_what_was_there(store, path, tmp_path):
    """The limit of the kernel, in a process of its own: a real short write."""
    path.write_bytes(b"rotten")
    program = f"""
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from node.blobs.disk import DiskBlobs
from node.blobs.errors import StoreFailed
from node.blobs.store import Blob
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
blob = Blob(bytes.fromhex({BLOB.root.hex()!r}), {BLOB.size_bytes}, bytes.fromhex({TAG.hex()!r}))
try:
    DiskBlobs(Path({str(tmp_path)!r})).put(blob, bytes.fromhex({PAYLOAD.hex()!r}))
except StoreFailed:
    sys.exit(7)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 7
    assert path.read_bytes() == b"rotten"
    assert files(tmp_path) == {BLOB.name, f"{BLOB.name}.leaves"}


def test_open__a_file_in_the_way__fails(tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(StoreFailed, match="expected a folder to write to"):
        DiskBlobs(tmp_path / "taken")


def test_get__a_folder_in_its_place__fails(tmp_path):
    (tmp_path / BLOB.name).mkdir()
    with pytest.raises(StoreFailed, match="expected a readable file"):
        DiskBlobs(tmp_path).get(BLOB)


def test_keep__over_a_damaged_file__mends_it(store, tmp_path):
    store.keep(BLOB, PAYLOAD)
    (tmp_path / BLOB.name).write_bytes(bytes(len(PAYLOAD)))
    store.keep(BLOB, PAYLOAD)
    assert store.get(BLOB) == PAYLOAD


def test_kept__sound_cut_and_grown__are_listed_under_what_was_put(store, path, tmp_path):
    others = [bytes([i]) * 512 for i in range(3)]
    blobs = [Blob(compute_root(other, TAG), 512, TAG) for other in others]
    for blob, other in zip(blobs, others, strict=True):
        store.put(blob, other)
    (tmp_path / blobs[0].name).write_bytes(b"\x00" * 100)
    (tmp_path / blobs[1].name).write_bytes(b"\x01" * 5000)
    (tmp_path / "0xnotes").write_bytes(b"a file of somebody's")
    listed = list(store.kept())
    assert {blob.root for blob in listed} == {BLOB.root, *(blob.root for blob in blobs)}
    for blob in listed:
        if blob.root in (blobs[0].root, blobs[1].root):
            with pytest.raises(BlobCorrupt):
                store.check(blob)
        else:
            store.check(blob)


def test_kept__leaves_gone__is_listed_with_no_tag(store, leaves):
    leaves.unlink()
    (blob,) = store.kept()
    assert (blob.root, blob.size_bytes, blob.tag) == (BLOB.root, len(PAYLOAD), b"")


def test_drop__damaged__is_gone_with_its_leaves(store, path, tmp_path):
    path.write_bytes(b"")
    store.drop(BLOB)
    assert files(tmp_path) == set()
    with pytest.raises(BlobMissing):
        store.get(BLOB)
