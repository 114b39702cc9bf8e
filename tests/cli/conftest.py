"""One small kept run for all tests of a worker, and the command line in this process."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "contracts"))
sys.path.append(str(Path(__file__).parents[1] / "models"))
sys.path.append(str(Path(__file__).parents[1] / "chain" / "devnet"))

from command_lab import Holdfast, run_here
from consortium_lab import Consortium, join_two, serve_chain
from court_lab import Trial, open_trial
from federation_lab import OpenLab, open_lab
from up_lab import make_up

__all__ = ["open_lab"]

SMALL = (
    *("--peers", "4", "--rounds", "2", "--dataset", "breast_cancer", "--learner", "softmax"),
    *("--cores", "1"),
)


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


@pytest.fixture(scope="session")
def up_once(kept_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same federation as one of `localnet up` that has ended."""
    directory = tmp_path_factory.mktemp("ended") / "up"
    make_up(directory, kept_once)
    return directory


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """One chain for all consortia of a worker: each has keys and a federation of its own."""
    with ExitStack() as stack:
        yield serve_chain(stack)


@pytest.fixture
def consortium(
    tmp_path: Path, holdfast: Holdfast, monkeypatch: pytest.MonkeyPatch, served: str
) -> Iterator[Consortium]:
    # The file says what opening it costs; nothing here is worth guarding.
    monkeypatch.setattr("chain.wallet.WORK", 2**10)
    with ExitStack() as stack:
        yield Consortium(tmp_path, stack, holdfast, served)


@pytest.fixture(scope="session")
def idle_pair(tmp_path_factory: pytest.TempPathFactory, served: str) -> Iterator[Consortium]:
    """Two peers with a seat each, for tests in which no round is begun."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr("chain.wallet.WORK", 2**10)
        pair = Consortium(tmp_path_factory.mktemp("pair"), stack, run_here, served)
        join_two(pair)
        yield pair


@pytest.fixture
def open_dispute(
    tmp_path: Path, holdfast: Holdfast, monkeypatch: pytest.MonkeyPatch, open_lab: OpenLab
) -> Iterator[Callable[..., Trial]]:
    """Open a trial: changes to the federation's parameters, to a `Trial`."""
    monkeypatch.setattr("chain.wallet.WORK", 2**10)
    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(
            open_trial(open_lab, tmp_path, holdfast, **changes)
        )
