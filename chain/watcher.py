"""A cursor over events that survives re-orgs: back to the common ancestor, and read again.

Subscriptions are no more than a wake-up, since a node does not tell what a re-org took away; the
truth is in `eth_getLogs` and in the hashes of the blocks that were read.

Near the head a block is read by its hash (EIP-234), and each is the parent of the one after it. So
what is believed is of one chain, even if the node changes its mind between two questions, or is in
truth several nodes of which some lag behind: none answers for a block that it does not have. Far
from the head blocks are read by the range, which is quicker, and no node lags as far as that.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from chain.errors import Gone, Refused
from chain.federation import Federation
from chain.history import REMEMBERED_BLOCKS
from chain.rpc import get_block
from chain.types import Block, Logged

RANGE_BLOCKS = 2_000
"""Blocks in one `eth_getLogs`: what common nodes allow."""
NEAR_BLOCKS = 64
"""Blocks that are read one by one: two epochs, after which Ethereum takes nothing back."""


@dataclass(frozen=True)
class Batch:
    """What a poll brought: first undo everything after block `keep`, then apply `events`.

    `blocks` are those whose hashes are known, ascending: all, or of a long range the last.
    """

    keep: int
    events: tuple[Logged, ...]
    blocks: tuple[Block, ...]


class Watcher:
    """Reads a federation's events block by block, each exactly once on the chain that counts.

    `confirmations`: so many blocks below the newest one it stops. `seen`: blocks that were read in
    an earlier life, ascending.
    """

    def __init__(
        self,
        federation: Federation,
        *,
        created_at: int,
        confirmations: int = 0,
        seen: Iterable[Block] = (),
    ) -> None:
        self._federation = federation
        self._created_at = created_at
        self._confirmations = confirmations
        self._seen: deque[Block] = deque(seen, maxlen=REMEMBERED_BLOCKS)
        self._range = RANGE_BLOCKS

    def poll(self) -> Batch | None:
        """Return what happened since the last poll; None: nothing that can be believed yet."""
        latest = self._get_latest()
        if latest is None or latest.number < self._created_at or self._has_seen(latest):
            return None
        try:
            branch = self._walk_back(latest)
            if branch is not None:
                return self._read_branch(branch)
            return None if self._is_lagging(latest) else self._read_range(latest)
        except Gone:
            return None

    def _get_latest(self) -> Block | None:
        """Return the newest block that has its confirmations."""
        web3 = self._federation.web3
        latest = get_block(web3, "latest")
        if latest is None or self._confirmations == 0:
            return latest
        return get_block(web3, max(0, latest.number - self._confirmations))

    def _has_seen(self, block: Block) -> bool:
        """Whether the block was read: it is the last one, or the node lags behind it."""
        return any(block.hash == seen.hash for seen in reversed(self._seen))

    def _walk_back(self, latest: Block) -> list[Block] | None:
        """Return the blocks up to `latest` that were not read yet, ascending.

        None where they are more than NEAR_BLOCKS. Raises Gone where one vanishes meanwhile.
        """
        seen = {block.hash for block in self._seen}
        branch = [latest]
        while branch[-1].parent not in seen and branch[-1].number > self._created_at:
            if len(branch) == NEAR_BLOCKS or self._is_far(latest):
                return None
            parent = get_block(self._federation.web3, branch[-1].parent)
            if parent is None:
                raise Gone(branch[-1].number - 1)
            branch.append(parent)
        return branch[::-1]

    def _is_far(self, latest: Block) -> bool:
        """Whether a walk back cannot end at anything that was read."""
        last = self._seen[-1].number if self._seen else self._created_at - 1
        first = self._seen[0].number if self._seen else 0
        return latest.number - last > NEAR_BLOCKS or latest.number < first

    def _read_branch(self, branch: list[Block]) -> Batch:
        """Return the events of blocks that stand on a block which was read, or on the creation."""
        events = [e for block in branch for e in self._federation.get_events_of(block)]
        keep = branch[0].number - 1
        self.forget_after(keep)
        self._seen.extend(branch)
        return Batch(keep, tuple(events), tuple(branch))

    def _read_range(self, latest: Block) -> Batch:
        """Return the events of many blocks, up to those that are near.

        They are only believed if the latest block is still on the chain afterwards. Raises Gone.
        """
        web3 = self._federation.web3
        keep = self._find_ancestor()
        last = max(keep + 1, latest.number - NEAR_BLOCKS)
        events, last = self._get_events(keep + 1, last)
        block, again = get_block(web3, last), get_block(web3, latest.number)
        if block is None or again is None or again.hash != latest.hash:
            raise Gone(latest.number)
        self.forget_after(keep)
        self._seen.append(block)
        return Batch(keep, tuple(events), (block,))

    def _get_events(self, first: int, last: int) -> tuple[list[Logged], int]:
        """Return events from block `first` on and the last block that they are of.

        Nodes allow ranges of different lengths, so what is refused is asked again by halves.
        """
        while True:
            end = min(last, first + self._range - 1)
            try:
                events = self._federation.get_events(first, end)
            except Refused:
                if end == first:
                    self._range = RANGE_BLOCKS
                    raise
                self._range = (end - first + 1) // 2
            else:
                # What was refused may have been a node that was busy.
                self._range = min(RANGE_BLOCKS, self._range + self._range // 8 + 1)
                return events, end

    def _find_ancestor(self) -> int:
        """Return the number of the last block read that is still on the chain."""
        for block in reversed(self._seen):
            now = get_block(self._federation.web3, block.number)
            if now is not None and now.hash == block.hash:
                return block.number
        return self._created_at - 1

    def forget_after(self, keep: int) -> None:
        """Take the blocks after `keep` as not read."""
        while self._seen and self._seen[-1].number > keep:
            self._seen.pop()

    def _is_lagging(self, latest: Block) -> bool:
        """Return whether the node is behind all that was read, with no sign of a re-org.

        Then it is waited for: to go back with it would tell the same events twice.
        """
        return bool(self._seen) and latest.number < self._seen[0].number
