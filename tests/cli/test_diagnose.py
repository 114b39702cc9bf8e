"""An agreed model on a peer's own data, by the peer's own learner."""

import json
import os
import pickle
import shutil

import pytest
from command_lab import run_here

from localnet.kept import learners_path, note_folder
from node.learning.hosting import STATE
from node.learning.keeping import KEY


def diagnose(pair, *more):
    return pair.here("peer", "diagnose", pair.folder("a"), *more)


def test_diagnose__the_genesis_model__by_class_and_nothing_depends_on_any_column(idle_pair):
    outcome = diagnose(idle_pair, "--repeats", "2", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    (told,) = outcome.lines
    assert (told["event"], told["height"], told["score"]) == ("diagnosis", 0, "accuracy")
    assert set(told["classes"]) == {"0", "1"}
    trained = [each["trained"] for each in told["classes"].values()]
    held_out = [each["samples"] for each in told["classes"].values()]
    # Half of 569 rows less the fifth that nobody trains on, which is all judged on.
    assert (sum(trained), sum(held_out), told["samples"]) == (228, 114, 114)
    # Zeros tie, and the lowest class is said, whatever stands in a column.
    assert [each["accuracy"] for each in told["classes"].values()] == [1.0, 0.0]
    assert told["accuracy"] == held_out[0] / 114
    assert [each["mean"] for each in told["importance"]] == [0.0] * 30
    assert told["no_importance"] is None


def test_diagnose__in_words__classes_columns_and_a_picture(idle_pair, tmp_path):
    picture = tmp_path / "a.png"
    outcome = diagnose(idle_pair, "--repeats", "1", "--top", "3", "--plot", str(picture))
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].startswith("height 0, round 0: accuracy 0.5")
    assert lines[1].startswith("  trains on 228 samples, of classes as varied as 2.0 equally")
    assert "  0  accuracy 1.0000, loss 0.6931, on 57 samples held out; trained on 102" in lines
    assert "what accuracy loses when a column is shuffled, the first 3 of 30 columns" in lines
    assert lines[-3:] == [f"  column {place}  +0.0000 ± 0.0000" for place in range(3)]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("a", ("--height", "7"), "model: height: expected 0 to 0, got 7"),
        ("a", ("--plot", "a.jpg"), "picture: expected a file ending in .png, got 'a.jpg'"),
        ("b", (), "blob 0x"),
        ("none", (), "expected a peer's settings"),
    ],
)
def test_diagnose__nothing_to_judge__is_one_line(idle_pair, name, more, told):
    outcome = idle_pair.here("peer", "diagnose", idle_pair.folder(name), *more)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert told in outcome.err


