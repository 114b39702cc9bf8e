# pragma version 0.4.3
"""
@title Judge
@license Apache-2.0
@notice Whether evidence holds: the part of a federation that has no state, and so a contract of its own. A
        federation hands it a call's data as it came and goes by the answer; others learn nothing here that
        they could not compute. One judge serves any number of federations.
@dev    Each function has the name and the arguments of the federation's, since it is called with the same data.
        Evidence is read at fixed positions of that data alone, never at an offset that the caller chose.
"""

from modules import arithmetic
from modules import evidence
from modules import merkle
from modules import parameters

interface Federation:
    def terms() -> parameters.Parameters: view

# A result as it was proposed: what its key is the hash of.
struct Record:
    round: uint256
    parent: bytes32
    commitments: bytes32
    included: uint256
    model_root: bytes32
    coefficients_hash: bytes32

# Behind selector, round, coordinate, offset and length.
REFUTATION_AT: constant(uint256) = 4 + 32 * 4
# Behind selector, six words of the record, three of the challenge, offset and length.
ANSWER_AT: constant(uint256) = 4 + 32 * 11
# What nodes relay in one transaction.
MAX_EVIDENCE_BYTES: constant(uint256) = 131_072
MAX_ANSWER_BYTES: constant(uint256) = 32_768
# `which`: a seat, or one of these.
OLD_MODEL: constant(uint256) = 128
NEW_MODEL: constant(uint256) = 129
# One call shows 16 kB at most.
MAX_LEAVES: constant(uint256) = 64
MAX_LEVELS: constant(uint256) = 6
MODEL_COORDINATES: constant(uint256) = merkle.LEAF_BYTES // merkle.MODEL_BYTES


@external
@view
def refute(round: uint256, coordinate: uint256, data: Bytes[MAX_EVIDENCE_BYTES]) -> (bytes32, bytes32):
    """
    @notice Reverts unless the evidence proves a coordinate of a result wrong.
    @param round The result's round.
    @param coordinate Of the model, of the zeros behind it, or of a leaf that must be absent.
    @param data The evidence; its layout is in the protocol.
    @return The keys of the result that was proven wrong and of its parent; whether they are known is for the
            federation to say.
    """
    p: parameters.Parameters = staticcall Federation(msg.sender).terms()
    parent: bytes32 = convert(merkle._ending(REFUTATION_AT + 32), bytes32)
    included: uint256 = merkle._ending(REFUTATION_AT + 64)
    model_root: bytes32 = convert(merkle._ending(REFUTATION_AT + 96), bytes32)
    at: uint256 = REFUTATION_AT + 96 + evidence.RECORD_BYTES
    running: bytes32 = empty(bytes32)
    roots: bytes32[evidence.SEATS] = empty(bytes32[evidence.SEATS])
    running, roots, at = evidence._commitments(parent, round, at)
    hashed: bytes32 = empty(bytes32)
    pairs: uint256[evidence.SEATS] = empty(uint256[evidence.SEATS])
    hashed, pairs, at = evidence._coefficients(included, at)
    claimed: int256 = 0
    claimed, at = self._read_claim(p, coordinate, model_root, at)
    right: int256 = 0
    if coordinate < p.coordinates:
        right = self._recompute(p, round, coordinate, parent, roots, pairs, at)
    assert claimed != right, "disputes: the coordinate is right"
    return keccak256(abi_encode(round, parent, running, included, model_root, hashed)), parent


@external
@view
def challenge(result: Record, which: uint256, first: uint256, count: uint256):
    """
    @notice Reverts unless there are such leaves to ask for.
    @param result The agreed result.
    @param which An included seat: its update; 128: the model before, 129: the model after.
    @param first The first leaf, a multiple of `count`.
    @param count How many: a power of two, at most 64.
    """
    p: parameters.Parameters = staticcall Federation(msg.sender).terms()
    leaves: uint256 = self._leaves(p, which)
    is_known: bool = which >= OLD_MODEL or (result.included >> which) & 1 != 0
    is_block: bool = count != 0 and count <= MAX_LEAVES and count & (count - 1) == 0
    is_there: bool = count <= 1 << merkle._depth(leaves) and first < leaves
    assert which <= NEW_MODEL and is_known and is_block, "evidence: no such leaves"
    assert is_there and first % count == 0, "evidence: no such leaves"


