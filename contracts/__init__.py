"""The one contract that a federation deploys, and its committed artifact."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Artifact:
    """What deploying and calling the contract needs; a peer needs no compiler."""

    abi: list[dict[str, Any]]
    bytecode: str
    compiler: str


@cache
def load_artifact() -> Artifact:
    """Return the committed artifact of `federation.vy`."""
    return Artifact(**json.loads(files(__name__).joinpath("federation.json").read_text()))
