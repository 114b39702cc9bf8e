"""Three organisations on a chain that is served: real processes, from nothing to a shared model."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

HOLDFAST = (sys.executable, "-c", "from cli.app import main; main()")
PLAN = """
holdfast = 1
name = "breast cancer in three clinics"
[learner]
name = "softmax"
[data]
source = "breast_cancer"
[seats]
min_updates = 2
max_seats = 3
"""
WAIT_SECONDS = 120
ETHER = 10**18


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Consortium:
    """A chain process, and the folders of some peers beside it."""

    def __init__(self, directory: Path, stack: ExitStack, here: Callable[..., Any]) -> None:
        self.here = here
        self.directory = directory
        self.password = directory / "password"
        self.password.write_text("a password\n")
        self._stack = stack
        chain = self.begin("chain", "serve", "--port", "0", "--json")
        assert chain.stdout is not None
        self.url = json.loads(chain.stdout.readline())["url"]

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        command = [*HOLDFAST, *arguments]
        process = self._stack.enter_context(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
            )
        )
        self._stack.callback(process.kill)
        return process

    def ask(self, *arguments: str) -> dict[str, object]:
        """Run a command, here, and return the one object that it prints."""
        outcome = self.here(*arguments)
        assert outcome.code == 0, outcome.err
        answer: dict[str, object] = outcome.summary
        return answer

    def folder(self, name: str) -> str:
        return str(self.directory / name)

    def init(self, name: str, share: str, *more: str) -> None:
        made = self.ask(
            *("peer", "init", self.folder(name), "--rpc", self.url, "--data", "breast_cancer"),
            *("--share", share, "--listen", f"127.0.0.1:{free_port()}", "--json"),
            *("--password-file", str(self.password), *more),
        )
        assert self.here("chain", "fund", str(made["address"]), "--rpc", self.url).code == 0

    def act(self, verb: str, name: str, *more: str) -> dict[str, object]:
        password = ("--password-file", str(self.password))
        return self.ask("peer", verb, self.folder(name), *password, *more, "--json")

    def audit(self, name: str, *more: str) -> Any:
        password = ("--password-file", str(self.password))
        return self.here("peer", "audit", self.folder(name), *password, *more, "--json")

    def run(self, name: str, rounds: int) -> subprocess.Popen[str]:
        return self.begin(
            *("peer", "run", self.folder(name), "--password-file", str(self.password)),
            *("--poll-seconds", "0.05", "--rounds", str(rounds)),
        )

    def status(self, name: str) -> dict[str, object]:
        return self.ask("peer", "status", self.folder(name), "--json")


@pytest.fixture
def consortium(tmp_path, holdfast, monkeypatch):
    # The file says what opening it costs; nothing here is worth guarding.
    monkeypatch.setattr("chain.wallet.WORK", 2**10)
    with ExitStack() as stack:
        opened = Consortium(tmp_path, stack, holdfast)
        (tmp_path / "plan.toml").write_text(PLAN)
        yield opened


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    """Read the log of a peer up to a line with these words."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"the peer ended without {words}")


def end(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_peer__three_organisations__share_one_model_and_one_is_killed_meanwhile(consortium):
    consortium.init("a", "1/3")
    plan = str(consortium.directory / "plan.toml")
    created = consortium.ask(
        *("federation", "create", plan, "--peer", consortium.folder("a"), "--json"),
        *("--password-file", str(consortium.password)),
    )
    assert created["clip"] > 0
    for number, name in enumerate("bc", 2):
        consortium.init(name, f"{number}/3", "--contract", str(created["contract"]))
    for seat, name in enumerate("abc"):
        joined = consortium.act("join", name, "--stake", "1.5")
        assert (joined["seat"], joined["stake_wei"]) == (seat, 3 * ETHER // 2)

    first, second, third = (consortium.run(name, 3) for name in "abc")
    # Two thirds of the stake are two of three: without the third no round closes early, but all
    # that it ever signed and trained is in its folder.
    wait_for(third, "act=fetched")
    third.send_signal(signal.SIGKILL)
    third.communicate()
    again = consortium.run("c", 3)
    for process in (first, second, again):
        end(process)
    states = [consortium.status(name) for name in "abc"]
    assert {state["height"] for state in states} == {states[0]["height"]}
    assert states[0]["height"] >= 2
    assert len({state["head"] for state in states}) == 1
    assert [state["seat"] for state in states] == [0, 1, 2]

    # Whoever has lost its blobs gets them from the others, and recomputes all of it; a checkpoint
    # that the chain does not have is told.
    shutil.rmtree(Path(consortium.folder("c")) / "blobs")
    serving = consortium.run("a", 1000)
    wait_for(serving, "act=ready")
    told = consortium.audit("c")
    assert told.code == 0, told.err
    heights = [line["height"] for line in told.lines if line["event"] == "checked"]
    assert heights == list(range(1, int(states[0]["height"]) + 1))
    assert [line["error"] for line in told.lines if line["event"] == "fetched"].count(None) > 3
    told = consortium.audit("c", "--since", str(states[0]["checkpoint"]))
    assert (told.code, told.lines[-1]["rounds"]) == (0, 0)
    told = consortium.audit("c", "--since", "1:0x" + "11" * 32)
    assert told.code == 1
    assert "expected the checkpoint 1:0x1111" in told.lines[-1]["finding"]["what"]
    serving.send_signal(signal.SIGTERM)
    end(serving)

    consortium.act("leave", "c")
    password = ("--password-file", str(consortium.password))
    refused = consortium.here("peer", "leave", consortium.folder("c"), *password)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "holdfast: seats: leaving\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("run", "FOLDER"), 1, "expected a peer's settings, got No such file or directory"),
        (("init", "FOLDER"), 2, "expected --rpc ENDPOINT"),
        (("init", "FOLDER", "--rpc", "URL", "--listen", "x"), 2, "expected HOST:PORT, got 'x'"),
        (("init", "FOLDER", "--rpc", "URL", "--share", "3/2"), 2, "expected I/N such as 2/5"),
        (("join", "FOLDER"), 1, "expected a peer's settings"),
    ],
)
def test_peer__misused__one_line_that_says_what_was_expected(
    holdfast, tmp_path, arguments, code, told
):
    given = [str(tmp_path / "none") if a == "FOLDER" else a for a in arguments]
    given = ["http://127.0.0.1:1" if a == "URL" else a for a in given]
    outcome = holdfast("peer", *given)
    assert outcome.code == code
    assert told in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", 1, "password: expected at least one character"),
        (b"\xff\xfe", 2, "expected UTF-8 text, got other bytes"),
    ],
)
def test_init__a_password_file_that_holds_none__is_told_and_nothing_is_made(
    consortium, content, code, told
):
    consortium.password.write_bytes(content)
    password = ("--password-file", str(consortium.password))
    outcome = consortium.here(
        "peer", "init", consortium.folder("x"), "--rpc", consortium.url, *password
    )
    assert outcome.code == code
    assert told in outcome.err
    assert not (consortium.directory / "x" / "keystore.json").exists()


def test_peer__key_without_a_seat__is_told_how_to_get_one(consortium):
    consortium.init("a", "1/3")
    outcome = consortium.here("peer", "status", consortium.folder("a"))
    assert outcome.code == 1
    assert "settings: chain.contract: expected the federation's address" in outcome.err
