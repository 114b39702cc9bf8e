"""A payload in chunks, each of which is proven against the blob's root by itself.

A chunk is 1024 leaves, 256 KiB, and the last one is what is left. It travels behind its Merkle
path: the siblings from the subtree over its leaves up to the root, 32 bytes each, lowest first. A
blob of one chunk has no path, and its subtree is the whole tree.
"""

from collections.abc import Callable
from dataclasses import dataclass

from node.blobs.errors import BlobCorrupt
from node.blobs.store import Blob
from node.merkle import (
    HASH_BYTES,
    LEAF_BYTES,
    absent_node,
    climb,
    compute_depth,
    compute_leaves,
    fold_level,
    fold_nodes,
)

CHUNK_LEVELS = (
    10  # 256 KiB: an answer of a moment, beside which a path of some 400 bytes is nothing
)
CHUNK_LEAVES = 1 << CHUNK_LEVELS
CHUNK_BYTES = CHUNK_LEAVES * LEAF_BYTES


@dataclass(frozen=True)
class Cut:
    """How a payload of `size_bytes` bytes is cut. Raises SizeRefused where no tree has that size.

    >>> cut = Cut(1_000_000)
    >>> cut.count, cut.measure(0), cut.measure(3), cut.path_bytes
    (4, 262144, 213568, 64)
    """

    size_bytes: int

    def __post_init__(self) -> None:
        compute_depth(self.size_bytes)

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return -(-self.size_bytes // CHUNK_BYTES)

    @property
    def levels(self) -> int:
        """How many levels of the tree lie within a chunk."""
        return min(CHUNK_LEVELS, compute_depth(self.size_bytes))

    @property
    def path_bytes(self) -> int:
        """How long the path before each chunk is."""
        return HASH_BYTES * (compute_depth(self.size_bytes) - self.levels)

    def measure(self, index: int) -> int:
        """Return how many bytes of payload chunk `index` has."""
        return min(CHUNK_BYTES, self.size_bytes - index * CHUNK_BYTES)

    def leaves_of(self, index: int) -> tuple[int, int]:
        """Return the first and the last leaf of chunk `index`."""
        first = index * CHUNK_LEAVES
        return first, first + -(-self.measure(index) // LEAF_BYTES) - 1


@dataclass(frozen=True)
class ChunkTree:
    """The tree from the chunks' own roots upwards, level by level, hashes joined."""

    levels: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        return self.levels[-1]

    @property
    def size_bytes(self) -> int:
        """What it costs to remember."""
        return sum(map(len, self.levels))

    def path(self, index: int) -> bytes:
        """Return the path of chunk `index`, as it travels."""
        siblings = []
        for level, nodes in enumerate(self.levels[:-1]):
            at = ((index >> level) ^ 1) * HASH_BYTES
            siblings.append(nodes[at : at + HASH_BYTES] or absent_node(CHUNK_LEVELS + level))
        return b"".join(siblings)


def build_tree(size_bytes: int, leaves_of: Callable[[int], list[bytes]]) -> ChunkTree:
    """Return the tree over a payload; `leaves_of` gives the leaf hashes of one chunk at a time."""
    cut = Cut(size_bytes)
    nodes = [fold_nodes(leaves_of(index), 0, cut.levels) for index in range(cut.count)]
    levels = [b"".join(nodes)]
    for level in range(cut.levels, compute_depth(size_bytes)):
        nodes = fold_level(nodes, level)
        levels.append(b"".join(nodes))
    return ChunkTree(tuple(levels))


def check_chunk(
    blob: Blob, index: int, payload: bytes | memoryview, path: bytes | memoryview
) -> list[bytes]:
    """Return the leaf hashes of a chunk that is proven to lie under the blob's root at `index`.

    Raises BlobCorrupt, which names the chunk by its leaves; which of them is bad nobody can tell,
    as their hashes do not travel.
    """
    cut = Cut(blob.size_bytes)
    first, last = cut.leaves_of(index)
    name = f"blob {blob.name}, chunk {index}, leaves {first} to {last}"
    if len(payload) != cut.measure(index):
        raise BlobCorrupt(name, f"{cut.measure(index)} bytes", f"{len(payload)} bytes", leaf=first)
    if len(path) != cut.path_bytes:
        raise BlobCorrupt(name, f"a path of {cut.path_bytes} bytes", f"{len(path)}", leaf=first)
    leaves = compute_leaves(payload, blob.tag)
    siblings = [bytes(path[at : at + HASH_BYTES]) for at in range(0, len(path), HASH_BYTES)]
    root = climb(fold_nodes(leaves, 0, cut.levels), index, siblings)
    if root != blob.root:
        raise BlobCorrupt(name, "its own root", "0x" + root.hex(), leaf=first)
    return leaves
