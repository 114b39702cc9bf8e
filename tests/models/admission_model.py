"""Lists of addresses that may join, as a tree written out level by level.

The contract folds a path up to the root. Here the whole tree is built, and a proof is right if it
is the path that the tree has, which is another way to say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from chain.keys import hash_words


def make_levels(addresses: Iterable[str]) -> list[list[bytes]]:
    """Return the levels of the tree, leaves first, root last."""
    levels = [sorted({make_leaf(address) for address in addresses})]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = [sorted(below[i : i + 2]) for i in range(0, len(below), 2)]
        levels.append([hash_words(*pair) if len(pair) == 2 else pair[0] for pair in pairs])
    return levels


def make_leaf(address: str) -> bytes:
    return hash_words(int(address, 16))


def make_root(addresses: Iterable[str]) -> bytes:
    """Return the root that a federation of these addresses is created with."""
    return make_levels(addresses)[-1][0]


def find_path(addresses: Iterable[str], address: str) -> list[bytes] | None:
    """Return the neighbours on the way from an address to the root; None: it is not listed."""
    levels, node = make_levels(addresses), make_leaf(address)
    if node not in levels[0]:
        return None
    path = []
    for level, above in pairwise(levels):
        place = level.index(node)
        neighbour = place ^ 1
        if neighbour < len(level):
            path.append(level[neighbour])
        node = above[place // 2]
    return path
