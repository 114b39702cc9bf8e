"""The systemd unit in docs: systemd takes it, and holdfast its command line."""

import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.root import KEY_USED, MISUSED

UNIT = Path(__file__).parent.parent / "docs" / "holdfast-peer.service"


@pytest.fixture
def unit():
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(UNIT.read_text())
    return parser


def test_unit__its_command_line__is_one_of_holdfast(unit):
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "holdfast"
    assert words[:3] == ["peer", "run", "peer"]
    outcome = CliRunner().invoke(app, [*words, "--help"], terminal_width=200)
    assert outcome.exit_code == 0
    assert "Usage: holdfast peer run" in outcome.output
    flags = [word for word in words if word.startswith("--")]
    assert flags == ["--password-file", "--metrics"]
    assert [flag for flag in flags if flag not in outcome.output] == []


def test_unit__a_key_used_elsewhere__is_never_started_again(unit):
    service = unit["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == [str(MISUSED), str(KEY_USED)]


def test_unit__its_password__comes_from_a_credential(unit):
    service = unit["Service"]
    name = service["LoadCredential"].partition(":")[0]
    assert f"--password-file ${{CREDENTIALS_DIRECTORY}}/{name}" in service["ExecStart"]
    assert "Environment" not in service


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="expected systemd-analyze")
def test_unit__systemd__has_nothing_to_complain_of(tmp_path):
    # Only the program is not where it will be.
    text = UNIT.read_text()
    program = "/opt/holdfast/.venv/bin/holdfast"
    assert text.count(program) == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(program, sys.executable))
    verify = ["systemd-analyze", "verify", "--man=no", str(copy)]
    told = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout + told.stderr) == (0, "")
    # It would complain of what is none.
    copy.write_text(
        text.replace(program, sys.executable).replace("KillMode=mixed", "KillMod=mixed")
    )
    told = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert "KillMod" in told.stderr
