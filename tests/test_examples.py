"""Every example runs as its README says, and says something."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
FOLDERS = sorted(page.parent for page in (ROOT / "examples").glob("*/README.md"))
NEEDS = {"digits_torch": "torch"}
READS = {"oil_temperature": "ETTh1.csv"}
"""Of the folder that HOLDFAST_DATA names."""
NUMBERS = {"linear_admm", "oil_temperature"}
"""What learns a number has no accuracy."""
SCREEN_LINES = 40


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example__run_as_a_program__ends_well(path: Path) -> None:
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert done.stderr == ""


def test_examples__their_readme__names_each() -> None:
    text = (EXAMPLES[0].parent / "README.md").read_text()
    assert [path.name for path in EXAMPLES if f"`{path.name}`" not in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_example__a_folders_one_command__trains_and_draws(folder: Path, tmp_path: Path) -> None:
    needed = NEEDS.get(folder.name, "numpy")
    pytest.importorskip(needed, reason=f"{needed} is an extra")
    wanted = READS.get(folder.name, "")
    if wanted and not (Path(os.environ.get("HOLDFAST_DATA", "nowhere")) / wanted).exists():
        pytest.skip(f"HOLDFAST_DATA names no folder with {wanted}")
    page = (folder / "README.md").read_text()
    assert len(page.splitlines()) <= SCREEN_LINES
    (command,) = re.findall(r"^    (holdfast localnet run .*)$", page, re.MULTILINE)
    words = shlex.split(command)
    words[words.index("--rounds") + 1] = "2"
    pictures = [at for at, word in enumerate(words) if word.endswith(".png")]
    assert pictures
    for at in pictures:
        words[at] = str(tmp_path / words[at])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "cli", *words[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    judged = "loss" if folder.name in NUMBERS else "accuracy"
    assert f"agreed 2 of 2 rounds, {judged} " in done.stdout
    for at in pictures:
        assert Path(words[at]).read_bytes()[:4] == b"\x89PNG"


def test_examples__their_readme__names_each_folder() -> None:
    text = (ROOT / "examples" / "README.md").read_text()
    assert [each.name for each in FOLDERS if f"({each.name}/README.md)" not in text] == []
