"""Real peers on this machine, begun and ended from the command line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localnet.fleet.processes import Processes

HOLDFAST = (sys.executable, "-m", "cli")
SMALL = ("--peers", "3", "--dataset", "two_kinds.npz", "--learner", "softmax")
QUICK = ("--commit-seconds", "6", "--grace-seconds", "1", "--attest-seconds", "24")
WAIT_SECONDS = 300


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_data(tmp_path / "two_kinds.npz")
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "up"
    processes = Processes(tmp_path / "up")
    processes.stop(processes.names())


def write_data(path: Path) -> None:
    """Two kinds, told apart by the first of four columns; each program reads them in no time."""
    y = np.arange(200) % 2
    x = np.random.default_rng(1).normal(size=(200, 4)) + 3 * np.eye(4)[0] * y[:, np.newaxis]
    np.savez(path, x=x.astype(np.float32), y=y)


def begin(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [*HOLDFAST, "localnet", "up", *SMALL, *QUICK, "--dir", str(folder), "--json", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def await_round(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "round":
            return
    pytest.fail(f"no round: {process.communicate()[1]}")


def living(folder: Path) -> list[int]:
    """Return every process that has the folder's name in its command line."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and int(path.name) != os.getpid():
            try:
                words = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in words:
                found.append(int(path.name))
    return found


@pytest.mark.slow
def test_up__some_rounds__ends_by_itself_with_the_summary_of_run(holdfast, small, folder):
    keys = set(holdfast(*small, "--json").summary)
    first, *ended, summary = run_to_end(folder, 2)
    assert (first["event"], first["peers"]) == ("up", 3)
    assert [line["round"] for line in ended] == [1, 2]
    assert set(summary) == keys
    assert summary["agreed"] == summary["rounds"] == len(ended)
    assert summary["head"] == ended[-1]["head"]
    assert 0.5 < summary["accuracy"] <= 1
    assert summary["gas_per_peer_round"] > 0
    assert living(folder) == []


@pytest.mark.slow
def test_up__again__goes_on_where_it_stopped(folder):
    run_to_end(folder, 2)
    _, *more, summary = run_to_end(folder, 20)
    assert [line["round"] for line in more] == list(range(3, 21))
    assert summary["rounds"] == summary["agreed"] == 20


@pytest.mark.slow
def test_up__for_people__begins_with_what_run_says_of_the_same(holdfast, folder):
    begun = [*HOLDFAST, "localnet", "up", *SMALL, *QUICK, "--dir", str(folder), "--rounds", "1"]
    told = subprocess.run(begun, capture_output=True, text=True, check=True, timeout=WAIT_SECONDS)
    simulated = holdfast("localnet", "run", *SMALL, *QUICK, "--rounds", "1").out.splitlines()
    same = simulated.index(next(line for line in simulated if line.startswith("rule")))
    assert told.stdout.splitlines()[:same] == simulated[:same]
    assert any("skew" in line for line in simulated[:same])


@pytest.mark.slow
def test_up__again_from_another_folder__reads_the_data_where_its_peers_do(folder, monkeypatch):
    begun = [*HOLDFAST, "localnet", "up", *SMALL, *QUICK, "--dir", str(folder), "--rounds"]

    def up(rounds: int) -> subprocess.CompletedProcess[str]:
        command = [*begun, str(rounds)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
        )

    first = up(1)
    (folder.parent / "other").mkdir()
    monkeypatch.chdir(folder.parent / "other")
    again = up(2)
    assert (first.returncode, again.returncode, again.stderr) == (0, 0, "")
    deals = [[t for t in up.stdout.splitlines() if "skew" in t] for up in (first, again)]
    assert deals[0] == deals[1] != []
    data = folder.parent / "two_kinds.npz"
    data.unlink()
    told = (folder / "logs" / "peer-0.log").read_bytes()
    refused = up(3)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"holdfast: {data}: expected ")
    assert refused.stderr.count("\n") == 1
    # None of them was started.
    assert (folder / "logs" / "peer-0.log").read_bytes() == told
    assert living(folder) == []


TABLE = """
def rows():
    print("reading the table")
    return [{"a": i % 7 + 3.0 * (i % 2), "kind": "xy"[i % 2]} for i in range(200)]
"""


@pytest.mark.slow
def test_up__data_that_are_code_and_a_learner_of_holdfasts__are_judged(folder):
    code = folder.parent / "code"
    code.mkdir()
    (code / "table.py").write_text(TABLE)
    own = ("--dataset", "table:rows", "--label", "kind", "--learner-path", str(code))
    begun = [*HOLDFAST, "localnet", "up", *SMALL, *QUICK, *own, "--dir", str(folder)]
    done = subprocess.run(
        [*begun, "--rounds", "1"], capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "accuracy" in done.stdout
    assert "reading the table" not in done.stdout
    assert "reading the table" in (folder / "logs" / "judge" / "learner.log").read_text()


def run_to_end(folder: Path, rounds: int) -> list[dict[str, Any]]:
    process = begin(folder, "--rounds", str(rounds))
    out, err = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["event"] for line in lines[1:-1]} == {"round"}
    return lines


FLOWER = (
    *("--peers", "3", "--learner", "client:client_fn"),
    *("--learner-path", str(Path(__file__).parents[2] / "examples" / "digits_flower")),
    *("--learner-seconds", "120", "--learner-memory", "2048", "--option", "local-steps=6"),
    # A round ends when all have committed, however busy the machine is.
    *("--commit-seconds", "120", "--grace-seconds", "60", "--attest-seconds", "120"),
)


def up_flower(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [*HOLDFAST, "localnet", "up", *FLOWER, "--dir", str(folder), "--json", *more]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
    )


