"""What README and docs tell a reader to type must exist, and what they link to must be there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("**/*.md")),
]
TEXT = {page: page.read_text() for page in PAGES}
COMMANDS = sorted(
    {
        command.replace("\\\n", " ").split("#")[0].strip()
        for text in TEXT.values()
        for command in re.findall(r"^ {4,}(holdfast (?!=)(?:.*\\\n)*.*)$", text, re.MULTILINE)
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_documents__a_command_line__has_its_command_and_flags(command: str) -> None:
    words = shlex.split(command)[1:]
    flags = [word for word in words if word.startswith("--")]
    path = []
    for word in words:
        if word.startswith("-") or (path and not _is_group(path)):
            break
        path.append(word)
    help_text = CliRunner().invoke(app, [*path, "--help"], terminal_width=200)
    assert help_text.exit_code == 0, help_text.output
    assert [flag for flag in flags if flag not in help_text.output] == []


def test_documents__make_targets__are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    typed = re.compile(r"(?:`|^    |, )make ([a-z-]+)", re.MULTILINE)
    named = {target for text in TEXT.values() for target in typed.findall(text)}
    assert named >= {"demo", "test", "check", "bench"}
    assert [target for target in named if f"\n{target}:" not in makefile] == []


def test_documents__links__lead_somewhere() -> None:
    for page, text in TEXT.items():
        for link in re.findall(r"\]\(([^)#]+)", text):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_documents__files_named__are_there() -> None:
    for page, text in TEXT.items():
        for name in re.findall(r"`((?:node|chain|contracts|localnet|cli|examples)/[\w/.]+)`", text):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def _is_group(path: list[str]) -> bool:
    output = CliRunner().invoke(app, [*path, "--help"], terminal_width=200).output
    return "COMMAND" in output
