"""The contract that a federation is, the judge that it asks, and their committed artifact."""

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
    judge: str
    compiler: str


@cache
def load_artifact() -> Artifact:
    """Return the committed artifact of `federation.vy` and `judge.vy`."""
    return Artifact(**json.loads(files(__name__).joinpath("federation.json").read_text()))
