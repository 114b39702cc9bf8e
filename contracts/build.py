"""Compile `federation.vy` into `federation.json`, or check that the committed one is its image.

Run as `python -m contracts.build [--check]`; only developers need the compiler.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
ARTIFACT = HERE / "federation.json"


def compile_artifact(folder: Path = HERE) -> str:
    """Return the exact text of the artifact of the sources in `folder`, compiled with `-O gas`."""
    from vyper.cli.vyper_compile import compile_files
    from vyper.compiler.settings import OptimizationLevel, Settings

    settings = Settings(optimize=OptimizationLevel.GAS, evm_version="prague")
    source = folder / "federation.vy"
    outputs = compile_files(
        [str(source)], ["abi", "bytecode"], paths=[str(folder)], settings=settings
    )
    (built,) = outputs.values()
    artifact = {
        "abi": built["abi"],
        "bytecode": built["bytecode"],
        "compiler": f"vyper {version('vyper')} -O gas --evm-version prague",
    }
    return json.dumps(artifact, indent=1) + "\n"


def main() -> int:
    fresh = compile_artifact()
    if "--check" in sys.argv[1:]:
        if ARTIFACT.read_text() != fresh:
            print("contracts: federation.json is stale, run `make contract`", file=sys.stderr)  # noqa: T201
            return 1
        return 0
    ARTIFACT.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
