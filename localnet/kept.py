"""The folder of a kept run, enough to audit it years later or to go on with it.

    run.json       scenario, chain id, contract address; written last, so it marks a whole
    spec.toml      the bytes that the creation event carries
    chain/         the embedded chain
    blobs/         every update and model, by root
    peers/NNN.db   each peer's journal
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from localnet.errors import KeptRunRefused
from localnet.scenario import Scenario

RUN = "run.json"


@dataclass(frozen=True)
class KeptRun:
    """What `run.json` says."""

    scenario: Scenario
    chain_id: int
    address: str
    created_at: int
    accounts: int


def chain_path(directory: Path) -> Path:
    """Where the embedded chain of a kept run lies."""
    return directory / "chain"


def blobs_path(directory: Path) -> Path:
    """Where the blobs of a kept run lie."""
    return directory / "blobs"


def journal_path(directory: Path, peer: int) -> Path:
    """Where a peer's journal lies."""
    return directory / "peers" / f"{peer:03}.db"


def has_run(directory: Path) -> bool:
    """Whether the folder holds a whole run."""
    return (directory / RUN).exists()


def prepare(directory: Path) -> None:
    """Make the folder for a new run. Raises KeptRunRefused where something is in it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise KeptRunRefused("folder of the run", "an empty or a new one", directory)
        (directory / "peers").mkdir()
    except OSError as error:
        raise KeptRunRefused("folder of the run", "one to write to", error) from error


def write_run(directory: Path, run: KeptRun, spec: bytes) -> None:
    """Record the run; the file appears whole or not at all."""
    (directory / "spec.toml").write_bytes(spec)
    content = {
        "scenario": json.loads(run.scenario.to_json()),
        "chain_id": run.chain_id,
        "address": run.address,
        "created_at": run.created_at,
        "accounts": run.accounts,
    }
    aside = directory / (RUN + ".tmp")
    with aside.open("w") as file:
        file.write(json.dumps(content, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(directory / RUN)


def read_run(directory: Path) -> KeptRun:
    """Return what was recorded. Raises KeptRunRefused."""
    try:
        content = json.loads((directory / RUN).read_text())
        scenario = Scenario.from_json(json.dumps(content["scenario"]))
        return KeptRun(
            scenario,
            content["chain_id"],
            content["address"],
            content["created_at"],
            content["accounts"],
        )
    except FileNotFoundError as error:
        raise KeptRunRefused("folder of a run", f"a {RUN} in it", directory) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeptRunRefused(f"{directory / RUN}", "a recorded run", repr(error)) from error
