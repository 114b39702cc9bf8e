# pragma version 0.4.3
"""
@title Merkle: leaves and paths of updates and models, read from the call's own data
@license Apache-2.0
@notice leaf = SHA256(0x00 | tag | chunk), node = SHA256(0x01 | left | right); the tree is perfect, and a leaf
        that the payload does not reach is 32 zero bytes. Coordinates are little-endian in chunks of 256 bytes.
@dev    Evidence is read at positions in `msg.data` that the callers count from a fixed one, never through an
        offset that whoever calls could choose: so no byte can be shown twice as two things. A read beyond the
        end reverts.
"""

LEAF_BYTES: constant(uint256) = 256
MODEL_BYTES: constant(uint256) = 4
# A model of 2**32 coordinates has 2**26 leaves.
MAX_DEPTH: constant(uint256) = 26


@internal
@pure
def _leaves(size: uint256) -> uint256:
    """
    @notice How many leaves a payload of `size` bytes reaches.
    """
    return (size - 1) // LEAF_BYTES + 1


@internal
@pure
def _depth(leaves: uint256) -> uint256:
    """
    @notice How many hashes a path has in the tree over so many leaves.
    """
    rest: uint256 = leaves - 1
    depth: uint256 = 0
    for _: uint256 in range(MAX_DEPTH):
        if rest == 0:
            break
        rest >>= 1
        depth += 1
    return depth


@internal
@view
def _ending(at: uint256) -> uint256:
    """
    @notice The word that ends at a position in the call's data; what a caller wants are its low bits.
    """
    return convert(slice(msg.data, at - 32, 32), uint256)


@internal
@view
def _leaf(tag: bytes32, at: uint256) -> bytes32:
    """
    @notice The leaf of the chunk at a position.
    """
    return sha256(concat(b"\x00", tag, slice(msg.data, at, 256)))


@internal
@pure
def _node(left: bytes32, right: bytes32) -> bytes32:
    return sha256(concat(b"\x01", left, right))


@internal
@view
def _climb(start: bytes32, index: uint256, at: uint256, depth: uint256) -> bytes32:
    """
    @notice The root over a node, by the siblings at a position.
    @param index Of the node on its level.
    """
    node: bytes32 = start
    for level: uint256 in range(depth, bound=MAX_DEPTH):
        # Written out: thousands of calls of `_node` and `_ending` would be a tenth of a refutation.
        sibling: bytes32 = convert(slice(msg.data, at + 32 * level, 32), bytes32)
        if (index >> level) & 1 == 0:
            node = sha256(concat(b"\x01", node, sibling))
        else:
            node = sha256(concat(b"\x01", sibling, node))
    return node


@internal
@view
def _check_chunk(root: bytes32, tag: bytes32, leaf: uint256, at: uint256, depth: uint256) -> uint256:
    """
    @notice Reverts unless the chunk at a position lies under `root`, with its path behind it.
    @return The position behind the path.
    """
    node: bytes32 = self._climb(self._leaf(tag, at), leaf, at + LEAF_BYTES, depth)
    assert node == root, "merkle: not a leaf of the tree"
    return at + LEAF_BYTES + 32 * depth


@internal
@view
def _value(at: uint256, first: uint256, width: uint256) -> int256:
    """
    @notice The integer of `width` bytes that begins `first` bytes into the chunk at a position.
    """
    word: uint256 = self._ending(at + first + width)
    value: int256 = 0
    for place: uint256 in range(width, bound=MODEL_BYTES):
        value = value * 256 + convert((word >> (8 * place)) & 255, int256)
    if value >> (8 * width - 1) != 0:
        value -= 1 << (8 * width)
    return value
