"""Organisations on a chain that is served: real processes, and their commands here."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np

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
TWO = PLAN.replace("max_seats = 3", "max_seats = 2")
WAIT_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def begin_process(stack: ExitStack, *arguments: str) -> subprocess.Popen[str]:
    """Run a command beside this process, until the stack is left at the latest."""
    process = stack.enter_context(
        subprocess.Popen(
            [*HOLDFAST, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
    )
    stack.callback(process.kill)
    return process


def serve_chain(stack: ExitStack, *options: str) -> str:
    """Serve a chain until the stack is left; return its endpoint."""
    chain = begin_process(stack, "chain", "serve", "--port", "0", *options, "--json")
    assert chain.stdout is not None
    return str(json.loads(chain.stdout.readline())["url"])


def write_data(path: Path) -> None:
    """Write data shaped like breast_cancer, for which no process has to load scikit-learn."""
    labels = np.arange(569) % 2
    noise = np.random.default_rng(0).normal(size=(569, 30))
    np.savez(path, x=(noise + labels[:, None]).astype(np.float32), y=labels)


class Consortium:
    """The folders of some peers beside a served chain."""

    def __init__(
        self, directory: Path, stack: ExitStack, here: Callable[..., Any], url: str
    ) -> None:
        self.here = here
        self.directory = directory
        self.password = directory / "password"
        self.password.write_text("a password\n")
        self.data = directory / "clinics.npz"
        write_data(self.data)
        self._stack = stack
        self.url = url

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return begin_process(self._stack, *arguments)

    def ask(self, *arguments: str) -> dict[str, object]:
        """Run a command, here, and return the one object that it prints."""
        outcome = self.here(*arguments)
        assert outcome.code == 0, outcome.err
        answer: dict[str, object] = outcome.summary
        return answer

    def folder(self, name: str) -> str:
        return str(self.directory / name)

    def init(self, name: str, share: str, *more: str) -> None:
        self.ask(
            *("peer", "init", self.folder(name), "--rpc", self.url, "--data", str(self.data)),
            *("--share", share, "--listen", f"127.0.0.1:{free_port()}", "--json"),
            *("--password-file", str(self.password), *more),
        )
        assert self.here("chain", "fund", self.folder(name), "--rpc", self.url).code == 0

    def act(self, verb: str, name: str, *more: str) -> dict[str, object]:
        password = ("--password-file", str(self.password))
        return self.ask("peer", verb, self.folder(name), *password, *more, "--json")

    def run(self, name: str, rounds: int, *more: str) -> subprocess.Popen[str]:
        return self.begin(
            *("peer", "run", self.folder(name), "--password-file", str(self.password)),
            *("--poll-seconds", "0.05", "--rounds", str(rounds), *more),
        )

    def run_here(self, name: str, *more: str) -> Any:
        """Run a peer in this process, for what ends it before it has begun."""
        password = ("--password-file", str(self.password))
        return self.here("peer", "run", self.folder(name), *password, "--rounds", "1", *more)

    def audit(self, name: str, *more: str) -> Any:
        password = ("--password-file", str(self.password))
        return self.here("peer", "audit", self.folder(name), *password, *more, "--json")

    def status(self, name: str) -> dict[str, object]:
        return self.ask("peer", "status", self.folder(name), "--json")

    def found(self, name: str, plan: str = PLAN) -> str:
        """Create a federation by a peer; return its address."""
        page = self.directory / "plan.toml"
        page.write_text(plan.replace('"breast_cancer"', json.dumps(str(self.data))))
        password = ("--password-file", str(self.password))
        peer = ("--peer", self.folder(name))
        return str(
            self.ask("federation", "create", str(page), *peer, *password, "--json")["contract"]
        )


def join_two(consortium: Consortium, *more: str) -> str:
    """Give `a` and `b` a seat each with half of the data; return their federation's address."""
    consortium.init("a", "1/2", *more)
    contract = consortium.found("a", TWO)
    consortium.init("b", "2/2", "--contract", contract, *more)
    for name in "ab":
        consortium.act("join", name)
    return contract


def await_lines(process: subprocess.Popen[str], words: str, count: int = 1) -> list[str]:
    """Read a process's log until the words have come so often; return all that was read."""
    assert process.stderr is not None
    lines = []
    # A process that never says so would be read for ever.
    patience = Timer(WAIT_SECONDS, process.kill)
    patience.start()
    try:
        for line in process.stderr:
            lines.append(line)
            count -= words in line
            if not count:
                return lines
    finally:
        patience.cancel()
    raise AssertionError(f"expected {words} in the log, got its end after {lines}")


def end(process: subprocess.Popen[str], code: int = 0) -> str:
    """Wait for a process to end well; return the rest of its log."""
    _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == code, err
    assert "Traceback" not in err, err
    return err


def stop(process: subprocess.Popen[str]) -> str:
    """Let a process end by itself; return the rest of its log."""
    process.send_signal(signal.SIGTERM)
    return end(process)
