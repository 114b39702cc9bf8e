import subprocess
import sys
from dataclasses import MISSING, fields

import pytest
import typer.main

from cli.app import app
from localnet.scenario import Scenario
from node.learning.options import MlpOptions

COMMANDS = [
    (),
    ("chain",),
    ("chain", "fund"),
    ("chain", "serve"),
    ("demo",),
    ("watch",),
    ("audit",),
    ("localnet",),
    ("localnet", "run"),
    *(("localnet", verb) for verb in ("up", "down", "kill", "start")),
    *(("localnet", verb) for verb in ("pause", "resume", "cut", "mend")),
    ("federation",),
    ("federation", "init"),
    ("federation", "create"),
    ("federation", "fund"),
    ("federation", "explain"),
    ("federation", "show"),
    ("peer",),
    *(("peer", verb) for verb in ("init", "join", "run", "status", "audit", "doctor")),
    *(("peer", verb) for verb in ("leave", "withdraw", "activate", "claim", "set-endpoint")),
    *(("peer", verb) for verb in ("explain", "diagnose")),
    ("dispute",),
    *(("dispute", verb) for verb in ("refute", "show", "challenge", "answer", "close", "collect")),
    ("rewards",),
    ("model",),
    ("model", "pull"),
    ("model", "verify"),
    ("model", "export"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help__of_every_command__answers_in_words(holdfast, command):
    outcome = holdfast(*command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert " ".join(("Usage: holdfast", *command)) in outcome.out


def test_help__of_the_root__tells_the_exit_codes(holdfast):
    words = " ".join(holdfast("--help").out.split())
    assert "Exit codes: 0 it worked" in words
    assert "130 interrupted" in words


def test_root__without_a_command__helps(holdfast):
    outcome = holdfast()
    assert outcome.code == 0
    assert "Usage: holdfast" in outcome.out


def test_version__asked__is_one_line(holdfast):
    outcome = holdfast("--version")
    assert outcome.code == 0
    assert outcome.out.startswith("holdfast ")
    assert outcome.out.count("\n") == 1


def test_commands__all__are_listed_here():
    def walk(group, path):
        yield path
        for name, command in getattr(group, "commands", {}).items():
            yield from walk(command, (*path, name))

    assert sorted(walk(typer.main.get_command(app), ())) == sorted(COMMANDS)


def test_run__every_field_of_the_scenario__has_an_option_that_shows_its_default():
    group = typer.main.get_command(app).commands["localnet"]
    shown = {p.name: p.show_default for p in group.commands["run"].params}
    defaults = [f for f in fields(Scenario) if f.name not in ("options", "byzantine")]
    learner = [f for f in fields(MlpOptions) if f.name != "hidden"]
    for field in [*defaults, *learner]:
        assert field.name in shown
        is_told = field.default not in (None, (), MISSING) and not isinstance(field.default, bool)
        if is_told:
            number = isinstance(field.default, float)
            told = f"{field.default:g}" if number else str(field.default)
            # Behind it may stand what holds without it.
            assert str(shown[field.name]).partition(", ")[0] == told, field.name


def test_import__of_the_command_line__brings_nothing_heavy():
    script = "import sys, cli.app; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "web3", "pydantic", "matplotlib", "sklearn", "eth"} & set(loaded)
