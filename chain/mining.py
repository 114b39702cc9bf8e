"""Drive a development chain by hand: when it mines, and nothing more.

The method names are those that anvil and hardhat share, so that a simulation runs on any of them.
"""

from web3 import Web3

from chain.errors import NotDevelopment, Refused
from chain.rpc import ask


class Mining:
    """Blocks on demand. Raises NotDevelopment where the node does not let them be made."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3

    def hold(self) -> None:
        """Let transactions wait until `mine`."""
        self._request("evm_setAutomine", False)

    def mine(self) -> int:
        """Mine one block with all that waits, and return the gas that it used."""
        self._request("evm_mine")
        return int(ask(self._web3, "eth_getBlockByNumber", "latest", False)["gasUsed"], 16)

    def _request(self, method: str, *arguments: object) -> None:
        try:
            ask(self._web3, method, *arguments)
        except Refused as error:
            raise NotDevelopment(method, str(error.got)) from error
