"""From the committed artifact to an address."""

from dataclasses import dataclass

from eth_abi.abi import encode
from web3 import Web3

from chain.errors import Reverted
from chain.federation import Call, Federation, abi_type, encode_parameters
from chain.sender import Receipt, Sender
from chain.types import Parameters
from contracts import load_artifact

NO_ADDRESS = ""
"""A creation goes to nobody."""
NOBODY = "0x" + "00" * 20
JUDGE = "judge"
"""What a call is named that creates one, on disk too: a founding goes on from there."""
NO_JUDGE = "disputes: not the judge"


@dataclass(frozen=True)
class Deployment:
    """A federation and the block that created it, where its history starts."""

    federation: Federation
    block: int
    gas_used: int


def deploy(
    web3: Web3, sender: Sender, spec: bytes, parameters: Parameters, judge: str | None = None
) -> Deployment:
    """Create a federation and return it, with a judge of its own unless one is named.

    Raises ParametersRefused with the contract's own reason where a guarantee would not hold;
    nothing is sent then.
    """
    if judge is None:
        check_parameters(sender, spec, parameters)
        judge = sender.send(build_judge()).contract
        assert judge is not None, "a mined creation has an address"
    return read_creation(web3, sender.send(build_creation(spec, parameters, judge)))


def check_parameters(sender: Sender, spec: bytes, parameters: Parameters) -> None:
    """Raise what a creation would, had it a judge: that is the last thing it looks at."""
    try:
        sender.send(build_creation(spec, parameters, NOBODY))
    except Reverted as error:
        if error.got != NO_JUDGE:
            raise
    else:
        raise AssertionError("a creation without a judge is refused")


def build_judge() -> Call:
    """Return the transaction that creates a judge, as its function JUDGE says."""
    return Call(JUDGE, NO_ADDRESS, bytes.fromhex(load_artifact().judge.removeprefix("0x")))


def build_creation(spec: bytes, parameters: Parameters, judge: str) -> Call:
    """Return the transaction that creates a federation, before anybody signs it."""
    artifact = load_artifact()
    constructor = next(e for e in artifact.abi if e["type"] == "constructor")
    types = [abi_type(i) for i in constructor["inputs"]]
    arguments = encode(types, [spec, encode_parameters(parameters), judge])
    code = bytes.fromhex(artifact.bytecode.removeprefix("0x"))
    return Call("constructor", NO_ADDRESS, code + arguments)


def read_creation(web3: Web3, receipt: Receipt) -> Deployment:
    """Return what a mined creation has made."""
    assert receipt.contract is not None, "a mined creation has an address"
    return Deployment(Federation(web3, receipt.contract), receipt.block, receipt.gas_used)
