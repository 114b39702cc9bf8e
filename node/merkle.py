"""Merkle trees over payloads: what a commitment binds and what a path proves.

A payload is cut into chunks of 256 bytes, the last one filled up with zeros.

    leaf = SHA256(0x00 | tag | chunk)        node = SHA256(0x01 | left | right)

The tree is perfect. A leaf that the payload does not reach is 32 zero bytes, and every node above
such leaves is hashed like any other; those nodes are known beforehand, so they cost nothing.
"""

from collections.abc import Sequence
from hashlib import sha256

from chain.types import Root
from node.errors import PathRefused, SizeRefused

LEAF_BYTES = 256  # 128 coordinates of an update: a path stays short and a leaf fits cheap calldata
HASH_BYTES = 32
MODEL_TAG = bytes(HASH_BYTES)  # a model belongs to nobody
MAX_DEPTH = 40  # 256 TB; no blob comes near it

_LEAF = b"\x00"
_NODE = b"\x01"


def _compute_absent_nodes() -> tuple[bytes, ...]:
    """Return, for each level from the leaves up, the node over nothing but absent leaves."""
    nodes = [bytes(HASH_BYTES)]
    for _ in range(MAX_DEPTH):
        nodes.append(sha256(_NODE + nodes[-1] + nodes[-1]).digest())
    return tuple(nodes)


_ABSENT = _compute_absent_nodes()


