import csv
import json
import re
import shutil
from ast import literal_eval
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from sklearn.datasets import load_breast_cancer

from localnet.fleet.fleet import peer_folder
from node.data.cells import MISSING
from node.data.recipe_file import RECIPE, read_recipe, write_recipe
from node.data.schema import parse_schema
from node.data.share import Share
from node.data.sources import load
from node.learning.hosting import Place
from node.learning.worker import Worker

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def pull(holdfast, kept, path, *more):
    return holdfast("model", "pull", "--dir", str(kept), "--out", str(path), *more)


def verify(holdfast, kept, path):
    return holdfast("model", "verify", "--dir", str(kept), str(path))


@pytest.mark.parametrize("height", [0, 1, 2])
def test_verify__what_was_pulled__tells_the_height(holdfast, kept, tmp_path, height):
    path = tmp_path / "model.bin"
    assert pull(holdfast, kept, path, "--height", str(height)).code == 0
    outcome = verify(holdfast, kept, path)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"height {height}, round {height}, root 0x" in outcome.out


def test_pull__no_height__is_the_head(holdfast, kept, tmp_path):
    pull(holdfast, kept, tmp_path / "head")
    pull(holdfast, kept, tmp_path / "second", "--height", "2")
    assert (tmp_path / "head").read_bytes() == (tmp_path / "second").read_bytes()


def test_verify__a_changed_bit__names_the_leaf(holdfast, kept, tmp_path):
    path = tmp_path / "model.bin"
    pull(holdfast, kept, path)
    content = bytearray(path.read_bytes())
    content[9] ^= 1
    path.write_bytes(content)
    outcome = verify(holdfast, kept, path)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "differs from the head (height 2) first in leaf 0" in outcome.err


def test_verify__another_size__says_which(holdfast, kept, tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(7))
    outcome = verify(holdfast, kept, path)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected 248 bytes, got 7" in outcome.err


def test_pull__no_such_height__is_one_line_and_no_file(holdfast, kept, tmp_path):
    outcome = pull(holdfast, kept, tmp_path / "model.bin", "--height", "3")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected 0 to 2, got 3" in outcome.err
    assert not (tmp_path / "model.bin").exists()


def test_pull__a_damaged_blob__is_one_line_and_no_file(holdfast, kept, tmp_path):
    path = tmp_path / "model.bin"
    root = pull(holdfast, kept, path).out.split()[-1]
    path.unlink()
    (kept / "blobs" / root).write_bytes(bytes(248))
    outcome = pull(holdfast, kept, path)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert not path.exists()


def test_pull__no_such_folder__names_the_file_that_was_asked_for(holdfast, kept, tmp_path):
    path = tmp_path / "absent" / "model.bin"
    outcome = pull(holdfast, kept, path)
    assert (outcome.code, outcome.err) == (1, f"holdfast: {path}: No such file or directory\n")


def export(holdfast, kept, path, *more):
    return holdfast("model", "export", "--dir", str(kept), "--out", str(path), *more)


def test_export__either_format__same_arrays_with_the_specs_names(holdfast, kept, tmp_path):
    for suffix in ("npz", "safetensors"):
        outcome = export(holdfast, kept, tmp_path / f"model.{suffix}")
        assert (outcome.code, outcome.err) == (0, "")
    root = outcome.out.splitlines()[0].split()[-1]
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    told = str(arrays.pop("holdfast"))
    tensors = load_file(tmp_path / "model.safetensors")
    assert sorted(arrays) == sorted(tensors)
    assert sorted(array.shape for array in arrays.values()) == [(2,), (2, 30)]
    for name, array in arrays.items():
        assert array.dtype == tensors[name].dtype
        np.testing.assert_array_equal(array, tensors[name])
    with safe_open(tmp_path / "model.safetensors", "np") as file:
        metadata = file.metadata()
    assert metadata == {"root": root, "round": "2", "height": "2", "holdfast": told}
    about = json.loads(told)
    assert about["head"] == {"height": 2, "round": 2, "root": root}
    assert [each["name"] for each in about["arrays"]] == list(arrays)
    assert about["learner"] == {"name": "softmax", "options": {}}
    assert about["data"]["classes"] == ["malignant", "benign"]


