"""Five peers on hosts of their own; two of them are cut off for a minute, and come back."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hosts_lab import LEFT, RIGHT, Hosts, open_hosts

HOLDFAST = (sys.executable, "-c", "from cli.app import main; main()")
STAYING, CUT_OFF = "abc", "de"
STAKES = {"a": 3, "b": 3, "c": 3, "d": 1, "e": 1}
"""Who stays has two thirds of the stake, and what the faults allow for is with the others."""
CUT_SECONDS = 60
PLAN = """
holdfast = 1
name = "breast cancer in five clinics"
[learner]
name = "softmax"
[data]
source = "breast_cancer"
[seats]
max_seats = 5
[time]
commit_seconds = 20
grace_seconds = 2
attest_seconds = 12
"""


class Clinics:
    """A chain on one host, a peer on each of the others, and somebody who watches the chain."""

    def __init__(self, directory: Path, hosts: Hosts, stack: ExitStack) -> None:
        self.directory, self.hosts, self._stack = directory, hosts, stack
        (directory / "password").write_text("a password\n")
        (directory / "plan.toml").write_text(PLAN)
        address = hosts.add("chain", LEFT)
        served = self.begin("chain", "chain", "serve", "--host", address, "--port", "0", "--json")
        assert served.stdout is not None
        self.url = json.loads(served.stdout.readline())["url"]
        self.addresses = {name: hosts.add(name, LEFT) for name in STAYING}
        self.addresses |= {name: hosts.add(name, RIGHT) for name in CUT_OFF}
        self.contract = ""

    def begin(self, host: str, *arguments: str) -> subprocess.Popen[str]:
        log = self._stack.enter_context((self.directory / f"{host}.log").open("a"))
        process = subprocess.Popen(
            (*self.hosts.on(host), *HOLDFAST, *arguments),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            bufsize=1,
        )
        self._stack.callback(process.communicate)
        self._stack.callback(process.kill)
        return process

    def ask(self, host: str, *arguments: str) -> dict[str, Any]:
        """Run a command on a host, and return the one object that it prints."""
        outcome = subprocess.run(
            (*self.hosts.on(host), *HOLDFAST, *arguments, "--json"), capture_output=True, text=True
        )
        assert outcome.returncode == 0, outcome.stderr
        answer: dict[str, Any] = json.loads(outcome.stdout)
        return answer

    def act(self, name: str, verb: str, *more: str) -> dict[str, Any]:
        folder, password = str(self.directory / name), str(self.directory / "password")
        return self.ask(name, "peer", verb, folder, "--password-file", password, *more)

    def found(self) -> None:
        """Take every clinic from nothing to a seat."""
        for number, (name, address) in enumerate(self.addresses.items(), 1):
            known = ("--contract", self.contract) if self.contract else ()
            made = self.act(
                *(name, "init", "--rpc", self.url, "--data", "breast_cancer", *known),
                *("--share", f"{number}/5", "--listen", f"{address}:7710"),
            )
            self.ask("chain", "chain", "fund", str(made["address"]), "--rpc", self.url)
            if not self.contract:
                plan, folder = str(self.directory / "plan.toml"), str(self.directory / name)
                password = ("--password-file", str(self.directory / "password"))
                created = self.ask(name, "federation", "create", plan, "--peer", folder, *password)
                self.contract = str(created["contract"])
            assert self.act(name, "join", "--stake", str(STAKES[name]))["seat"] == number - 1

    def run(self, name: str) -> subprocess.Popen[str]:
        folder, password = str(self.directory / name), str(self.directory / "password")
        return self.begin(
            *(name, "peer", "run", folder, "--password-file", password, "--poll-seconds", "0.2")
        )

    def watch(self) -> Iterator[dict[str, Any]]:
        """Yield the contract's events as they come."""
        watching = self.begin(
            *("chain", "watch", "--rpc", self.url, "--contract", self.contract, "--json")
        )
        assert watching.stdout is not None
        for line in watching.stdout:
            yield json.loads(line)


@pytest.fixture
def clinics(tmp_path: Path) -> Iterator[Clinics]:
    with open_hosts() as hosts, ExitStack() as stack:
        yield Clinics(tmp_path, hosts, stack)


@pytest.mark.slow
def test_peer_run__two_of_five_cut_off_for_a_minute__the_rest_goes_on_and_they_catch_up(
    clinics: Clinics,
) -> None:
    clinics.found()
    processes = {name: clinics.run(name) for name in clinics.addresses}
    events = clinics.watch()
    away = {list(clinics.addresses).index(name) for name in CUT_OFF}
    for event in events:
        if event["event"] == "Agreed" and event["height"] == 2:
            break

    clinics.hosts.cut()
    cut_at, agreed, seen = monotonic(), 0, set()
    for event in events:
        agreed += event["event"] == "Agreed"
        # What they had sent before is still told in the first round of the cut.
        if agreed > 1 and event["event"] in ("Committed", "Attested"):
            seen.add(event["seat"])
        if agreed >= 4 and monotonic() - cut_at > CUT_SECONDS:
            break
    assert seen == set(range(5)) - away

    clinics.hosts.mend()
    back: set[int] = set()
    for event in events:
        if event["event"] == "Attested":
            back.add(event["seat"])
        if away <= back:
            break
    for process in processes.values():
        process.terminate()
    assert {process.wait() for process in processes.values()} == {0}
    states = [clinics.ask(name, "peer", "status", str(clinics.directory / name)) for name in STAKES]
    assert len({state["head"] for state in states}) == 1
    logs = "".join((clinics.directory / f"{name}.log").read_text() for name in STAKES)
    assert "Traceback" not in logs
