"""One deployed federation: typed reads pinned to a block, calls as values, events decoded.

Nothing here sends; `chain.sender` does. ABI coding is done against the committed artifact with
eth_abi (https://docs.soliditylang.org/en/latest/abi-spec.html), which costs a tenth of web3's
contract objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3Exception

from chain import types
from chain.errors import Gone, NoContract, NoHistory, Refused, Reverted, revert_error
from chain.rpc import ask, get_block
from chain.states import OpenRound, SeatState
from chain.types import Block, Created, Event, Key, Logged, Parameters, Position, RoundId, Seat, Wei
from contracts import load_artifact

_UNKNOWN_BLOCK = ("unknown block", "not found", "cannot be found")
"""What nodes say of a block that they do not have: geth and anvil, erigon and reth, nethermind."""
BlockId = int | bytes
"""A block's number, or its hash: what a read is pinned to."""


@dataclass(frozen=True)
class Call:
    """A transaction's content before anybody signs it."""

    function: str
    to: str
    data: bytes
    value_wei: Wei = Wei(0)


def abi_type(entry: dict[str, Any]) -> str:
    """Return an ABI entry's type as eth_abi spells it, tuples written out."""
    if entry["type"].startswith("tuple"):
        inner = ",".join(abi_type(part) for part in entry["components"])
        return f"({inner}){entry['type'][len('tuple') :]}"
    return str(entry["type"])


def _entries(kind: str) -> dict[str, dict[str, Any]]:
    return {e["name"]: e for e in load_artifact().abi if e["type"] == kind}


def _signature(entry: dict[str, Any]) -> bytes:
    return keccak(f"{entry['name']}({','.join(map(abi_type, entry['inputs']))})".encode())


FUNCTIONS = _entries("function")
SELECTORS = {name: _signature(entry)[:4] for name, entry in FUNCTIONS.items()}
INPUTS = {name: [abi_type(i) for i in entry["inputs"]] for name, entry in FUNCTIONS.items()}
OUTPUTS = {name: [abi_type(o) for o in entry["outputs"]] for name, entry in FUNCTIONS.items()}
EVENTS = {_signature(entry): entry for entry in _entries("event").values()}


def encode_call(function: str, arguments: Sequence[object]) -> bytes:
    """Return the calldata of a function of the contract."""
    return SELECTORS[function] + encode(INPUTS[function], arguments)


def encode_parameters(parameters: Parameters) -> tuple[object, ...]:
    """Return the parameters in the order of the contract's struct."""
    return tuple(getattr(parameters, f.name) for f in fields(parameters))


def _decode_parameters(values: Sequence[object]) -> Parameters:
    return Parameters(*cast(Any, values))


def decode_event(topics: Sequence[bytes], data: bytes) -> Event:
    """Return a log of the contract as its typed event."""
    entry = EVENTS[topics[0]]
    indexed = [i for i in entry["inputs"] if i["indexed"]]
    plain = [i for i in entry["inputs"] if not i["indexed"]]
    values = {
        i["name"]: decode([i["type"]], topic)[0]
        for i, topic in zip(indexed, topics[1:], strict=True)
    }
    # Texts are whatever bytes somebody has sent, and one event must not end all who read it.
    parts = decode(["bytes" if i["type"] == "string" else abi_type(i) for i in plain], data)
    values |= {
        i["name"]: part.decode(errors="replace") if i["type"] == "string" else part
        for i, part in zip(plain, parts, strict=True)
    }
    if entry["name"] == "Created":
        values["parameters"] = _decode_parameters(values["parameters"])
    return cast(Event, getattr(types, entry["name"])(**values))


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _decode_log(log: dict[str, Any], timestamp: int) -> Logged:
    """Return a log as JSON-RPC has it; `timestamp` is its block's, in unix seconds."""
    at = Position(
        int(log["blockNumber"], 16), int(log["logIndex"], 16), _unhex(log["transactionHash"])
    )
    event = decode_event([_unhex(topic) for topic in log["topics"]], _unhex(log["data"]))
    return Logged(event, at, timestamp)


