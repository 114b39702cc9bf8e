"""A kept run goes on where it stopped, is refused where it is another, and is audited elsewhere."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from runs_lab import audit_kept, run, small

from localnet import kept
from localnet.errors import KeptRunRefused
from localnet.kept import KeptRun, read_run
from localnet.network import Localnet
from localnet.report import RoundEnded
from node.data.errors import UnreadableFile

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def undisturbed():
    return run(small(rounds=4))


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A run of two rounds, never changed."""
    kept_in = tmp_path_factory.mktemp("kept") / "run"
    run(small(rounds=2), directory=kept_in)
    return kept_in


@pytest.mark.slow
def test_run__resumed_after_its_end__reports_the_further_rounds_and_their_head(
    undisturbed, tmp_path
):
    first, _ = run(small(rounds=2), directory=tmp_path / "run")
    second, summary = run(small(rounds=4), directory=tmp_path / "run")
    assert [report.round for report in [*first, *second]] == [1, 2, 3, 4]
    assert summary.head == undisturbed[1].head
    assert (summary.rounds, summary.agreed) == (4, 4)
    assert audit_kept(tmp_path / "run") == (None, [r.model_root for r in undisturbed[0]])


@pytest.mark.parametrize(
    "steps", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 5)), 8]
)
def test_run__stopped_after_any_pass_and_resumed__has_the_head_of_one_that_was_not(
    undisturbed, tmp_path, steps
):
    with Localnet(small(rounds=4), directory=tmp_path / "run") as net:
        for count, _ in enumerate(net.run(), start=1):
            if count == steps:
                break
    ended, summary = run(small(rounds=4), directory=tmp_path / "run")
    assert summary.head == undisturbed[1].head
    assert all(report.is_agreed for report in ended)
    finding, roots = audit_kept(tmp_path / "run")
    assert (finding, roots) == (None, [r.model_root for r in undisturbed[0]])


def test_run__reopened_with_nothing_to_do__has_its_head_at_once(directory):
    ended, summary = run(small(rounds=2), directory=directory)
    assert ended == []
    assert (summary.rounds, summary.agreed) == (2, 2)
    assert summary.head == audit_kept(directory)[1][-1]


@pytest.mark.parametrize(
    "changed", [{"seed": 8}, {"peers": 4}, {"rule": "mean"}, {"byzantine": ("1:zero",)}]
)
def test_localnet__another_scenario_on_a_kept_run__is_refused(directory, changed):
    before = sorted(path.name for path in directory.rglob("*"))
    (name,) = changed
    with pytest.raises(KeptRunRefused, match=f"expected {name} .*, got {name} "):
        run(small(rounds=2, **changed), directory=directory)
    assert sorted(path.name for path in directory.rglob("*")) == before


def test_localnet__other_data_on_a_kept_run__are_refused(tmp_path):
    table = tmp_path / "own.csv"
    rows = [f"{i},{i % 7},{'ab'[i % 2]}" for i in range(60)]
    table.write_text("\n".join(["x,y,label", *rows]))
    scenario = small(rounds=1, dataset=str(table), clip=10_000)
    run(scenario, directory=tmp_path / "run")
    table.write_text("\n".join(["x,y,label", *rows[:-1], "59,3,a"]))
    with pytest.raises(KeptRunRefused, match="expected the data it was begun with, got other data"):
        run(scenario.with_rounds(2), directory=tmp_path / "run")


def test_localnet__a_folder_with_something_else_in_it__is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(KeptRunRefused, match="expected an empty or a new one"):
        run(small(), directory=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_localnet__what_killed_writes_have_left__is_cleared_also_where_founding_fails(tmp_path):
    for name in ("founding", "data.json.4242.tmp", "run.json.4243.tmp"):
        (tmp_path / name).touch()
    with pytest.raises(UnreadableFile):
        run(small(dataset=str(tmp_path.with_name("none.csv"))), directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_write_run__any_run__is_read_back(tmp_path):
    entry = KeptRun(small(options={"epochs": 2}), 31337, "0x" + "ab" * 20, 1, 5, "cd" * 32)
    kept.write_run(tmp_path, entry, b"the spec")
    assert read_run(tmp_path) == entry
    assert kept.has_run(tmp_path)
    assert (tmp_path / "spec.toml").read_bytes() == b"the spec"


@pytest.mark.parametrize(
    "content", ["", "[]", "3", "{}", '{"scenario": {}}', '{"scenario": {"pears": 3}}', "\ud800"]
)
def test_read_run__not_a_run__is_refused(tmp_path, content):
    (tmp_path / kept.RUN).write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(KeptRunRefused, match="expected a recorded run"):
        read_run(tmp_path)


def test_read_run__no_such_folder__is_refused(tmp_path):
    with pytest.raises(KeptRunRefused, match=r"expected a run\.json in it"):
        read_run(tmp_path / "none")


def test_audit__a_bit_flipped_in_any_blob_that_was_agreed_on__is_found(tmp_path):
    run(small(rounds=1), directory=tmp_path)
    blobs = sorted(p for p in kept.blobs_path(tmp_path).iterdir() if p.suffix == "")
    finding, roots = audit_kept(tmp_path)
    assert (finding, len(roots)) == (None, 1)
    for path in blobs:
        sound = path.read_bytes()
        path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 0x80]))
        finding, _ = audit_kept(tmp_path)
        assert finding is not None, path.name
        assert finding.leaf == (len(sound) - 1) // 256
        path.write_bytes(sound)


OTHER = os.environ.get("HOLDFAST_OTHER_PYTHON")


@pytest.mark.skipif(not OTHER, reason="HOLDFAST_OTHER_PYTHON names no second interpreter")
def test_audit__of_another_python_and_numpy__recomputes_every_root(tmp_path):
    """A run of digits and a hidden layer, so that the sums are of some size."""
    scenario = small(dataset="digits", learner="mlp", partition="dirichlet:0.5", peers=6)
    ended, _ = run(scenario, directory=tmp_path / "run")
    program = f"""
import json, sys
from pathlib import Path
sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
from runs_lab import audit_kept
finding, roots = audit_kept(Path({str(tmp_path / "run")!r}))
print(json.dumps([str(finding), [root.hex() for root in roots]]))
"""
    told = subprocess.run([OTHER, "-c", program], capture_output=True, text=True, check=True)
    finding, roots = json.loads(told.stdout)
    assert finding == "None"
    assert roots == [r.model_root.hex() for r in ended if isinstance(r, RoundEnded)]
