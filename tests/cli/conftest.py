"""One small kept run for all tests of a worker, and the command line in this process."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from consortium_lab import Consortium
from typer.testing import CliRunner

from cli.app import app

SMALL = ("--peers", "4", "--rounds", "2", "--dataset", "breast_cancer", "--learner", "softmax")


class Outcome:
    """What a command answered."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        return self.lines[-1]


Holdfast = Callable[..., Outcome]


def run_here(*arguments: str) -> Outcome:
    result = CliRunner().invoke(app, list(arguments), prog_name="holdfast")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def holdfast() -> Holdfast:
    return run_here


@pytest.fixture
def small() -> Sequence[str]:
    return ("localnet", "run", *SMALL)


@pytest.fixture(scope="session")
def kept_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("kept") / "run"
    outcome = run_here("localnet", "run", *SMALL, "--keep", str(directory))
    assert outcome.code == 0, outcome.err
    return directory


@pytest.fixture
def kept(kept_once: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(kept_once, tmp_path / "kept"))


@pytest.fixture
def consortium(
    tmp_path: Path, holdfast: Holdfast, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Consortium]:
    # The file says what opening it costs; nothing here is worth guarding.
    monkeypatch.setattr("chain.wallet.WORK", 2**10)
    with ExitStack() as stack:
        yield Consortium(tmp_path, stack, holdfast)