class Federation:
    """A federation at an address, read through one web3 connection."""

    def __init__(self, web3: Web3, address: str) -> None:
        self.web3 = web3
        self.address = Web3.to_checksum_address(address)
        self.chain_id = web3.eth.chain_id

    def check_exists(self) -> None:
        """Raise NoContract unless the address answers as a federation."""
        if not self.web3.eth.get_code(self.address):
            raise NoContract(self.address, "no code there")
        try:
            self.get_parameters()
        except (Reverted, DecodingError, Web3Exception) as error:
            raise NoContract(self.address, "another contract") from error

    def call(self, function: str, *arguments: object, value_wei: int = 0) -> Call:
        """Return a call of the contract as a value, to be sent by a `chain.sender`."""
        data = encode_call(function, arguments)
        return Call(function, self.address, data, Wei(value_wei))

    def read(self, function: str, *arguments: object, at: BlockId | None = None) -> Any:
        """Return what a view answers at a block (default: the latest)."""
        data = encode_call(function, arguments)
        block = "latest" if at is None else "0x" + at.hex() if isinstance(at, bytes) else at
        try:
            answer = self.web3.eth.call(
                {"to": self.address, "data": cast(Any, data)}, cast(Any, block)
            )
        except ContractLogicError as error:
            raise revert_error(str(error.message)) from error
        values = decode(OUTPUTS[function], bytes(answer))
        return values[0] if len(values) == 1 else values

    def get_balance(self, address: str) -> Wei:
        """Return what an address owns beside its stake, in wei."""
        return Wei(int(ask(self.web3, "eth_getBalance", address, "latest"), 16))

    def get_parameters(self, at: BlockId | None = None) -> Parameters:
        """Return what the federation was created with."""
        return _decode_parameters(self.read("terms", at=at))

    def get_judge(self, at: BlockId | None = None) -> str:
        """Return the address of the contract that says whether evidence holds."""
        return Web3.to_checksum_address(self.read("judge", at=at))

    def get_round(self, at: BlockId | None = None) -> OpenRound:
        """Return the open round, or the last one."""
        number, named, ends_at, power, active, _, ran = self.read("round", at=at)
        return OpenRound(RoundId(number), RoundId(named), ends_at, Wei(power), active, ran)

    def get_head(self, at: BlockId | None = None) -> tuple[Key, int, RoundId, int]:
        """Return key, height, round and time of agreement (unix seconds) of the head."""
        key, height, number, agreed_at, _ = self.read("head", at=at)
        return Key(key), height, RoundId(number), agreed_at

    def get_seat(self, seat: Seat, at: BlockId | None = None) -> SeatState:
        """Return a seat as it is stored; all zero: free."""
        return SeatState(*self.read("seat", seat, at=at))

    def get_row(
        self, parent: Key, round_id: RoundId, at: BlockId | None = None
    ) -> tuple[bytes, int, Wei]:
        """Return running hash, map and stake of the commitments to a round under `parent`."""
        running, word = self.read("row", parent, round_id, at=at)
        return running, word & (2**128 - 1), Wei(word >> 128)

    def get_tally(self, key: Key, at: BlockId | None = None) -> tuple[int, RoundId, Wei]:
        """Return map of voters, round and stake behind a key; all 0: never proposed."""
        voters, number, stake, _ = self.read("tally", key, at=at)
        return voters, RoundId(number), Wei(stake)

    def get_pool(self, at: BlockId | None = None) -> tuple[Wei, Wei]:
        """Return what was paid in for rewards, and what results have earned of it, paid or not."""
        funded, earned = self.read("pool", at=at)
        return Wei(funded), Wei(earned)

    def get_events(self, first: int, last: int) -> list[Logged]:
        """Return the contract's events in the blocks `first` to `last`, in the chain's order.

        Raises Gone where a re-org took one of the blocks meanwhile.
        """
        wanted = {"address": self.address, "fromBlock": hex(first), "toBlock": hex(last)}
        times: dict[int, int] = {}
        events = []
        for log in ask(self.web3, "eth_getLogs", wanted):
            number = int(log["blockNumber"], 16)
            if number not in times:
                times[number] = self._get_time(number)
            events.append(_decode_log(log, times[number]))
        return events

    def get_events_of(self, block: Block) -> list[Logged]:
        """Return the contract's events in one block, whatever chain it is on.

        Raises Gone where the node does not have the block (any more, or yet).
        """
        wanted = {"address": self.address, "blockHash": "0x" + block.hash.hex()}
        try:
            logs = ask(self.web3, "eth_getLogs", wanted)
        except Refused as error:
            # Who answers may not be who would answer for the block: a node can be several.
            is_unknown = any(words in str(error.got).lower() for words in _UNKNOWN_BLOCK)
            if is_unknown or get_block(self.web3, block.hash) is None:
                raise Gone(block.number) from error
            raise
        return [_decode_log(log, block.timestamp) for log in logs]

    def _get_time(self, number: int) -> int:
        block = get_block(self.web3, number)
        if block is None:
            raise Gone(number)
        return block.timestamp


def find_creation(federation: Federation) -> int:
    """Return the block that created a federation, the first one with code at its address.

    Asks for the code at about log2(blocks) blocks, so the node must keep old state, as the embedded
    chain does and archive nodes do. Raises NoHistory.
    """
    web3, address = federation.web3, federation.address
    first, last = 0, int(web3.eth.block_number)
    try:
        while first < last:
            middle = (first + last) // 2
            if web3.eth.get_code(address, middle):
                last = middle
            else:
                first = middle + 1
        events = federation.get_events(first, first)
    except (Gone, Refused, Web3Exception) as error:
        raise NoHistory(address, f"{error}") from error
    # Some nodes answer for state that they have dropped; the creation event is the proof.
    if not events or not isinstance(events[0].event, Created):
        raise NoHistory(address, f"no creation in block {first}")
    return first
