"""From the committed artifact to an address."""

from dataclasses import dataclass

from eth_abi.abi import encode
from web3 import Web3

from chain.federation import Call, Federation, abi_type, encode_parameters
from chain.sender import Receipt, Sender
from chain.types import Parameters
from contracts import load_artifact

NO_ADDRESS = ""
"""A creation goes to nobody."""


@dataclass(frozen=True)
class Deployment:
    """A federation and the block that created it, where its history starts."""

    federation: Federation
    block: int
    gas_used: int


def deploy(web3: Web3, sender: Sender, spec: bytes, parameters: Parameters) -> Deployment:
    """Create a federation and return it.

    Raises ParametersRefused with the contract's own reason where a guarantee would not hold;
    nothing is sent then.
    """
    call = build_creation(spec, parameters)
    return read_creation(web3, sender.send(call))


def build_creation(spec: bytes, parameters: Parameters) -> Call:
    """Return the transaction that creates a federation, before anybody signs it."""
    artifact = load_artifact()
    constructor = next(e for e in artifact.abi if e["type"] == "constructor")
    types = [abi_type(i) for i in constructor["inputs"]]
    arguments = encode(types, [spec, encode_parameters(parameters)])
    code = bytes.fromhex(artifact.bytecode.removeprefix("0x"))
    return Call("constructor", NO_ADDRESS, code + arguments)


def read_creation(web3: Web3, receipt: Receipt) -> Deployment:
    """Return what a mined creation has made."""
    assert receipt.contract is not None, "a mined creation has an address"
    return Deployment(Federation(web3, receipt.contract), receipt.block, receipt.gas_used)
