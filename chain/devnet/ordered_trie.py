"""The root of a list as a Merkle Patricia trie: a block's transactions, its receipts.

py-evm inserts the items one by one into a general trie, and remembers the tries of 128 lists. The
whole list is known here, so every node is built once, from its leaves up: a third of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final, TypeAlias

from eth_hash.auto import keccak

from chain.devnet.codec import encode_rlp
from chain.devnet.trie_nodes import Node, encode_node, pack_path

_Pair: TypeAlias = tuple[str, bytes]
_NIBBLES: Final = "0123456789abcdef"
_HASH_BYTES: Final = 32


def compute_ordered_root(items: Sequence[bytes]) -> bytes:
    """Return the 32-byte root of the trie that maps the RLP of each index to its item.

    Source: yellow paper, appendix D and equations for the transactions and receipts roots.

    >>> compute_ordered_root([]).hex()
    '56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421'
    """
    pairs = sorted((encode_rlp(index).hex(), item) for index, item in enumerate(items))
    return bytes(keccak(encode_node(_build(pairs, 0))))


def _build(pairs: Sequence[_Pair], depth: int) -> Node:
    """The node over `pairs`, sorted by key (a hex string), whose first `depth` digits agree."""
    if not pairs:
        return b""
    first, last = pairs[0][0], pairs[-1][0]
    if len(pairs) == 1:
        return [pack_path(first[depth:], is_leaf=True), pairs[0][1]]
    shared = depth
    while first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        return [pack_path(first[depth:shared], is_leaf=False), _refer(_build(pairs, shared))]
    # No RLP of an index begins another's, so a branch here never carries an item of its own.
    children = {digit: list(group) for digit, group in groupby(pairs, lambda pair: pair[0][depth])}
    return [_refer(_build(children.get(digit, ()), depth + 1)) for digit in _NIBBLES] + [b""]


def _refer(node: Node) -> Node:
    """What a parent holds of a node: itself if it is short, else its hash."""
    encoded = encode_node(node)
    if node == b"" or len(encoded) < _HASH_BYTES:
        return node
    return bytes(keccak(encoded))
