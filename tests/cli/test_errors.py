import subprocess
import sys

import pytest

START = [sys.executable, "-c", "from cli.app import main; main()"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dataset", "nope"), "data set: expected digits"),
        (("--dataset", "absent.csv"), "absent.csv: expected a file"),
        (("--partition", "nope"), "partition: expected iid"),
        (("--rule", "nope"), "rule: expected vouched"),
        (("--weighting", "nope"), "weighting: expected stake"),
        (("--learner", "nope"), "learner: expected"),
        (("--hidden", "5"), "option of learner softmax"),
        (("--epochs", "0"), "option epochs"),
        (("--byzantine", "1:nope"), "byzantine: expected COUNT:KIND"),
        (("--byzantine", "9:zero"), "byzantine seats: expected at most 4"),
        (("--peers", "129"), "peers: expected 1 to 128, got 129"),
        (("--faults-bps", "5000"), "faults out of range"),
        (("--rule", "mean", "--faults-bps", "1"), "trims less than the faults"),
        (("--weighting", "samples"), "claimed samples bear no faults"),
        (("--clip", "0"), "selection needs a clip"),
        (("--learner", "mlp", "--learning-rate", "1e30", "--epochs", "3"), "a finite number"),
        (("--plot", "rounds.gif"), "picture: expected a file ending in .png"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_run__what_cannot_be__one_line_and_exit_code_1(holdfast, small, arguments, said):
    outcome = holdfast(*small, *arguments, "--json")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("holdfast: ")
    assert said in outcome.err


@pytest.mark.parametrize("owner", ["nobody", "0x12"])
def test_fund__neither_address_nor_folder__one_line_before_any_node_is_asked(holdfast, owner):
    outcome = holdfast("chain", "fund", owner)
    said = f"holdfast: Invalid value: expected an address or a peer's folder, got {owner}"
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(said)


def test_run__text_in_a_column_of_numbers__names_line_and_column(holdfast, small, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("length,label\n1.5,yes\nlong,no\n")
    outcome = holdfast(*small, "--dataset", str(path))
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "own.csv, line 3, column length: expected a number, got 'long'" in outcome.err


def test_run__a_folder_with_something_in_it__is_left_alone(holdfast, small, tmp_path):
    (tmp_path / "mine").write_text("precious")
    outcome = holdfast(*small, "--keep", str(tmp_path))
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected an empty or a new one" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_run__kept_with_other_flags__is_refused(holdfast, small, kept):
    outcome = holdfast(*small, "--seed", "1", "--keep", str(kept))
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected seed 0, got seed 1" in outcome.err


def test_run__matplotlib_missing__is_said_before_the_run(holdfast, small, monkeypatch):
    monkeypatch.setattr("localnet.plot.find_spec", lambda name: None)
    outcome = holdfast(*small, "--plot", "rounds.png")
    assert (outcome.code, outcome.out) == (1, "")
    assert "pip install 'holdfast[plot]'" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("model",),
        ("localnet", "run", "--peers", "many"),
        ("localnet", "run", "--hidden", "wide"),
        ("localnet", "run", "--nope"),
        ("audit",),
        ("audit", "--dir", "a", "--rpc", "http://b"),
        ("audit", "--dir", "a", "--contract", "0x00"),
        ("audit", "--rpc", "http://b"),
        ("watch", "--dir", "a", "--once", "--until-block", "3"),
    ],
    ids=" ".join,
)
def test_root__no_command_line__one_line_and_exit_code_2(holdfast, arguments):
    outcome = holdfast(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("holdfast: ")
    assert outcome.err.endswith("--help)\n")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "holdfast: interrupted\n"),
        (OSError(28, "No space left on device", "model.bin"), 1, "model.bin: No space left"),
    ],
    ids=["interrupted", "full disk"],
)
def test_root__what_stops_a_command__is_one_line(holdfast, kept, monkeypatch, error, code, said):
    def fail(*_):
        raise error

    monkeypatch.setattr("node.model_file.pull_model", fail)
    outcome = holdfast("model", "pull", "--dir", str(kept), "--out", "model.bin")
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.slow
def test_run__the_disk_full_in_the_middle__one_line_and_the_run_goes_on_later(
    holdfast, small, tmp_path
):
    # Files of 1000 blocks of 512 bytes: room for the founding, and not for eight rounds.
    arguments = [*small, "--rounds", "8", "--keep", str(tmp_path / "run"), "--json"]
    limited = ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", *START, *arguments]
    stopped = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert stopped.returncode == 1
    assert stopped.stderr.startswith("holdfast: ")
    assert stopped.stderr.count("\n") == 1
    resumed = holdfast(*arguments)
    assert (resumed.code, resumed.err) == (0, "")
    assert resumed.summary["rounds"] == 8
    assert resumed.summary["head"] == holdfast(*small, "--rounds", "8", "--json").summary["head"]


def test_root__nobody_reads_any_more__is_quiet(kept):
    watching = [*START, "watch", "--dir", str(kept), "--once"]
    with subprocess.Popen(
        watching, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
