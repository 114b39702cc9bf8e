"""Trie nodes to bytes and back, and the paths in them.

The `rlp` package takes any shape apart, with checks at every level; a node is a list of byte
strings and of short nodes, and most of a block's time went into packing and unpacking them.

Source: yellow paper, appendices B (RLP), C (hex-prefix) and D.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

Node: TypeAlias = "bytes | list[Node]"
"""Blank (no bytes), a leaf or an extension (two items), a branch (seventeen)."""

BLANK: Final = b""
REMEMBERED_NODES: Final = 8192
"""Some 10 MB of them, decoded."""
_SHORT: Final = 56
"""From this length on, the length itself is written out."""
_STRING: Final = 0x80
_LIST: Final = 0xC0


def encode_node(node: Node) -> bytes:
    """Return the RLP of a node.

    >>> encode_node([b"a", [b"", b"long enough to have a prefix"]]).hex()[:8]
    'e061de80'
    """
    if isinstance(node, bytes):
        if len(node) == 1 and node[0] < _STRING:
            return node
        return _encode_length(len(node), _STRING) + node
    body = b"".join(map(encode_node, node))
    return _encode_length(len(body), _LIST) + body


@lru_cache(maxsize=REMEMBERED_NODES)
def decode_node(encoded: bytes) -> Node:
    """Return the node that `encoded`, which is sound RLP, holds; it is shared: do not change it.

    >>> decode_node(encode_node([b"a", [b"", b"b" * 60]]))[1][1] == b"b" * 60
    True
    """
    return _decode_items(encoded, 0, len(encoded))[0]


def pack_path(digits: str, *, is_leaf: bool) -> bytes:
    """Return the hex-prefix encoding of a path in hexadecimal digits.

    >>> pack_path("123", is_leaf=True).hex()
    '3123'
    """
    flag = 2 * is_leaf + len(digits) % 2
    padding = "" if len(digits) % 2 else "0"
    return bytes.fromhex(f"{flag}{padding}{digits}")


def unpack_path(packed: bytes) -> tuple[str, bool]:
    """Return the path in hexadecimal digits, and whether it ends in a leaf.

    >>> unpack_path(pack_path("12", is_leaf=False))
    ('12', False)
    """
    digits = packed.hex()
    flag = packed[0] >> 4
    return digits[1 if flag & 1 else 2 :], flag >= 2


def _encode_length(length: int, kind: int) -> bytes:
    if length < _SHORT:
        return bytes((kind + length,))
    written = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((kind + _SHORT - 1 + len(written),)) + written


def _decode_items(data: bytes, at: int, end: int) -> list[Node]:
    items: list[Node] = []
    while at < end:
        first = data[at]
        if first < _STRING:
            items.append(data[at : at + 1])
            at += 1
            continue
        kind = _STRING if first < _LIST else _LIST
        length = first - kind
        at += 1
        if length >= _SHORT:
            written = length - _SHORT + 1
            length = int.from_bytes(data[at : at + written], "big")
            at += written
        stop = at + length
        items.append(data[at:stop] if kind == _STRING else _decode_items(data, at, stop))
        at = stop
    return items
