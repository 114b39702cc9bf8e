# pragma version 0.4.3
"""
@title Evidence: what stands where in the data of a refutation or an answer
@license Apache-2.0
@notice All is packed, integers big-endian, and read at positions that are counted from the beginning of the
        call's data alone, see `merkle`.
"""

from modules import merkle

# A commitment: root 32, seat 1, weight 12.
COMMITMENT_BYTES: constant(uint256) = 45
# A record as its key is the hash of it: six words, the model root the fifth.
RECORD_BYTES: constant(uint256) = 192
MODEL_ROOT_END: constant(uint256) = 160
COEFFICIENT_BYTES: constant(uint256) = 8
# As many as 128 coefficients.
PADDED_BYTES: constant(uint256) = 1024
SEATS: constant(uint256) = 128


@internal
@view
def _tag(federation: address, round: uint256, seat: uint256) -> bytes32:
    """
    @notice What is in every leaf of an update.
    """
    return keccak256(abi_encode(chain.id, federation, round, seat))


@internal
@view
def _old_root(federation: address, genesis: bytes32, parent: bytes32, at: uint256) -> bytes32:
    """
    @notice The root of the model before: of the parent's record at a position, or the first model's, and then
            whatever stands there.
    """
    if parent == keccak256(abi_encode(chain.id, federation, genesis)):
        return genesis
    assert keccak256(slice(msg.data, at, 192)) == parent, "evidence: not the parent's record"
    return convert(merkle._ending(at + MODEL_ROOT_END), bytes32)


@internal
@view
def _commitments(parent: bytes32, round: uint256, at: uint256) -> (bytes32, bytes32[SEATS], uint256):
    """
    @notice The running hash over the commitments at a position (their number in one byte, then each), the roots
            by seats, and the position behind.
    """
    end: uint256 = at + 1
    running: bytes32 = keccak256(abi_encode(parent, round))
    roots: bytes32[SEATS] = empty(bytes32[SEATS])
    for _: uint256 in range(merkle._ending(end) & 255, bound=SEATS):
        root: bytes32 = convert(merkle._ending(end + 32), bytes32)
        end += COMMITMENT_BYTES
        word: uint256 = merkle._ending(end)
        seat: uint256 = (word >> 96) & 255
        running = keccak256(abi_encode(running, seat, root, word & (2**96 - 1)))
        roots[seat] = root
    return running, roots, end


@internal
@view
def _coefficients(included: uint256, at: uint256) -> (bytes32, uint256[SEATS], uint256):
    """
    @notice The hash of the coefficients at a position, their pairs by seats, and the position behind.
    """
    end: uint256 = at
    pairs: uint256[SEATS] = empty(uint256[SEATS])
    for seat: uint256 in range(SEATS):
        if (included >> seat) & 1 != 0:
            end += COEFFICIENT_BYTES
            pairs[seat] = merkle._ending(end) & (2**64 - 1)
    hashed: bytes32 = keccak256(slice(slice(msg.data, at, 1024), 0, end - at))
    return hashed, pairs, end