def compute_depth(size_bytes: int) -> int:
    """Return how many hashes a path has in the tree over `size_bytes` bytes (one leaf: 0).

    >>> [compute_depth(size) for size in (1, 256, 257, 512, 513, 407_080)]
    [0, 0, 1, 1, 2, 11]
    """
    if not 0 < size_bytes <= LEAF_BYTES << MAX_DEPTH:
        raise SizeRefused("merkle: payload", f"1 to {LEAF_BYTES << MAX_DEPTH} bytes", size_bytes)
    return ((size_bytes - 1) // LEAF_BYTES).bit_length()


def slice_chunk(payload: bytes | memoryview, leaf_index: int) -> bytes:
    """Return the 256 bytes under a leaf which the payload reaches, filled up with zeros."""
    view = memoryview(payload).cast("B")
    count = -(-len(view) // LEAF_BYTES)
    if not 0 <= leaf_index < count:
        raise SizeRefused("merkle: leaf index", f"0 to {count - 1}", leaf_index)
    first = leaf_index * LEAF_BYTES
    return bytes(view[first : first + LEAF_BYTES]).ljust(LEAF_BYTES, b"\x00")


def compute_leaves(payload: bytes | memoryview, tag: bytes) -> list[bytes]:
    """Return the leaf hashes of `payload`, in order, without the absent ones."""
    _check_tag(tag)
    view = memoryview(payload).cast("B")
    whole_bytes = len(view) // LEAF_BYTES * LEAF_BYTES
    # Copying a state that has taken the prefix is cheaper than opening a new one for each leaf.
    copy_state = sha256(_LEAF + tag).copy
    leaves: list[bytes] = []
    append = leaves.append
    for first in range(0, whole_bytes, LEAF_BYTES):
        state = copy_state()
        state.update(view[first : first + LEAF_BYTES])
        append(state.digest())
    if whole_bytes < len(view):
        state = copy_state()
        state.update(slice_chunk(view, whole_bytes // LEAF_BYTES))
        append(state.digest())
    return leaves


def compute_root(payload: bytes | memoryview, tag: bytes) -> Root:
    """Return the root that commits to `payload` under a 32-byte `tag`.

    >>> compute_root(bytes(256), MODEL_TAG) == compute_root(bytes(1), MODEL_TAG)
    True
    """
    return fold_leaves(compute_leaves(payload, tag), memoryview(payload).nbytes)


def fold_leaves(leaves: list[bytes], size_bytes: int) -> Root:
    """Return the root over the leaves that a payload of `size_bytes` bytes reaches, in order."""
    return Root(fold_nodes(leaves, 0, compute_depth(size_bytes)))


def fold_nodes(nodes: list[bytes], level: int, levels: int) -> bytes:
    """Return the node that stands `levels` above the first nodes of a subtree.

    They stand on `level`, which is 0 for leaves; where they end, absent ones follow.
    """
    for each in range(level, level + levels):
        nodes = fold_level(nodes, each)
    return nodes[0]


def fold_level(nodes: list[bytes], level: int) -> list[bytes]:
    """Return the parents of one level; the last node of an odd level pairs with an absent one."""
    if len(nodes) % 2:
        nodes = [*nodes, _ABSENT[level]]
    pairs = b"".join(nodes)
    digest, prefix, step = sha256, _NODE, 2 * HASH_BYTES
    return [digest(prefix + pairs[at : at + step]).digest() for at in range(0, len(pairs), step)]


def compute_path(payload: bytes | memoryview, tag: bytes, leaf_index: int) -> list[bytes]:
    """Return the siblings from leaf `leaf_index`, which may be an absent one, up to the root."""
    depth = compute_depth(memoryview(payload).nbytes)
    _check_index(leaf_index, depth)
    nodes = compute_leaves(payload, tag)
    path = []
    for level in range(depth):
        sibling = (leaf_index >> level) ^ 1
        path.append(nodes[sibling] if sibling < len(nodes) else absent_node(level))
        nodes = fold_level(nodes, level)
    return path


def absent_node(level: int) -> bytes:
    """Return the node on a level (leaves: 0) under which the payload reaches no leaf."""
    return _ABSENT[level]


def climb(node: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """Return where the siblings in `path` lead from the node at `index` of its level."""
    for level, sibling in enumerate(path):
        pair = sibling + node if index >> level & 1 else node + sibling
        node = sha256(_NODE + pair).digest()
    return node


def check_path(
    root: Root, tag: bytes, leaf_index: int, chunk: bytes, path: Sequence[bytes], depth: int
) -> None:
    """Raise `PathRefused` unless `path` proves that `chunk` lies under `root` at `leaf_index`.

    The chunk is the whole of a leaf, 256 bytes with its zeros; the path has exactly `depth` hashes.
    """
    _check_tag(tag)
    _check_index(leaf_index, depth)
    if len(chunk) != LEAF_BYTES:
        raise PathRefused("merkle: bytes of the chunk", LEAF_BYTES, len(chunk))
    if len(path) != depth:
        raise PathRefused("merkle: hashes in the path", depth, len(path))
    for level, sibling in enumerate(path):
        if len(sibling) != HASH_BYTES:
            raise PathRefused(f"merkle: bytes of path hash {level}", HASH_BYTES, len(sibling))
    node = climb(sha256(_LEAF + tag + chunk).digest(), leaf_index, path)
    if node != root:
        raise PathRefused(f"merkle: root from leaf {leaf_index}", root.hex(), node.hex())


def find_bad_leaf(
    payload: bytes | memoryview, tag: bytes, expected_leaves: Sequence[bytes]
) -> int | None:
    """Return the first leaf of `payload` whose hash is not the expected one, `None` if none is.

    Where one of the two lists is the shorter one, the first leaf that only one has is bad.
    """
    leaves = compute_leaves(payload, tag)
    for index, (leaf, expected) in enumerate(zip(leaves, expected_leaves, strict=False)):
        if leaf != expected:
            return index
    shorter = min(len(leaves), len(expected_leaves))
    return None if len(leaves) == len(expected_leaves) else shorter


def _check_tag(tag: bytes) -> None:
    if len(tag) != HASH_BYTES:
        raise SizeRefused("merkle: bytes of the tag", HASH_BYTES, len(tag))


def _check_index(leaf_index: int, depth: int) -> None:
    if not 0 <= leaf_index < 1 << depth:
        raise SizeRefused("merkle: leaf index", f"0 to {(1 << depth) - 1}", leaf_index)
