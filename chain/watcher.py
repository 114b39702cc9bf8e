"""A cursor over events that survives re-orgs: back to the common ancestor, and read again.

Subscriptions are no more than a wake-up, since a node does not tell what a re-org took away; the
truth is in `eth_getLogs` and in the hashes of the blocks that were read.
"""

from collections import deque
from dataclasses import dataclass

from chain.errors import Gone
from chain.federation import Federation
from chain.rpc import get_block
from chain.types import Block, Logged

REMEMBERED_BLOCKS = 256
"""How far back a re-org is followed; a deeper one re-reads from the creation."""
RANGE_BLOCKS = 2_000
"""Blocks in one `eth_getLogs`: what common nodes allow."""


@dataclass(frozen=True)
class Batch:
    """What a poll brought: first undo everything after block `keep`, then apply `events`."""

    keep: int
    events: tuple[Logged, ...]
    block: Block


class Watcher:
    """Reads a federation's events block by block, each exactly once on the chain that counts."""

    def __init__(self, federation: Federation, *, created_at: int) -> None:
        self._federation = federation
        self._created_at = created_at
        self._seen: deque[Block] = deque(maxlen=REMEMBERED_BLOCKS)

    def poll(self) -> Batch | None:
        """Return what happened since the last poll; None: nothing.

        What was read is only believed if the latest block is still on the chain afterwards.
        """
        web3 = self._federation.web3
        latest = get_block(web3, "latest")
        if latest is None or (self._seen and self._seen[-1].hash == latest.hash):
            return None
        keep = self._find_ancestor()
        if keep >= latest.number or self._is_lagging(keep, latest):
            return None
        last = min(latest.number, keep + RANGE_BLOCKS)
        try:
            events = self._federation.get_events(keep + 1, last)
        except Gone:
            return None
        block = latest if last == latest.number else get_block(web3, last)
        again = get_block(web3, latest.number)
        if block is None or again is None or again.hash != latest.hash:
            return None
        while self._seen and self._seen[-1].number > keep:
            self._seen.pop()
        self._seen.append(block)
        return Batch(keep, tuple(events), block)

    def _find_ancestor(self) -> int:
        """Return the number of the last block read that is still on the chain."""
        for block in reversed(self._seen):
            now = get_block(self._federation.web3, block.number)
            if now is not None and now.hash == block.hash:
                return block.number
        return self._created_at - 1

    def _is_lagging(self, keep: int, latest: Block) -> bool:
        """Return whether the node is behind what it told before, with no sign of a re-org.

        Then it is waited for: to go back with it would tell the same events twice.
        """
        if not self._seen or latest.number >= self._seen[-1].number:
            return False
        return not any(keep < block.number <= latest.number for block in self._seen)
