"""Questions to a node in JSON-RPC, its answers as they stand in JSON.

web3's formatters turn every answer into objects of their own; for what is asked once for every
block and every vote that took longer than all else together.
"""

from typing import Any

from web3 import Web3
from web3.types import RPCEndpoint

from chain.errors import Refused
from chain.types import Block


def ask(web3: Web3, method: str, *arguments: object) -> Any:
    """Return a node's answer as it stands in JSON. Raises Refused, with the node's own words."""
    answer = web3.provider.make_request(RPCEndpoint(method), list(arguments))
    if "error" in answer:
        raise Refused(method, answer["error"]["message"])
    return answer["result"]


def get_block(web3: Web3, which: int | str | bytes) -> Block | None:
    """Return the identity of a block, given its number, hash or tag; None where the node has no
    such block. Raises Refused."""
    if isinstance(which, bytes):
        block = ask(web3, "eth_getBlockByHash", "0x" + which.hex(), False)
    else:
        name = which if isinstance(which, str) else hex(which)
        block = ask(web3, "eth_getBlockByNumber", name, False)
    if block is None:
        return None
    return Block(
        number=int(block["number"], 16),
        hash=bytes.fromhex(block["hash"][2:]),
        parent=bytes.fromhex(block["parentHash"][2:]),
        timestamp=int(block["timestamp"], 16),
    )