@external
@view
def answer(
    result: Record, which: uint256, first: uint256, count: uint256, data: Bytes[MAX_ANSWER_BYTES]
) -> (uint256, uint256):
    """
    @notice Reverts unless the data shows the leaves that a challenge asks for.
    @param result The agreed result.
    @param which As in the challenge.
    @param first As in the challenge.
    @param count As in the challenge.
    @param data Of an update, the commitments; of the model before, the parent's record; then the chunks that
           the payload reaches, and the path from the node over all.
    @return Where in the call's data the chunks stand, and how many.
    """
    p: parameters.Parameters = staticcall Federation(msg.sender).terms()
    at: uint256 = ANSWER_AT
    root: bytes32 = result.model_root
    tag: bytes32 = empty(bytes32)
    if which == OLD_MODEL:
        root = evidence._old_root(msg.sender, p.genesis, result.parent, at)
        at += evidence.RECORD_BYTES
    elif which < OLD_MODEL:
        running: bytes32 = empty(bytes32)
        roots: bytes32[evidence.SEATS] = empty(bytes32[evidence.SEATS])
        running, roots, at = evidence._commitments(result.parent, result.round, at)
        assert running == result.commitments, "evidence: not the commitments"
        root = roots[which]
        tag = evidence._tag(msg.sender, result.round, which)

    leaves: uint256 = self._leaves(p, which)
    shown: uint256 = min(count, leaves - first)
    nodes: bytes32[MAX_LEAVES] = empty(bytes32[MAX_LEAVES])
    for i: uint256 in range(shown, bound=MAX_LEAVES):
        nodes[i] = merkle._leaf(tag, at + merkle.LEAF_BYTES * i)
    depth: uint256 = merkle._depth(leaves)
    width: uint256 = count
    for _: uint256 in range(MAX_LEVELS):
        if width == 1:
            break
        width //= 2
        depth -= 1
        for i: uint256 in range(width, bound=MAX_LEAVES):
            nodes[i] = merkle._node(nodes[2 * i], nodes[2 * i + 1])
    node: bytes32 = merkle._climb(nodes[0], first // count, at + merkle.LEAF_BYTES * shown, depth)
    assert node == root, "merkle: not a leaf of the tree"
    return at, shown


@internal
@pure
def _leaves(p: parameters.Parameters, which: uint256) -> uint256:
    width: uint256 = p.update_bytes if which < OLD_MODEL else merkle.MODEL_BYTES
    return merkle._leaves(p.coordinates * width)


@internal
@view
def _read_claim(
    p: parameters.Parameters, coordinate: uint256, root: bytes32, at: uint256
) -> (int256, uint256):
    """
    @notice What the result says of a coordinate; of an absent leaf, whether there is anything.
    @return The value, and the position behind its path.
    """
    leaves: uint256 = self._leaves(p, NEW_MODEL)
    depth: uint256 = merkle._depth(leaves)
    leaf: uint256 = coordinate // MODEL_COORDINATES
    assert leaf < 1 << depth, "evidence: no such coordinate"
    if leaf < leaves:
        end: uint256 = merkle._check_chunk(root, empty(bytes32), leaf, at, depth)
        return self._model_value(coordinate, at), end
    absent: bytes32 = convert(merkle._ending(at + 32), bytes32)
    assert merkle._climb(absent, leaf, at + 32, depth) == root, "merkle: not a leaf of the tree"
    return convert(absent != empty(bytes32), int256), at


@internal
@view
def _model_value(coordinate: uint256, at: uint256) -> int256:
    return merkle._value(at, merkle.MODEL_BYTES * (coordinate % MODEL_COORDINATES), merkle.MODEL_BYTES)


@internal
@view
def _recompute(
    p: parameters.Parameters,
    round: uint256,
    coordinate: uint256,
    parent: bytes32,
    roots: bytes32[evidence.SEATS],
    given: uint256[evidence.SEATS],
    start: uint256,
) -> int256:
    """
    @notice What follows for a coordinate from the model before, the updates and the coefficients.
    """
    old_root: bytes32 = evidence._old_root(msg.sender, p.genesis, parent, REFUTATION_AT + 96)
    depth: uint256 = merkle._depth(self._leaves(p, OLD_MODEL))
    at: uint256 = merkle._check_chunk(old_root, empty(bytes32), coordinate // MODEL_COORDINATES, start, depth)
    old: int256 = self._model_value(coordinate, start)

    pairs: uint256[evidence.SEATS] = given
    total: uint256 = 0
    for pair: uint256 in pairs:
        total += pair & (2**32 - 1)
    trimmed: uint256 = arithmetic._trimmed(total, p.trim_bps)
    depth = merkle._depth(self._leaves(p, 0))
    leaf: uint256 = coordinate * p.update_bytes // merkle.LEAF_BYTES
    first: uint256 = coordinate * p.update_bytes % merkle.LEAF_BYTES
    below: uint256 = 0
    last: int256 = min_value(int256)
    kept: int256 = 0
    for _: uint256 in range(evidence.SEATS):
        if below == total:
            break
        at += 1
        seat: uint256 = merkle._ending(at) & 255
        weight: uint256 = pairs[seat] & (2**32 - 1)
        coordinate_of: int256 = merkle._value(at, first, p.update_bytes)
        shortened: int256 = arithmetic._shorten(coordinate_of, pairs[seat] >> 32)
        # A seat that has come before has no weight any more.
        is_next: bool = weight != 0 and (trimmed == 0 or shortened >= last)
        assert is_next, "evidence: not each seat once, in ascending order"
        pairs[seat] = 0
        last = shortened
        at = merkle._check_chunk(roots[seat], evidence._tag(msg.sender, round, seat), leaf, at, depth)
        kept += shortened * arithmetic._overlap(below, weight, trimmed, total)
        below += weight
    return arithmetic._move(old, kept, total - 2 * trimmed, p.model_bits - p.update_bits)