def test_diagnose__a_seat_of_an_ended_up__judges_on_the_rows_that_it_trained_on(holdfast, up_once):
    (claimed,) = holdfast("peer", "explain", str(up_once), "--seat", "2", "--json").lines
    outcome = holdfast("peer", "diagnose", str(up_once), "--seat", "2", "--repeats", "1", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    (told,) = outcome.lines
    assert (told["seat"], told["height"], told["samples"]) == (2, 2, 113)
    trained = [each["trained"] for each in told["classes"].values()]
    assert sum(trained) == claimed["samples"]
    assert told["accuracy"] > 0.9
    assert max(each["mean"] for each in told["importance"]) > 0


@pytest.mark.slow
def test_diagnose__each_seat_of_a_kept_run__as_that_of_an_up_and_none_is_like_another(
    holdfast, kept_once, up_once
):
    seen = set()
    for seat in map(str, range(4)):
        seen_by = [
            holdfast("peer", "diagnose", str(each), "--seat", seat, "--repeats", "2", "--json")
            for each in (kept_once, up_once)
        ]
        assert [each.code for each in seen_by] == [0, 0]
        assert seen_by[0].lines == seen_by[1].lines
        seen.add(json.dumps(seen_by[0].lines[0]["classes"]))
    assert len(seen) == 4


@pytest.mark.slow
def test_diagnose__a_kept_run_on_rows_from_code__are_read_again_from_there(holdfast, tmp_path):
    (tmp_path / "made_rows.py").write_text(
        "import numpy as np\n\n\ndef made():\n"
        "    for x in np.random.default_rng(1).normal(size=(300, 3)).astype(np.float32):\n"
        "        yield x, 'ab'[int(x[0] > 0)]\n"
    )
    code, kept = ("--learner-path", str(tmp_path)), str(tmp_path / "run")
    usual = ("--peers", "3", "--rounds", "1", "--learner", "softmax", "--cores", "1")
    run = holdfast("localnet", "run", *usual, "--dataset", "made_rows:made", *code, "--keep", kept)
    assert run.code == 0, run.err
    outcome = holdfast("peer", "diagnose", kept, "--seat", "1", *code, "--repeats", "3", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    importance = {each["column"]: each["mean"] for each in outcome.lines[0]["importance"]}
    assert max(importance, key=importance.__getitem__) == "column 0"


def test_diagnose__a_kept_run_with_other_data_or_without_a_blob__is_one_line(holdfast, kept):
    def fail(*more):
        outcome = holdfast("peer", "diagnose", str(kept), "--seat", "2", *more)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
        return outcome.err

    entries = json.loads((kept / "run.json").read_text())
    (kept / "run.json").write_text(json.dumps({**entries, "data": "of another year"}))
    assert "expected the data it was begun with, got other data" in fail()
    (kept / "run.json").write_text(json.dumps(entries))
    for path in (kept / "blobs").iterdir():
        path.unlink()
    assert "holdfast: blob 0x" in fail("--height", "1")


def test_diagnose__what_goes_with_another_folder__is_one_line(holdfast, idle_pair, up_once):
    outcome = holdfast("peer", "diagnose", str(up_once), "--seat", "1", "--learner-path", ".")
    assert outcome.code == 1
    assert "--learner-path: expected only for a kept run: elsewhere the peer's " in outcome.err
    outcome = diagnose(idle_pair, "--seat", "1")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "expected its own, 0: the data of others are not here, got 1" in outcome.err


@pytest.fixture(scope="module")
def personal_once(tmp_path_factory):
    """A kept run of three peers, each with a head of its own."""
    directory = tmp_path_factory.mktemp("personal") / "run"
    outcome = run_here(
        *("localnet", "run", "--peers", "3", "--rounds", "1", "--dataset", "breast_cancer"),
        *("--learner", "softmax", "--keep-array", "array_1", "--cores", "1"),
        *("--keep", str(directory)),
    )
    assert outcome.code == 0, outcome.err
    return directory


def judge(directory, *more):
    return run_here("peer", "diagnose", str(directory), "--seat", "1", "--repeats", "0", *more)


class Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, target):
        self._target = target

    def __reduce__(self):
        return os.system, (f"touch {self._target}",)


def test_diagnose__a_kept_run_whose_state_would_run_a_command__runs_nothing_and_says_so(
    personal_once, tmp_path
):
    directory, target = shutil.copytree(personal_once, tmp_path / "run"), tmp_path / "ran"
    usual = judge(directory, "--json")
    assert (usual.code, usual.err) == (0, "")
    state = note_folder(learners_path(directory), 1) / STATE
    state.write_bytes(pickle.dumps({KEY: Payload(target)}))
    outcome = judge(directory, "--json")
    assert not target.exists()
    assert (outcome.code, outcome.err.count("\n")) == (0, 1)
    told = "containers of them, got posix.system; judged as a learner that remembers nothing"
    assert told in outcome.err
    # So it has not the arrays either that it kept.
    assert outcome.lines[0]["loss"] != usual.lines[0]["loss"]


def test_diagnose__an_earlier_height_with_a_head_of_ones_own__says_whose_arrays_it_has(
    personal_once,
):
    told = "  with the arrays that the peer keeps today (its learner's first where it keeps none)"
    earlier, latest = judge(personal_once, "--height", "0"), judge(personal_once)
    assert (earlier.code, latest.code) == (0, 0)
    assert earlier.out.splitlines()[1] == f"{told}, not those of height 0: array_1"
    assert told not in latest.out
    (found,) = judge(personal_once, "--height", "0", "--json").lines
    assert found["own_arrays"] == {"names": ["array_1"], "of": "today"}
