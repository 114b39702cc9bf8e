"""Compile `federation.vy` and `judge.vy` into `federation.json`, or check that it is their image.

A federation accepts no other judge than the one whose code it knows by its hash. Run as
`python -m contracts.build [--check]`; only developers need the compiler.
"""

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

HERE = Path(__file__).parent
ARTIFACT = HERE / "federation.json"
KEEPER = Path("modules") / "disputes.vy"
"""Whose constant names the judge."""


class StaleJudge(Exception):
    """The sources name another judge than they hold."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"contracts: expected {KEEPER} to name the judge {expected}, got {got}")


def compile_artifact(folder: Path = HERE) -> str:
    """Return the exact text of the artifact of the sources in `folder`, compiled with `-O gas`.

    Raises StaleJudge where the judge was changed and its hash was not.
    """
    built = compile_source(folder, folder / "federation.vy", ["abi", "bytecode"])
    judge = compile_source(folder, folder / "judge.vy", ["bytecode", "bytecode_runtime"])
    expected = "0x" + keccak(bytes.fromhex(judge["bytecode_runtime"][2:])).hex()
    (got,) = re.findall(r"JUDGE_CODE: .* = (0x\w+)", (folder / KEEPER).read_text())
    if got != expected:
        raise StaleJudge(expected, got)
    artifact = {
        "abi": built["abi"],
        "bytecode": built["bytecode"],
        "judge": judge["bytecode"],
        "compiler": f"vyper {version('vyper')} -O gas --evm-version prague",
    }
    return json.dumps(artifact, indent=1) + "\n"


def compile_source(folder: Path, source: Path, outputs: list[str]) -> dict[str, Any]:
    """Return what the compiler says of one source; modules are looked for in `folder`."""
    from vyper.cli.vyper_compile import compile_files
    from vyper.compiler.settings import OptimizationLevel, Settings

    settings = Settings(optimize=OptimizationLevel.GAS, evm_version="prague")
    (built,) = compile_files(
        [str(source)], outputs, paths=[str(folder)], settings=settings
    ).values()
    return dict(built)


def main() -> int:
    try:
        fresh = compile_artifact()
    except StaleJudge as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if "--check" in sys.argv[1:]:
        if ARTIFACT.read_text() != fresh:
            print("contracts: federation.json is stale, run `make contract`", file=sys.stderr)  # noqa: T201
            return 1
        return 0
    ARTIFACT.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
