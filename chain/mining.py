"""Drive a development chain by hand: when it mines, and nothing more.

The method names are those that anvil and hardhat share, so that a simulation runs on any of them.
"""

from web3 import Web3
from web3.types import RPCEndpoint

from chain.errors import ChainError


class Mining:
    """Blocks on demand. Raises ChainError where the node is no development chain."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3

    def hold(self) -> None:
        """Let transactions wait until `mine`."""
        self._request("evm_setAutomine", False)

    def mine(self) -> int:
        """Mine one block with all that waits, and return the gas that it used."""
        self._request("evm_mine")
        return self._web3.eth.get_block("latest")["gasUsed"]

    def _request(self, method: str, *arguments: object) -> None:
        answer = self._web3.provider.make_request(RPCEndpoint(method), list(arguments))
        if "error" in answer:
            raise ChainError(
                f"chain: expected a development chain that answers {method}, got {answer['error']}",
                expected=method,
                got=answer["error"],
            )