@pytest.mark.slow
@pytest.mark.parametrize("keep", [(), ("--keep-array", "array_1")], ids=["all", "some stay"])
def test_up__a_flower_client__trains_is_judged_by_all_and_goes_on(folder, keep):
    begun = up_flower(folder, "--rounds", "4", *keep)
    assert (begun.returncode, begun.stderr) == (0, "")
    summary = json.loads(begun.stdout.splitlines()[-1])
    assert summary["agreed"] == summary["rounds"] == 4
    assert 0.85 < summary["accuracy"] <= 1
    settings = (folder / "peers" / "2" / "peer.toml").read_text()
    assert "seconds = 120" in settings
    assert "memory_mib = 2048" in settings
    again = up_flower(folder, "--rounds", "6", *keep)
    assert (again.returncode, again.stderr) == (0, "")
    assert json.loads(again.stdout.splitlines()[-1])["rounds"] == 6


@pytest.mark.slow
def test_up__no_such_factory__is_told_in_a_line_and_nothing_is_left(folder):
    done = up_flower(folder, "--learner", "client:absent")
    assert (done.returncode, done.stdout) == (1, "")
    told = "holdfast: learner client:absent: expected 'absent' in client, got none\n"
    assert done.stderr == told
    assert living(folder) == []


@pytest.mark.slow
def test_up__killed_itself__down_leaves_nothing(holdfast, folder):
    at = ("--dir", str(folder))
    with begin(folder) as process:
        await_round(process)
        # Who was begun is at work, and can be asked like any peer.
        peer = holdfast("peer", "status", str(folder / "peers" / "1"), "--json").summary
        assert peer["seat"] == 1
        refused = holdfast("localnet", "start", "1", *at)
        assert refused.code == 1
        assert refused.err == (
            "holdfast: peer 1: expected one that does not run, got one that does\n"
        )
        refused = holdfast("localnet", "cut", "3", *at)
        assert refused.code == 1
        assert refused.err == "holdfast: wires of peer 3: expected peers 0 to 2, got another\n"
        for verb in ("start", "kill", "pause"):
            refused = holdfast("localnet", verb, "3", *at)
            assert refused.code == 1
            assert refused.err == "holdfast: peer 3: expected one of 0 to 2, got no such peer\n"
        assert holdfast("localnet", "kill", "1", *at).code == 0
        assert holdfast("localnet", "pause", "2", *at).code == 0
        assert holdfast("localnet", "cut", "0", *at).code == 0
        cut = holdfast("peer", "status", str(folder / "peers" / "0"))
        assert (cut.code, cut.err.count("\n")) == (1, 1)
        assert "127.0.0.1" in cut.err
        process.kill()
    assert holdfast("localnet", "down", *at).code == 0
    assert living(folder) == []


@pytest.mark.slow
def test_up__at_work_and_ended__its_peers_are_explained_and_diagnosed(holdfast, folder):
    def ask():
        explained = holdfast("peer", "explain", str(folder), "--seat", "1", "--json")
        assert (explained.code, explained.err) == (0, "")
        for of in ((str(folder), "--seat", "1"), (str(folder / "peers" / "1"),)):
            outcome = holdfast("peer", "diagnose", *of, "--repeats", "1", "--json")
            assert (outcome.code, outcome.err) == (0, "")
            (told,) = outcome.lines
            assert told["seat"] == 1
            # One fifth of 200 rows is held out.
            assert told["samples"] == 40
            importance = {each["column"]: each["mean"] for each in told["importance"]}
            assert max(importance, key=importance.__getitem__) == "column 0"

    with begin(folder) as process:
        await_round(process)
        ask()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_SECONDS)
    ask()
    assert living(folder) == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_up__interrupted__ends_everything(folder, number, code):
    with begin(folder) as process:
        await_round(process)
        process.send_signal(number)
        _, err = process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == code
        assert err == "holdfast: interrupted\n"
    assert living(folder) == []


@pytest.mark.slow
def test_down__another_terminal__ends_up_as_well(holdfast, folder):
    with begin(folder) as process:
        await_round(process)
        assert holdfast("localnet", "down", "--dir", str(folder)).code == 0
        process.communicate(timeout=WAIT_SECONDS)
    assert living(folder) == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("up", "--chain", "geth"), 2, "--chain: expected embedded or anvil, got 'geth'"),
        (("up", "--peers", "0"), 1, "peers: expected 1 to 128, got 0"),
        (("up", "--dataset", "nothing"), 1, "data set: expected"),
        (("kill", "0"), 1, "expected a federation of localnet up, got none"),
        (("start", "0"), 1, "expected a federation that is up, got one that is not"),
        (("cut", "0"), 1, "expected a federation that is up, got one that is not"),
        (("down",), 1, "expected a federation of localnet up, got none"),
    ],
)
def test_localnet__misused__is_told_in_a_line_and_leaves_nothing(
    holdfast, folder, arguments, code, told
):
    outcome = holdfast("localnet", *arguments, "--dir", str(folder))
    assert (outcome.code, outcome.out) == (code, "")
    assert told in outcome.err
    assert outcome.err.count("\n") == 1
    assert living(folder) == []


def test_up__a_folder_with_something_else_in_it__is_left_alone(holdfast, folder):
    folder.mkdir()
    (folder / "chain").write_text("mine")
    outcome = holdfast("localnet", "up", "--dir", str(folder))
    assert outcome.code == 1
    assert outcome.err == (
        f"holdfast: {folder}: expected an empty folder, or a federation, got chain\n"
    )
    assert (folder / "chain").read_text() == "mine"
