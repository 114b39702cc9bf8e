"""Drive a development chain by hand: when it mines, at what time, and nothing more.

The method names are those that anvil and hardhat share, so that a simulation runs on any of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from web3 import Web3

from chain.errors import NotDevelopment, OtherMiner, Refused
from chain.rpc import ask, get_block
from chain.types import Block, Clock


class Mining:
    """Blocks on demand. Raises NotDevelopment where the node does not let them be made.

    `clock` tells the time of a node that has another clock than we, which must then have no other
    miner: raises OtherMiner.
    """

    def __init__(self, web3: Web3, clock: Clock | None = None) -> None:
        self._web3 = web3
        self._clock = clock
        self._last: Block | None = None

    def hold(self) -> None:
        """Let transactions wait until `mine`."""
        _request(self._web3, "evm_setAutomine", False)
        if self._clock is not None:
            self._last = self._get_latest()

    def release(self) -> None:
        """Let transactions be mined as they come, until `hold`."""
        self._last = None
        _request(self._web3, "evm_setAutomine", True)

    def mine(self) -> int:
        """Mine one block with all that waits, and return the gas that it used."""
        if self._clock is None:
            _request(self._web3, "evm_mine")
        else:
            self._mine_at(self._clock())
        return int(ask(self._web3, "eth_getBlockByNumber", "latest", False)["gasUsed"], 16)

    def _mine_at(self, now: int) -> None:
        head = self._get_latest()
        if self._last is not None and head.hash != self._last.hash:
            raise OtherMiner(self._last.number, head.number)
        # As the embedded chain has it: a block is at least a second later than its parent.
        _request(self._web3, "evm_mine", max(now, head.timestamp + 1))
        self._last = self._get_latest()
        if self._last.parent != head.hash:
            raise OtherMiner(head.number, self._last.number)

    def _get_latest(self) -> Block:
        latest = get_block(self._web3, "latest")
        assert latest is not None, "every chain has a latest block"
        return latest


@contextmanager
def keep_automine(web3: Web3) -> Iterator[None]:
    """Leave a node mining in the end as it does now, by itself or not. Raises NotDevelopment."""
    is_on = _request(web3, "hardhat_getAutomine")
    try:
        interval = ask(web3, "anvil_getIntervalMining")
    except Refused:
        # Only anvil tells, and only anvil forgets its interval when told to hold.
        interval = None
    try:
        yield
    finally:
        if interval:
            _request(web3, "evm_setIntervalMining", interval)
        else:
            _request(web3, "evm_setAutomine", is_on)


def _request(web3: Web3, method: str, *arguments: object) -> Any:
    try:
        return ask(web3, method, *arguments)
    except Refused as error:
        raise NotDevelopment(method, str(error.got)) from error
