"""The command line in this process, and what it answered."""

import json
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner

from cli.app import app


class Outcome:
    """What a command answered."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        return self.lines[-1]


Holdfast = Callable[..., Outcome]


def run_here(*arguments: str) -> Outcome:
    result = CliRunner().invoke(app, list(arguments), prog_name="holdfast")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)