def test_export__a_table_of_the_users__is_used_as_the_documents_say(
    holdfast, kept, tmp_path, monkeypatch, capsys
):
    """The page's own lines, on raw measurements, give what the learner says of its own rows."""
    assert export(holdfast, kept, tmp_path / "model.npz").code == 0
    raw = load_breast_cancer()
    lines = [",".join(f'"{name}"' for name in raw.feature_names)]
    lines += [",".join(map(repr, row)) for row in raw.data.tolist()]
    (tmp_path / "patients.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    page: dict[str, Any] = {}
    exec(snippet, page)
    with (tmp_path / "patients.csv").open(newline="") as file:
        found = [page["predict"](row) for row in csv.DictReader(file)]
    data = load("breast_cancer")
    scores = data.features @ page["arrays"][0].T + page["arrays"][1]
    assert found == [data.classes[place] for place in scores.argmax(axis=1)]
    assert set(found) == set(data.classes)
    assert capsys.readouterr().out == f"{found[0]}\n"


def test_data_page__its_words_for_an_empty_cell__are_the_readers():
    (words,) = re.findall(r"^EMPTY = (.*)$", PAGE.read_text(), re.MULTILINE)
    assert literal_eval(words) == MISSING


def test_export__another_file_of_that_name__is_left_alone_unless_forced(holdfast, kept, tmp_path):
    path = tmp_path / "model.npz"
    first = export(holdfast, kept, path, "--height", "1")
    content = path.read_bytes()
    assert export(holdfast, kept, path, "--height", "1").out == first.out
    outcome = export(holdfast, kept, path)
    told = f"model: file {path}: expected a new one (--force writes over it), got another"
    assert (outcome.code, outcome.err) == (1, f"holdfast: {told} of that name\n")
    assert path.read_bytes() == content
    assert export(holdfast, kept, path, "--force").code == 0
    assert path.read_bytes() != content


def test_pull__another_file_of_that_name__is_left_alone_unless_forced(holdfast, kept, tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"mine")
    assert pull(holdfast, kept, path).code == 1
    assert path.read_bytes() == b"mine"
    assert pull(holdfast, kept, path, "--force").code == 0
    assert pull(holdfast, kept, path).code == 0


def test_export__a_run_that_kept_no_recipe__says_that_columns_are_not_known(
    holdfast, kept, tmp_path
):
    (kept / RECIPE).unlink()
    outcome = export(holdfast, kept, tmp_path / "model.npz")
    assert (outcome.code, outcome.err) == (0, "")
    told = "without columns and classes: the chain has them not, nor has"
    assert outcome.out.splitlines()[1] == f"{told} {kept}, in a {RECIPE}"
    with np.load(tmp_path / "model.npz") as file:
        about = json.loads(str(file["holdfast"]))
    assert (about["data"]["source"], about["data"]["columns"]) == ("breast_cancer", None)


def test_export__an_up_that_has_ended__has_the_columns_that_its_peers_know(
    holdfast, kept_once, up_once, tmp_path
):
    directory, recipe = shutil.copytree(up_once, tmp_path / "up"), read_recipe(kept_once)
    assert recipe is not None
    write_recipe(peer_folder(directory, 0), recipe)
    for way in (("--dir", str(directory)), ("--peer", str(peer_folder(directory, 0)))):
        path = tmp_path / f"by{way[0]}.npz"
        outcome = holdfast("model", "export", *way, "--out", str(path))
        assert (outcome.code, outcome.err) == (0, "")
        with np.load(path) as file:
            about = json.loads(str(file["holdfast"]))
        assert about["head"]["height"] == 2
        assert about["data"]["classes"] == ["malignant", "benign"]
        assert about["data"]["columns"] == recipe["columns"]


@pytest.mark.slow
def test_export__a_peers_folder__has_of_its_rows_what_the_page_declares(idle_pair, tmp_path):
    """What its learner's process leaves in the folder is what the exported file is made of."""
    folder, path = Path(idle_pair.folder("a")), tmp_path / "model.npz"
    table = tmp_path / "clinic.csv"
    table.write_text("age,dose,sick\n" + "30,1,no\n40,2,yes\n" * 9)
    schema = parse_schema({"columns": {"age": {"mean": 40.0, "deviation": 10.0}}})
    share = Share(str(table), None, None, "iid", 0.2, 0, schema)
    try:
        Worker().enrol_share(0, "softmax", {}, share, Place(notes=folder))
        outcome = idle_pair.here("model", "export", "--peer", str(folder), "--out", str(path))
    finally:
        (folder / RECIPE).unlink(missing_ok=True)
    assert (outcome.code, outcome.err) == (0, "")
    assert "with 2 columns, classes without their names; " in outcome.out
    assert "what comes of each peer's own rows (numbers to scale by, cat" in outcome.out
    with np.load(path) as file:
        about = json.loads(str(file["holdfast"]))
    assert (about["data"]["source"], about["data"]["classes"]) == (None, None)
    found = [(each["minus"], each["divided_by"]) for each in about["data"]["features"]]
    assert found == [(40.0, 10.0), (None, None)]


@pytest.mark.slow
def test_export__a_table_with_categories_and_empty_cells__predicts_a_row_of_it(
    holdfast, tmp_path, monkeypatch, capsys
):
    rows = [
        f"{30 + place % 40},{'fm'[place % 2]},{'' if place % 9 == 4 else place % 7},"
        f"{'ill' if place % 40 > 19 else 'well'}"
        for place in range(200)
    ]
    monkeypatch.chdir(tmp_path)
    Path("patients.csv").write_text("age,sex,dose,outcome\n" + "\n".join(rows) + "\n")
    declared = '[data]\nmissing = "fill"\n[data.columns]\nsex = ["f", "m"]\n'
    Path("page.toml").write_text(declared)
    run = holdfast(
        *("localnet", "run", "--dataset", "patients.csv", "--data-page", "page.toml"),
        *("--partition", "iid", "--peers", "3", "--rounds", "5", "--keep", "run", "--cores", "1"),
    )
    assert run.code == 0, run.err
    assert "numbers scaled to mean 0 and deviation 1, empty cells filled\n" in run.out
    assert "empty cells filled: 22\n" in run.out
    assert holdfast("model", "export", "--dir", "run", "--out", "model.npz").code == 0
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    page: dict[str, Any] = {}
    exec(snippet, page)
    with Path("patients.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    right = sum(page["predict"](row) == row["outcome"] for row in table)
    assert right > 0.9 * len(table)
    assert capsys.readouterr().out == f"{page['predict'](table[0])}\n"


def test_export__an_unknown_format__is_one_line(holdfast, kept, tmp_path):
    outcome = holdfast("model", "export", "--dir", str(kept), "--out", str(tmp_path / "model.pt"))
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected .npz or .safetensors" in outcome.err
