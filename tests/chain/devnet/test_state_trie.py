"""The tries of the state agree with py-trie's, which changes one key at a time."""

from __future__ import annotations

import pytest
import rlp
from eth.constants import BLANK_ROOT_HASH
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie
from trie.exceptions import MissingTrieNode

from chain.devnet.state_trie import StateTrie
from chain.devnet.trie_nodes import decode_node, encode_node, pack_path, unpack_path

# Keys that share long beginnings, so that every kind of node is made and merged again; of 32 bytes
# as in the state. Short values make nodes that are embedded in their parents.
KEYS = st.builds(
    lambda head, tail: (bytes(head) + bytes(32))[:31] + bytes([tail]),
    st.lists(st.sampled_from((0x00, 0x01, 0x10, 0x11)), max_size=4),
    st.sampled_from((0, 1, 16, 255)),
)
VALUES = st.sampled_from((b"", b"a", b"b" * 31, b"c" * 40, b"d" * 300))
CHANGES = st.lists(st.dictionaries(KEYS, VALUES, max_size=12), max_size=5)


@given(CHANGES)
def test_root_hash__any_changes__is_that_of_the_reference(rounds) -> None:
    nodes: dict[bytes, bytes] = {}
    trie = StateTrie(nodes, BLANK_ROOT_HASH)
    reference = HexaryTrie({})
    expected: dict[bytes, bytes] = {}
    for changes in rounds:
        for key, value in changes.items():
            if value:
                trie[key] = value
                reference[key] = value
            else:
                del trie[key]
                del reference[key]
        expected |= changes
        assert {key: trie[key] for key in expected} == expected
        assert trie.root_hash == reference.root_hash
        trie = StateTrie(nodes, trie.root_hash)
        assert {key: trie[key] for key in expected} == expected
        assert {key: key in trie for key in expected} == {k: bool(v) for k, v in expected.items()}
    # The nodes themselves are those of the reference, wherever it is entered.
    assert all(HexaryTrie(nodes, trie.root_hash)[key] == value for key, value in expected.items())


@given(st.dictionaries(KEYS, VALUES.filter(bool), min_size=3))
def test_read__node_that_is_missing__is_an_error_not_an_absence(entries) -> None:
    nodes: dict[bytes, bytes] = {}
    trie = StateTrie(nodes, BLANK_ROOT_HASH)
    for key, value in entries.items():
        trie[key] = value
    root = trie.root_hash
    for name in list(nodes):
        lacking = {other: node for other, node in nodes.items() if other != name}
        holed = StateTrie(lacking, root)
        for key, value in entries.items():
            try:
                assert holed[key] == value
            except MissingTrieNode as error:
                assert error.missing_node_hash == name  # noqa: PT017


def test_root_hash__set_to_another__forgets_what_was_written() -> None:
    trie = StateTrie({}, BLANK_ROOT_HASH)
    trie[bytes(32)] = b"a"
    trie.root_hash = BLANK_ROOT_HASH
    assert trie[bytes(32)] == b""
    assert trie.root_hash == BLANK_ROOT_HASH


NODES = st.recursive(
    st.binary(max_size=3)
    | st.binary(min_size=54, max_size=58)
    | st.binary(min_size=255, max_size=260),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=12,
)


@given(st.lists(NODES, max_size=5))
def test_node__any__is_encoded_as_rlp_and_back(node) -> None:
    encoded = rlp.encode(node)
    assert encode_node(node) == encoded
    assert decode_node(encoded) == node


@given(st.text("0123456789abcdef"), st.booleans())
def test_path__any__is_itself_after_packing(digits, is_leaf) -> None:
    assert unpack_path(pack_path(digits, is_leaf=is_leaf)) == (digits, is_leaf)


@pytest.mark.parametrize("value", [b"\x00", b"\x7f", b"\x80", b"", b"x" * 55, b"x" * 56])
def test_encode_node__string__is_rlp(value) -> None:
    assert encode_node(value) == rlp.encode(value)
