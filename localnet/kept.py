"""The folder of a kept run, enough to audit it years later or to go on with it.

run.json       scenario, chain id, contract address; written last, so it marks a whole
founding       there before that; what else is there then has no worth
spec.toml      the bytes that the creation event carries
data.json      how rows became features, for whoever uses the model; none where learners bring data
chain/         the embedded chain
blobs/         every update and model, by root
peers/NNN.db   each peer's journal
learners/NNN   what a learner remembers; one of one's own also what it printed, and failed with
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from localnet.errors import KeptRunRefused
from localnet.scenario import Scenario
from node.data.recipe_file import RECIPE
from node.whole_file import write_whole

RUN = "run.json"
FOUNDING = "founding"
PARTS = ("chain", "blobs", "peers", "learners", "spec.toml", RECIPE)
ASIDES = tuple(f"{name}.*.tmp" for name in (RECIPE, RUN))
"""What a `write_whole` that was killed leaves beside them, as the name has its process's number."""


@dataclass(frozen=True)
class KeptRun:
    """What `run.json` says; `data` is the fingerprint of the data set."""

    scenario: Scenario
    chain_id: int
    address: str
    created_at: int
    accounts: int
    data: str


def chain_path(directory: Path) -> Path:
    """Where the embedded chain of a kept run lies."""
    return directory / "chain"


def blobs_path(directory: Path) -> Path:
    """Where the blobs of a kept run lie."""
    return directory / "blobs"


def journal_path(directory: Path, peer: int) -> Path:
    """Where a peer's journal lies."""
    return directory / "peers" / f"{peer:03}.db"


def learners_path(directory: Path) -> Path:
    """Where the folders of learners of one's own lie."""
    return directory / "learners"


def note_folder(notes: Path, peer: int) -> Path:
    """Where a peer's learner keeps its notes, in the folder of all."""
    return notes / f"{peer:03}"


def has_run(directory: Path) -> bool:
    """Whether the folder holds a whole run."""
    return (directory / RUN).exists()


@contextmanager
def founding(directory: Path) -> Iterator[None]:
    """Hold the folder for a new run; unless `write_run` has come, it is empty again at the end.

    What a founding that was killed has left is removed. Raises KeptRunRefused where anything else
    is there, or another process is founding.
    """
    with _claim(directory):
        try:
            yield
        finally:
            if not has_run(directory):
                _clear(directory)
                (directory / FOUNDING).unlink()


def _claim(directory: Path) -> IO[str]:
    """Return the open marker of a founding, locked: a process that is killed lets go of it."""
    marker = directory / FOUNDING
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not marker.exists() and any(directory.iterdir()):
            raise KeptRunRefused("folder of the run", "an empty or a new one", directory)
        claim = marker.open("w")
    except OSError as error:
        raise KeptRunRefused("folder of the run", "one to write to", error) from error
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(directory)
        (directory / "peers").mkdir()
    except OSError as error:
        claim.close()
        raise KeptRunRefused("folder of the run", "one for this process alone", error) from error
    return claim


def _clear(directory: Path) -> None:
    asides = [path for pattern in ASIDES for path in directory.glob(pattern)]
    for path in (*(directory / part for part in PARTS), *asides):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_run(directory: Path, run: KeptRun, spec: bytes) -> None:
    """Record the run; the file appears whole or not at all."""
    (directory / "spec.toml").write_bytes(spec)
    content = {
        "scenario": json.loads(run.scenario.to_json()),
        "chain_id": run.chain_id,
        "address": run.address,
        "created_at": run.created_at,
        "accounts": run.accounts,
        "data": run.data,
    }
    write_whole(directory / RUN, (json.dumps(content, indent=1) + "\n").encode())
    (directory / FOUNDING).unlink(missing_ok=True)


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
            content["data"],
        )
    except FileNotFoundError as error:
        raise KeptRunRefused("folder of a run", f"a {RUN} in it", directory) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeptRunRefused(f"{directory / RUN}", "a recorded run", repr(error)) from error
