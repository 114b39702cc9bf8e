"""The committed artifact: the image of the sources, and small enough for a chain."""

import ast
import json
import re
from pathlib import Path

import pytest
from federation_lab import Lab

from chain.federation import FUNCTIONS
from contracts import load_artifact
from contracts.build import ARTIFACT, HERE, compile_artifact

CODE_LIMIT_BYTES = 24_576
"""EIP-170."""
INITCODE_LIMIT_BYTES = 49_152
"""EIP-3860."""


@pytest.mark.slow  # `make check` compiles it, too
def test_artifact__compiled_afresh__is_the_committed_one() -> None:
    assert compile_artifact() == ARTIFACT.read_text(), "run `make contract`"


def test_artifact__deployed__fits_a_contract(lab: Lab) -> None:
    size = len(lab.web3.eth.get_code(lab.federation.address))
    room = CODE_LIMIT_BYTES - size
    # Signed batches are still to come.
    assert room > 700, f"runtime code of {size} bytes leaves {room} of {CODE_LIMIT_BYTES}"


def test_artifact__creation__fits_a_transaction() -> None:
    size = len(bytes.fromhex(load_artifact().bytecode[2:]))
    assert size < INITCODE_LIMIT_BYTES


def test_load_artifact__the_committed_file__names_its_compiler() -> None:
    artifact = load_artifact()
    assert artifact.abi == json.loads(ARTIFACT.read_text())["abi"]
    assert artifact.compiler == "vyper 0.4.3 -O gas --evm-version prague"


FUNCTION = re.compile(
    r'^@(?:external|deploy)\n(?:@\w+\n)*(def (\w+)\([^@]*?:\n)    """(.*?)"""', re.M | re.S
)
"""Head, name and NatSpec of a function that is called from outside."""
TEXTS = {
    match[2]: (match[1], match[3])
    for path in sorted(HERE.rglob("*.vy"))
    for match in FUNCTION.finditer(path.read_text())
}


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, "__init__"}))
def test_natspec__each_external_function__tells_what_it_does_takes_and_returns(name: str) -> None:
    head, text = TEXTS[name]
    # A head in Vyper is one in Python, but for this.
    arguments = ast.parse(f"{head}    ...").body[0].args.args  # type: ignore[attr-defined]
    assert "@notice" in text
    assert re.findall(r"@param (\w+) \w", text) == [each.arg for each in arguments]
    assert ("@return" in text) == ("->" in head)


def test_layout__in_the_protocol__is_the_compilers() -> None:
    from vyper.cli.vyper_compile import compile_files

    source = str(HERE / "federation.vy")
    (built,) = compile_files([source], ["layout"], paths=[str(HERE)]).values()
    slots = [
        (kept["slot"], kept["n_slots"], f"{module}.{name}")
        for module, names in built["layout"]["storage_layout"].items()
        for name, kept in names.items()
    ]
    text = (Path(HERE).parent / "docs" / "protocol.md").read_text()
    drawn = re.findall(r"^ +(\d+)(?: to (\d+))? +`?(\w+\.\w+)", text, re.M)
    assert [
        (int(first), int(last or first) - int(first) + 1, name) for first, last, name in drawn
    ] == sorted(slots)
