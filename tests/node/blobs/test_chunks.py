"""Chunks against the definition of the whole tree, and with one thing broken each."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.blobs.chunks import CHUNK_BYTES, CHUNK_LEAVES, Cut, build_tree, check_chunk
from node.blobs.errors import BlobCorrupt
from node.blobs.store import Blob
from node.errors import SizeRefused
from node.merkle import MODEL_TAG, compute_leaves, compute_path, compute_root

TAG = b"\x07" * 32
EDGES = [
    *(1, 255, 256, 257, 512, 513),
    *(each * CHUNK_BYTES + more for each in (1, 2, 3, 4, 5) for more in (-256, -1, 0, 1, 256)),
]


def draw(size, seed=0):
    return np.random.default_rng(seed).bytes(size)


def cut_up(payload, tag=TAG):
    """Return the blob, its tree, and its chunks as they travel: (payload, path)."""
    leaves = compute_leaves(payload, tag)
    tree = build_tree(
        len(payload), lambda index: leaves[index * CHUNK_LEAVES : (index + 1) * CHUNK_LEAVES]
    )
    chunks = [
        (payload[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES], tree.path(index))
        for index in range(Cut(len(payload)).count)
    ]
    return Blob(compute_root(payload, tag), len(payload), tag), tree, chunks


@pytest.mark.parametrize("size", EDGES)
def test_check_chunk__every_edge__all_chunks_lead_to_the_root(size):
    payload = draw(size)
    blob, tree, chunks = cut_up(payload)
    assert tree.root == blob.root
    assert b"".join(part for part, _ in chunks) == payload
    assert [len(part) for part, _ in chunks] == [
        Cut(size).measure(index) for index in range(len(chunks))
    ]
    leaves = [check_chunk(blob, index, *chunk) for index, chunk in enumerate(chunks)]
    assert [leaf for each in leaves for leaf in each] == compute_leaves(payload, TAG)


@settings(max_examples=25)
@given(st.integers(1, 9 * CHUNK_BYTES), st.binary(min_size=32, max_size=32), st.data())
def test_path__any_size__is_the_upper_end_of_a_leaf_path(size, tag, data):
    payload = draw(size, data.draw(st.integers(0, 2**16)))
    blob, tree, chunks = cut_up(payload, tag)
    index = data.draw(st.integers(0, len(chunks) - 1))
    whole = b"".join(compute_path(payload, tag, index * CHUNK_LEAVES))
    assert tree.path(index) == whole[len(whole) - Cut(size).path_bytes :]
    check_chunk(blob, index, *chunks[index])


@settings(max_examples=25)
@given(st.integers(1, 3 * CHUNK_BYTES), st.data())
def test_check_chunk__one_bit_flipped__names_the_chunk(size, data):
    blob, _, chunks = cut_up(draw(size))
    index = data.draw(st.integers(0, len(chunks) - 1))
    wire = bytearray(chunks[index][1] + chunks[index][0])
    bit = data.draw(st.integers(0, 8 * len(wire) - 1))
    wire[bit // 8] ^= 1 << bit % 8
    path_bytes = Cut(size).path_bytes
    first, last = Cut(size).leaves_of(index)
    with pytest.raises(BlobCorrupt, match=f"chunk {index}, leaves {first} to {last}:") as caught:
        check_chunk(blob, index, wire[path_bytes:], wire[:path_bytes])
    assert caught.value.leaf == first


BLOB, _, CHUNKS = cut_up(draw(2 * CHUNK_BYTES + 300))
ONE = {"blob": BLOB, "index": 1, "payload": CHUNKS[1][0], "path": CHUNKS[1][1]}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"index": 0}, "its own root"),
        ({"blob": replace(BLOB, tag=MODEL_TAG)}, "its own root"),
        ({"blob": replace(BLOB, root=bytes(32))}, "its own root"),
        ({"payload": CHUNKS[0][0]}, "its own root"),
        ({"path": CHUNKS[0][1]}, "its own root"),
        ({"payload": CHUNKS[1][0][:-1]}, f"{CHUNK_BYTES} bytes"),
        ({"payload": CHUNKS[1][0] + b"\0"}, f"{CHUNK_BYTES} bytes"),
        ({"payload": b""}, f"{CHUNK_BYTES} bytes"),
        ({"path": b""}, "a path of 64 bytes"),
        ({"path": CHUNKS[1][1] + bytes(32)}, "a path of 64 bytes"),
        ({"index": 2}, "300 bytes"),
    ],
)
def test_check_chunk__one_thing_broken__is_refused(changed, expected):
    check_chunk(**ONE)
    with pytest.raises(BlobCorrupt) as caught:
        check_chunk(**ONE | changed)
    assert caught.value.expected == expected


def test_check_chunk__last_one_filled_up_with_zeros__is_refused():
    payload, path = CHUNKS[2]
    check_chunk(BLOB, 2, payload, path)
    with pytest.raises(BlobCorrupt, match="expected 300 bytes, got 301 bytes"):
        check_chunk(BLOB, 2, payload + b"\0", path)


@pytest.mark.parametrize("size", [0, -1])
def test_cut__no_payload__is_refused(size):
    with pytest.raises(SizeRefused):
        Cut(size)
