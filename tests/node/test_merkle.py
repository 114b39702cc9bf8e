"""Trees against the definition, golden vectors, and proofs with one thing broken each."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from eth_abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from chain.keys import compute_update_tag
from node import merkle
from node.errors import PathRefused, SizeRefused

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "merkle.json").read_text())
TAGS = st.binary(min_size=32, max_size=32)
PAYLOADS = st.builds(
    lambda size, seed: np.random.default_rng(seed).bytes(size),
    st.integers(1, 20 * 256),
    st.integers(0, 2**32),
)


def hash_by_definition(leaves):
    """Fill up with absent leaves to a power of two, then halve until one is left."""
    nodes = list(leaves)
    while len(nodes) & (len(nodes) - 1):
        nodes.append(bytes(32))
    while len(nodes) > 1:
        nodes = [sha256(b"\x01" + a + b).digest() for a, b in zip(*[iter(nodes)] * 2, strict=True)]
    return nodes[0]


@pytest.mark.parametrize("case", VECTORS["trees"], ids=lambda case: str(len(case["leaves"])))
def test_tree__golden_vector__agrees(case):
    payload, tag = bytes.fromhex(case["payload"]), bytes.fromhex(case["tag"])
    path = [bytes.fromhex(node) for node in case["path"]]
    assert merkle.compute_depth(len(payload)) == case["depth"]
    assert [leaf.hex() for leaf in merkle.compute_leaves(payload, tag)] == case["leaves"]
    assert merkle.compute_root(payload, tag).hex() == case["root"]
    assert merkle.compute_path(payload, tag, case["leaf_index"]) == path
    assert merkle.slice_chunk(payload, case["leaf_index"]).hex() == case["chunk"]


@pytest.mark.parametrize("case", VECTORS["tags"], ids=lambda case: str(case["seat"]))
def test_compute_update_tag__golden_vector__agrees(case):
    contract = "0x" + case["contract"]
    tag = compute_update_tag(case["chain_id"], contract, case["round"], case["seat"])
    assert tag.hex() == case["tag"]


@given(PAYLOADS, TAGS)
def test_compute_root__any_payload__is_the_definition(payload, tag):
    chunks = [payload[at : at + 256].ljust(256, b"\0") for at in range(0, len(payload), 256)]
    leaves = [sha256(b"\0" + tag + chunk).digest() for chunk in chunks]
    assert merkle.compute_leaves(payload, tag) == leaves
    assert merkle.compute_root(payload, tag) == hash_by_definition(leaves)
    assert merkle.fold_leaves(leaves, len(payload)) == hash_by_definition(leaves)


@given(PAYLOADS)
def test_compute_root__memoryview_of_wider_items__is_that_of_the_bytes(payload):
    wide = np.frombuffer(payload + bytes(-len(payload) % 4), np.int32)
    root = merkle.compute_root(wide.tobytes(), merkle.MODEL_TAG)
    assert merkle.compute_root(memoryview(wide), merkle.MODEL_TAG) == root


@given(PAYLOADS, TAGS, st.data())
def test_check_path__every_leaf__accepts_what_compute_path_gives(payload, tag, data):
    root, depth = merkle.compute_root(payload, tag), merkle.compute_depth(len(payload))
    leaf = data.draw(st.integers(0, (len(payload) - 1) // 256))
    path = merkle.compute_path(payload, tag, leaf)
    assert len(path) == depth
    merkle.check_path(root, tag, leaf, merkle.slice_chunk(payload, leaf), path, depth)


def test_compute_path__absent_leaf__leads_from_zero_to_the_root():
    payload = bytes(5 * 256)
    node = bytes(32)
    for level, sibling in enumerate(merkle.compute_path(payload, merkle.MODEL_TAG, 6)):
        pair = sibling + node if 6 >> level & 1 else node + sibling
        node = sha256(b"\x01" + pair).digest()
    assert node == merkle.compute_root(payload, merkle.MODEL_TAG)


PAYLOAD = bytes(range(256)) * 5 + b"tail"
TAG = b"\x07" * 32
ROOT = merkle.compute_root(PAYLOAD, TAG)
PATH = merkle.compute_path(PAYLOAD, TAG, 5)
CHUNK = merkle.slice_chunk(PAYLOAD, 5)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"root": merkle.Root(bytes(32))}, "merkle: root from leaf 5"),
        ({"tag": merkle.MODEL_TAG}, "merkle: root from leaf 5"),
        ({"leaf_index": 4}, "merkle: root from leaf 4"),
        ({"chunk": CHUNK[:-1] + b"\x01"}, "merkle: root from leaf 5"),
        ({"chunk": CHUNK[:-1]}, "merkle: bytes of the chunk"),
        ({"path": PATH[::-1]}, "merkle: root from leaf 5"),
        ({"path": PATH[:-1]}, "merkle: hashes in the path"),
        ({"path": [*PATH, bytes(32)]}, "merkle: hashes in the path"),
        ({"path": [PATH[0][:-1], *PATH[1:]]}, "merkle: bytes of path hash 0"),
    ],
)
def test_check_path__one_thing_broken__is_refused(changed, reason):
    good = {
        "root": ROOT,
        "tag": TAG,
        "leaf_index": 5,
        "chunk": CHUNK,
        "path": PATH,
        "depth": 3,
    }
    merkle.check_path(**good)
    with pytest.raises(PathRefused) as caught:
        merkle.check_path(**good | changed)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("leaf", "depth"), [(-1, 3), (8, 3), (1, 0)])
def test_check_path__index_outside_the_tree__is_refused(leaf, depth):
    with pytest.raises(SizeRefused, match="leaf index"):
        merkle.check_path(ROOT, TAG, leaf, CHUNK, PATH, depth)


@pytest.mark.parametrize(
    ("size", "depth"),
    [(1, 0), (256, 0), (257, 1), (512, 1), (513, 2), (1024, 2), (1025, 3), (2**48, 40)],
)
def test_compute_depth__both_sides_of_a_power__is_the_bit_length(size, depth):
    assert merkle.compute_depth(size) == depth


@pytest.mark.parametrize("size", [0, -1, 2**48 + 1])
def test_compute_depth__no_tree_of_that_size__is_refused(size):
    with pytest.raises(SizeRefused, match="payload"):
        merkle.compute_depth(size)


def test_compute_root__empty_payload_or_short_tag__is_refused():
    with pytest.raises(SizeRefused, match="payload"):
        merkle.compute_root(b"", TAG)
    with pytest.raises(SizeRefused, match="bytes of the tag: expected 32, got 31"):
        merkle.compute_root(b"x", TAG[1:])


@pytest.mark.parametrize("leaf", [-1, 6])
def test_slice_chunk__leaf_not_reached__is_refused(leaf):
    with pytest.raises(SizeRefused, match="expected 0 to 5"):
        merkle.slice_chunk(PAYLOAD, leaf)


@given(PAYLOADS, TAGS, st.data())
def test_find_bad_leaf__one_bit_flipped__names_its_leaf(payload, tag, data):
    leaves = merkle.compute_leaves(payload, tag)
    assert merkle.find_bad_leaf(payload, tag, leaves) is None
    at = data.draw(st.integers(0, len(payload) - 1))
    broken = bytearray(payload)
    broken[at] ^= 1 << data.draw(st.integers(0, 7))
    assert merkle.find_bad_leaf(bytes(broken), tag, leaves) == at // 256


def test_find_bad_leaf__cut_or_grown__names_the_first_leaf_without_a_partner():
    leaves = merkle.compute_leaves(PAYLOAD, TAG)
    assert merkle.find_bad_leaf(PAYLOAD[: 3 * 256], TAG, leaves) == 3
    assert merkle.find_bad_leaf(PAYLOAD + bytes(256), TAG, leaves) == 6


@given(
    st.integers(0, 2**256 - 1),
    st.binary(min_size=20, max_size=20),
    st.integers(0, 2**256 - 1),
    st.integers(0, 127),
)
def test_compute_update_tag__any_words__is_the_abi_encoding(chain_id, contract, round_id, seat):
    types = ["uint256", "address", "uint256", "uint256"]
    expected = keccak(encode(types, [chain_id, contract, round_id, seat]))
    assert compute_update_tag(chain_id, "0x" + contract.hex(), round_id, seat) == expected
