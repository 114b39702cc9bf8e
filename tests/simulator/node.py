"""One peer's node: the chain as it sees it, told in JSON-RPC, late, twofold, wrong about
nothing but the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from web3.exceptions import ContractLogicError

from chain.errors import Gone, Unreachable
from chain.federation import Federation
from chain.types import Block, Logged, Parameters

from .chain import TIP_WEI, SimulatedBlock
from .faults import Fault
from .transactions import read_transaction

if TYPE_CHECKING:
    from .participant import Participant
    from .world import World

CHAIN_ID = 31337
ENOUGH_GAS = 400_000
"""For any call here; what calls really cost is measured elsewhere."""


class Node:
    """Answers one participant. `sees_lost`: whether it still tells of blocks that a re-org took."""

    def __init__(self, world: World, owner: Participant) -> None:
        self._world = world
        self._owner = owner
        self.head = world.chain.head
        self._known = {block.hash: block for block in self.head.branch()}
        self._sees_lost = world.chance(0.5)
        self._calls_ahead = world.chance(0.5)
        """Whether a call is made at the time of the block to come, and not of the latest."""

    def see(self, head: SimulatedBlock) -> None:
        """Hear of a new head and of all that it stands on."""
        for block in head.branch():
            if block.hash in self._known:
                break
            self._known[block.hash] = block
        self.head = head
        if not self._sees_lost:
            self._known = {block.hash: block for block in head.branch()}

    def make_request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        """Answer as JSON-RPC does. Raises Unreachable."""
        if self._world.strikes(Fault.NODE_DOWN, self._owner, 1.0):
            raise Unreachable("the simulated node", "no connection")
        answer: dict[str, Any] = getattr(self, "_" + method)(*params)
        if self._world.strikes(Fault.ANSWER_LOST, self._owner, 0.15):
            raise Unreachable("the simulated node", "a broken connection")
        return answer

    # Transactions -------------------------------------------------------------------------

    def _eth_sendRawTransaction(self, raw: str) -> dict[str, Any]:
        transaction = read_transaction(bytes.fromhex(raw[2:]))
        self._world.witness.note_sent(self._owner, transaction)
        self._owner.touch("node.send", is_after=False)
        said = self._world.desk.submit(self._owner, transaction)
        self._owner.touch("node.send", is_after=True)
        if said is not None:
            return _refuse(said)
        return {"result": "0x" + transaction.hash.hex()}

    def _eth_getTransactionCount(self, address: str, when: str) -> dict[str, Any]:
        nonce = self.head.nonces.get(address, 0)
        if when == "pending":
            nonce = self._world.chain.count_pending(address, nonce)
        return {"result": hex(nonce)}

    def _eth_getTransactionReceipt(self, name: str) -> dict[str, Any]:
        block = self._find_mined(name)
        if block is None:
            return {"result": None}
        outcome = block.outcomes[bytes.fromhex(name[2:])]
        return {
            "result": {
                "blockNumber": hex(block.number),
                "status": "0x0" if outcome else "0x1",
                "transactionHash": name,
                "gasUsed": hex(100_000),
            }
        }

    def _eth_getTransactionByHash(self, name: str) -> dict[str, Any]:
        wanted = bytes.fromhex(name[2:])
        is_known = self._find_mined(name) is not None or self._world.desk.is_waiting(wanted)
        return {"result": {"hash": name} if is_known else None}

    def _find_mined(self, name: str) -> SimulatedBlock | None:
        for block in self._world.chain.mined_in.get(bytes.fromhex(name[2:]), ()):
            if self.head.number >= block.number and self.head.ancestor(block.number) is block:
                return block
        return None

    def _eth_call(self, message: dict[str, Any], which: object) -> dict[str, Any]:
        at = self.head
        if isinstance(which, int):
            found = self.head.ancestor(which)
            if found is None:
                return _refuse("unknown block")
            at = found
        now = at.timestamp
        if self._calls_ahead and which == "latest":
            now = max(at.timestamp + 1, self._world.schedule.now)
        value = message.get("value", 0)
        reason = self._world.chain.try_call(at, now, message["from"], message["data"], value)
        return {"result": "0x"} if reason is None else _refuse(f"execution reverted: {reason}")

    # Blocks -------------------------------------------------------------------------------

    def _eth_getBlockByNumber(self, which: str, _: bool) -> dict[str, Any]:
        if which != "latest":
            return _show(self.head.ancestor(int(which, 16)))
        head = self.head
        if self._world.strikes(Fault.NODE_FLAP, self._owner, 0.4):
            # Another of its backends answers, which is a block or two behind.
            head = self.head.ancestor(max(1, self.head.number - 2)) or head
        return _show(head)

    def _eth_getBlockByHash(self, name: str, _: bool) -> dict[str, Any]:
        return _show(self._known.get(bytes.fromhex(name[2:])))

    def _eth_maxPriorityFeePerGas(self) -> dict[str, Any]:
        return {"result": hex(TIP_WEI)}

    def get_events_of(self, block: Block) -> list[Logged]:
        """Return a block's events. Raises Gone, Unreachable."""
        if self._world.strikes(Fault.NODE_DOWN, self._owner, 1.0):
            raise Unreachable("the simulated node", "no connection")
        found = self._known.get(block.hash)
        if found is None:
            raise Gone(block.number)
        return list(found.events)

    def get_events(self, first: int, last: int) -> list[Logged]:
        """Return events by range. Raises Unreachable."""
        if self._world.strikes(Fault.NODE_DOWN, self._owner, 1.0):
            raise Unreachable("the simulated node", "no connection")
        blocks = [block for block in self.head.branch() if first <= block.number <= last]
        return [logged for block in reversed(blocks) for logged in block.events]


def _refuse(words: str) -> dict[str, Any]:
    return {"error": {"code": -32000, "message": words}}


def _show(block: SimulatedBlock | None) -> dict[str, Any]:
    if block is None:
        return {"result": None}
    parent = block.parent.hash if block.parent else bytes(32)
    return {
        "result": {
            "number": hex(block.number),
            "hash": "0x" + block.hash.hex(),
            "parentHash": "0x" + parent.hex(),
            "timestamp": hex(block.timestamp),
            "baseFeePerGas": hex(block.base_fee),
        }
    }


class _Eth:
    """The few things that a sender asks of web3 itself."""

    chain_id = CHAIN_ID

    def __init__(self, provider: Node) -> None:
        self._provider = provider

    def call(self, message: dict[str, Any], which: object = "latest") -> bytes:
        answer = self._provider.make_request("eth_call", [message, which])
        if "error" in answer:
            raise ContractLogicError(answer["error"]["message"])
        return b""

    def estimate_gas(self, message: dict[str, Any]) -> int:
        self.call(message)
        return ENOUGH_GAS


@dataclass
class LightWeb3:
    """As much of web3 as the chain room uses here; the whole takes a millisecond for a call."""

    provider: Node

    def __post_init__(self) -> None:
        self.eth = _Eth(self.provider)


class SimulatedFederation(Federation):
    """A federation whose events come typed: ABI coding of logs has its own tests."""

    def __init__(self, node: Node, address: str, parameters: Parameters) -> None:
        self.web3 = LightWeb3(node)  # type: ignore[assignment]
        self.address = address
        self.chain_id = CHAIN_ID
        self._parameters = parameters
        self._node = node

    def get_parameters(self, at: object = None) -> Parameters:
        return self._parameters

    def get_events_of(self, block: Block) -> list[Logged]:
        return self._node.get_events_of(block)

    def get_events(self, first: int, last: int) -> list[Logged]:
        return self._node.get_events(first, last)
