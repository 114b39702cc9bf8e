# pragma version 0.4.3
"""
@title Admission: who may take a seat
@license Apache-2.0
@notice A federation is open, or created with the Merkle root of a list of addresses, and then whoever joins
        proves that he is on it. The list itself is nobody's secret and no storage.
@dev    leaf = keccak256(abi.encode(address)), node = keccak256(abi.encode(lower, higher)). The children of a
        node are in ascending order, so a proof needs no directions. A leaf is made from 32 bytes and a node
        from 64, so that neither passes for the other.
"""

from modules import check
from modules import parameters

# Of a list as long as no list is: 2**32 addresses.
PROOF_NODES: constant(uint256) = 32

ROOT: immutable(bytes32)


@deploy
def __init__(root: bytes32):
    ROOT = root


@internal
@view
def _check(account: address, proof: DynArray[bytes32, PROOF_NODES]):
    """
    @notice Reverts unless the federation is open or `account` is on its list.
    @param proof The siblings on the way from the leaf to the root; of an open federation nothing is asked.
    """
    if ROOT == empty(bytes32):
        return
    node: bytes32 = keccak256(abi_encode(account))
    for sibling: bytes32 in proof:
        if convert(node, uint256) < convert(sibling, uint256):
            node = keccak256(abi_encode(node, sibling))
        else:
            node = keccak256(abi_encode(sibling, node))
    check._that(node == ROOT, "seats: not on the admission list")
