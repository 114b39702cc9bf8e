"""The admission list: its Merkle root, and the proof that an address is on it. Pure.

leaf = keccak256(abi.encode(address)), node = keccak256(abi.encode(lower, higher)); leaves are
sorted and unique, so the root depends on the set alone. A node without a neighbour moves up as it
is.
"""

from collections.abc import Iterable

from chain.errors import ListRefused
from chain.keys import hash_words

OPEN = bytes(32)
"""The root of a federation that anybody may join."""

ADDRESS_BYTES = 20


def compute_leaf(address: str) -> bytes:
    """Return the leaf of an address in 0x hex. Raises ListRefused."""
    try:
        number = bytes.fromhex(address.removeprefix("0x"))
    except ValueError as error:
        raise ListRefused("an address in 0x hex", repr(address)) from error
    if not address.startswith("0x") or len(number) != ADDRESS_BYTES:
        raise ListRefused("an address of 20 bytes in 0x hex", repr(address))
    return hash_words(int.from_bytes(number, "big"))


def compute_admission_root(addresses: Iterable[str]) -> bytes:
    """Return the root of a list of addresses, whatever their order and case.

    Raises ListRefused for an empty list: there is no root that admits nobody, and the zero root
    admits everybody.
    """
    return _levels(addresses)[-1][0]


def compute_admission_proof(addresses: Iterable[str], address: str) -> tuple[bytes, ...]:
    """Return what `join` is to be given from `address`: the siblings from its leaf to the root.

    Raises ListRefused for an address that is not on the list.
    """
    levels = _levels(addresses)
    node = compute_leaf(address)
    if node not in levels[0]:
        raise ListRefused(f"one of the {len(levels[0])} addresses on the list", address)
    index, proof = levels[0].index(node), []
    for level in levels[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        index //= 2
    return tuple(proof)


def _levels(addresses: Iterable[str]) -> list[list[bytes]]:
    """Return the nodes, level by level from the leaves to the root."""
    leaves = sorted({compute_leaf(address) for address in addresses})
    if not leaves:
        raise ListRefused("a list of at least one address", "an empty one")
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = [sorted(below[i : i + 2]) for i in range(0, len(below), 2)]
        levels.append([hash_words(*pair) if len(pair) == 2 else pair[0] for pair in pairs])
    return levels
