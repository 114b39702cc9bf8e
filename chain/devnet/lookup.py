"""From the block that a request names to the block itself."""

from __future__ import annotations

from chain.devnet.errors import Refused
from chain.devnet.evm import Block, Chain
from chain.devnet.params import BlockRef


def find_block(chain: Chain, reference: BlockRef) -> Block | None:
    """Return the block, None if the chain has none such; every tag but `earliest` is the head."""
    if reference.hash is not None:
        return chain.get_block_by_hash(reference.hash)
    if reference.number is not None:
        return chain.get_block(reference.number)
    if reference.tag == "earliest":
        return chain.get_block(0)
    return chain.head


def get_block(chain: Chain, reference: BlockRef) -> Block:
    """Return the block; raises `Refused`, "block not found"."""
    block = find_block(chain, reference)
    if block is None:
        raise Refused("block not found", expected="a block of this chain", got=reference)
    return block
