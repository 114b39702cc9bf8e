import os
import pty
import re
import signal
import subprocess
import sys

import pytest

SUMMARY = {
    "accuracy_by_class",
    "event",
    "rounds",
    "agreed",
    "lapsed",
    "accuracy",
    "loss",
    "head",
    "seconds",
    "first_round_seconds",
    "seconds_per_round",
    "gas_per_peer_round",
    "refuted",
    "voided",
    "slashed_wei",
}


def test_run__json__is_an_object_per_round_and_the_summary_last(holdfast, small):
    outcome = holdfast(*small, "--json", "--audit")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line["event"] for line in outcome.lines] == [
        "round",
        "round",
        "checked",
        "checked",
        "contributed",
        "contributions",
        "audit",
        "summary",
    ]
    summary = outcome.summary
    assert set(summary) == SUMMARY
    assert (summary["rounds"], summary["agreed"], summary["lapsed"]) == (2, 2, 0)
    assert re.fullmatch("0x[0-9a-f]{64}", summary["head"])
    assert summary["head"] == outcome.lines[1]["head"]
    assert 0.5 < summary["accuracy"] <= 1
    by_class = summary["accuracy_by_class"].values()
    assert min(by_class) <= summary["accuracy"] <= max(by_class)


def test_run__most_seats_lie_and_a_watchtower__ends_idle_with_a_summary_and_exit_code_0(
    holdfast, small
):
    outcome = holdfast(*small, "--byzantine", "3:lie", "--watchtower", "--json")
    assert outcome.code == 0
    assert outcome.err == "holdfast: too few seats take part, so nothing happens any more\n"
    summary = outcome.summary
    assert (summary["agreed"], summary["refuted"], summary["voided"]) == (0, 1, 1)
    assert summary["slashed_wei"] == 3 * 10**18


def test_run__no_terminal__is_a_plain_line_per_round(holdfast, small):
    outcome = holdfast(*small)
    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    rounds = [line for line in outcome.out.splitlines() if line.startswith("round ")]
    assert len(rounds) == 2
    assert "agreed" in rounds[0]
    assert "stake 100.0 %" in rounds[0]
    assert "skew" in outcome.out


@pytest.mark.slow
def test_run__on_a_terminal__redraws_one_table(small):
    ours, theirs = pty.openpty()
    start = [sys.executable, "-c", "from cli.app import main; main()", *small]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(start, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        while chunk := _read(ours):
            said += chunk
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[" in said
    table = said[said.rindex(b"commits") :]
    assert table.count(b"agreed") == 3, "two rounds, and the line below the table"
    assert b"accuracy" in table


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:
        # Linux says so when the other end is closed.
        return b""


@pytest.mark.parametrize(
    "change",
    [(), ("--order-seed", "5"), ("--recompute-each",), ("--cores", "2")],
    ids=["again", "other order", "recompute each", "two cores"],
)
def test_run__same_seed__same_head(holdfast, small, change):
    seeded = (*small, "--seed", "7", "--json")
    assert holdfast(*seeded, *change).summary["head"] == holdfast(*seeded).summary["head"]


def test_run__other_seed__other_head(holdfast, small):
    heads = {holdfast(*small, "--seed", s, "--json").summary["head"] for s in ("1", "2")}
    assert len(heads) == 2


def test_run__options_of_learner_and_rule__reach_them(holdfast, small):
    outcome = holdfast(
        *small, "--learner", "mlp", "--hidden", "4,3", "--rule", "median", "--clip", "0"
    )
    assert outcome.code == 0
    # 30 features to 4, to 3, to 2 classes, each layer with its biases.
    assert f"mlp of {31 * 4 + 5 * 3 + 4 * 2} coordinates" in outcome.out
    assert "trim 50 %" in outcome.out
    assert "clip none" in outcome.out


def test_run__byzantine_seats__are_named_highest_first(holdfast, small):
    outcome = holdfast(*small, "--byzantine", "1:zero", "--faults-bps", "2500")
    assert "Byzantine: 3 zero" in outcome.out


@pytest.mark.slow
def test_run__kept__goes_on_where_it_stopped(holdfast, small, tmp_path):
    kept = ("--keep", str(tmp_path / "run"), "--json")
    first = holdfast(*small, *kept)
    longer = holdfast(*small, *kept, "--rounds", "4")
    assert [line["round"] for line in first.lines[:-1]] == [1, 2]
    assert [line["round"] for line in longer.lines[:-1]] == [3, 4]
    whole = holdfast(*small, "--rounds", "4", "--json")
    assert longer.summary["head"] == whole.summary["head"]


@pytest.mark.slow
def test_run__killed_in_the_middle__the_same_command_ends_with_the_same_head(
    holdfast, small, tmp_path
):
    arguments = [*small, "--rounds", "8", "--json"]
    kept = [*arguments, "--keep", str(tmp_path / "run")]
    start = [sys.executable, "-c", "from cli.app import main; main()", *kept]
    with subprocess.Popen(start, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(2):
            assert '"event": "round"' in process.stdout.readline()
        process.kill()
    assert process.returncode == -signal.SIGKILL
    resumed = holdfast(*kept, "--audit")
    assert (resumed.code, resumed.err) == (0, "")
    assert resumed.summary["rounds"] == 8
    assert resumed.summary["head"] == holdfast(*arguments).summary["head"]


def test_run__killed_while_founding__the_same_command_starts_again(holdfast, small, tmp_path):
    directory = tmp_path / "run"
    (directory / "chain").mkdir(parents=True)
    (directory / "chain" / "half").write_text("of a chain")
    (directory / "founding").touch()
    assert holdfast(*small, "--keep", str(directory)).code == 0
    assert not (directory / "founding").exists()
    assert not (directory / "chain" / "half").exists()


def test_run__refused_while_founding__leaves_the_folder_empty(holdfast, small, tmp_path):
    directory = tmp_path / "run"
    outcome = holdfast(*small, "--commit-seconds", "9999999999", "--keep", str(directory))
    assert outcome.code == 1
    assert list(directory.iterdir()) == []


def test_run__too_few_take_part__says_so_and_ends_well(holdfast, small):
    outcome = holdfast(*small, "--byzantine", "4:absent", "--json")
    assert outcome.code == 0
    assert "too few seats" in outcome.err
    assert outcome.summary["agreed"] == 0


def test_run__plot__is_a_picture(holdfast, small, tmp_path):
    path = tmp_path / "rounds.png"
    assert holdfast(*small, "--plot", str(path)).code == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [path]
