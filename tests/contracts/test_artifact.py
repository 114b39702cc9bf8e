"""The committed artifact: the image of the sources, and small enough for a chain."""

import json

from federation_lab import Lab

from contracts import load_artifact
from contracts.build import ARTIFACT, compile_artifact

CODE_LIMIT_BYTES = 24_576
"""EIP-170."""
INITCODE_LIMIT_BYTES = 49_152
"""EIP-3860."""


def test_artifact__compiled_afresh__is_the_committed_one() -> None:
    assert compile_artifact() == ARTIFACT.read_text(), "run `make contract`"


def test_artifact__deployed__fits_a_contract(lab: Lab) -> None:
    size = len(lab.web3.eth.get_code(lab.federation.address))
    room = CODE_LIMIT_BYTES - size
    # Disputes, rewards and signed batches are still to come.
    assert room > 7_400, f"runtime code of {size} bytes leaves {room} of {CODE_LIMIT_BYTES}"


def test_artifact__creation__fits_a_transaction() -> None:
    size = len(bytes.fromhex(load_artifact().bytecode[2:]))
    assert size < INITCODE_LIMIT_BYTES


def test_load_artifact__the_committed_file__names_its_compiler() -> None:
    artifact = load_artifact()
    assert artifact.abi == json.loads(ARTIFACT.read_text())["abi"]
    assert artifact.compiler == "vyper 0.4.3 -O gas --evm-version prague"
