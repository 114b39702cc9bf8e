"""The Merkle Patricia trie of accounts and of storage, changed once per block.

py-evm writes each change into the trie at once, and builds the nodes on its path again every time.
Here changes gather until the root is asked for; then every node on their paths is built once. All
keys are 32-byte hashes, so no key begins another and a branch never has a value.

Source: yellow paper, appendix D.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Final, Self, TypeAlias

from eth.constants import BLANK_ROOT_HASH
from eth_hash.auto import keccak
from eth_typing import Hash32
from trie.exceptions import MissingTrieNode

from chain.devnet.trie_nodes import (
    BLANK,
    Node,
    decode_node,
    encode_node,
    pack_path,
    unpack_path,
)

Change: TypeAlias = tuple[str, bytes]
"""A key in hexadecimal and its value; no bytes to delete."""

_BRANCH: Final = 17
_HASH_BYTES: Final = 32


class StateTrie:
    """The trie with a given root over `nodes`, a mapping from hash to encoded node.

    Reads see what was written before. Raises `MissingTrieNode` where `nodes` lacks one.
    """

    def __init__(self, nodes: MutableMapping[bytes, bytes], root_hash: bytes) -> None:
        self._nodes = nodes
        self._root_hash = root_hash
        self._changes: dict[bytes, bytes] = {}

    @property
    def root_hash(self) -> Hash32:
        """The root with every change made so far, whose nodes are then in the mapping."""
        if self._changes:
            changes = sorted((key.hex(), value) for key, value in self._changes.items())
            root = self._change(self._load(self._root_hash), changes, 0)
            self._root_hash = BLANK_ROOT_HASH if root == BLANK else self._keep(encode_node(root))
            self._changes = {}
        return Hash32(self._root_hash)

    @root_hash.setter
    def root_hash(self, value: bytes) -> None:
        self._root_hash = value
        self._changes = {}

    @contextmanager
    def squash_changes(self) -> Iterator[Self]:
        """Yield this trie: changes gather anyway."""
        yield self

    def __getitem__(self, key: bytes) -> bytes:
        """Return the value, no bytes where there is none."""
        if key in self._changes:
            return self._changes[key]
        path, depth = key.hex(), 0
        node = self._load(self._root_hash)
        while node != BLANK:
            if len(node) == _BRANCH:
                node, depth = self._load(_item(node, int(path[depth], 16))), depth + 1
                continue
            digits, is_leaf = _unpack(node)
            if not path.startswith(digits, depth):
                return BLANK
            if is_leaf:
                return _as_bytes(_item(node, 1))
            node, depth = self._load(_item(node, 1)), depth + len(digits)
        return BLANK

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._changes[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._changes[key] = BLANK

    def __contains__(self, key: bytes) -> bool:
        return self[key] != BLANK

    def _change(self, node: Node, changes: Sequence[Change], depth: int) -> Node:
        """The node in place of `node`, whose keys share their first `depth` digits with `changes`.

        `changes` are sorted and at least one.
        """
        if node == BLANK:
            return self._build([change for change in changes if change[1]], depth)
        if len(node) == _BRANCH:
            return self._change_branch(node, changes, depth)
        digits, is_leaf = _unpack(node)
        following = _item(node, 1)
        if is_leaf:
            there = (changes[0][0][:depth] + digits, _as_bytes(following))
            merged = dict((there, *changes))
            return self._build([pair for pair in sorted(merged.items()) if pair[1]], depth)
        after = depth + len(digits)
        # Changes are sorted: what the first and the last share, all do.
        shared = min(
            _count_shared(digits, change[0][depth:]) for change in (changes[0], changes[-1])
        )
        if shared == len(digits):
            return self._join(digits, self._change(self._load(following), changes, after))
        branch: list[Node] = [BLANK] * _BRANCH
        rest = digits[shared + 1 :]
        branch[int(digits[shared], 16)] = (
            self._refer([pack_path(rest, is_leaf=False), following]) if rest else following
        )
        return self._join(digits[:shared], self._change_branch(branch, changes, depth + shared))

    def _change_branch(self, node: Node, changes: Sequence[Change], depth: int) -> Node:
        children: list[Node] = list(node)  # type: ignore[arg-type]
        for digit, group in groupby(changes, lambda change: change[0][depth]):
            index = int(digit, 16)
            child = self._change(self._load(children[index]), tuple(group), depth + 1)
            children[index] = self._refer(child)
        present = [index for index, child in enumerate(children) if child != BLANK]
        if len(present) > 1:
            return children
        if not present:
            return BLANK
        return self._join(f"{present[0]:x}", self._load(children[present[0]]))

    def _build(self, pairs: Sequence[Change], depth: int) -> Node:
        """The node over `pairs`, sorted by key, whose first `depth` digits agree."""
        if not pairs:
            return BLANK
        first, last = pairs[0][0], pairs[-1][0]
        if len(pairs) == 1:
            return [pack_path(first[depth:], is_leaf=True), pairs[0][1]]
        shared = first[depth : depth + _count_shared(first[depth:], last[depth:])]
        depth += len(shared)
        branch: list[Node] = [BLANK] * _BRANCH
        for digit, group in groupby(pairs, lambda pair: pair[0][depth]):
            branch[int(digit, 16)] = self._refer(self._build(tuple(group), depth + 1))
        return self._join(shared, branch)

    def _join(self, digits: str, child: Node) -> Node:
        """The node that leads along `digits` to `child`."""
        if not digits or child == BLANK:
            return child
        if len(child) == _BRANCH:
            return [pack_path(digits, is_leaf=False), self._refer(child)]
        following, is_leaf = _unpack(child)
        return [pack_path(digits + following, is_leaf=is_leaf), _item(child, 1)]

    def _refer(self, node: Node) -> Node:
        """What a parent holds of a node: itself if it is short, else its hash."""
        if node == BLANK:
            return node
        encoded = encode_node(node)
        return node if len(encoded) < _HASH_BYTES else self._keep(encoded)

    def _keep(self, encoded: bytes) -> bytes:
        name = bytes(keccak(encoded))
        self._nodes[name] = encoded
        return name

    def _load(self, reference: Node) -> Node:
        if isinstance(reference, list) or reference in (BLANK, BLANK_ROOT_HASH):
            return BLANK if reference == BLANK_ROOT_HASH else reference
        try:
            encoded = self._nodes[reference]
        except KeyError as error:
            root = Hash32(self._root_hash)
            raise MissingTrieNode(Hash32(reference), root, reference) from error
        return decode_node(encoded)


def _count_shared(one: str, other: str) -> int:
    """How many digits both begin with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _unpack(node: Node) -> tuple[str, bool]:
    return unpack_path(_as_bytes(_item(node, 0)))


def _item(node: Node, index: int) -> Node:
    assert isinstance(node, list), "blank nodes were told apart before"
    return node[index]


def _as_bytes(item: Node) -> bytes:
    assert isinstance(item, bytes), "a path or a value"
    return item
