"""The root of all commands: where errors become one line on stderr and an exit code.

0    it worked
1    it did not, for the reason on stderr; or an audit or the doctor found something
2    the command line is not one
3    a peer stopped since its key is used elsewhere: it must not be started again by a machine
130  interrupted
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from chain.errors import ChainError, hide_secrets
from node.errors import KeyUsedElsewhere, NodeError

FAILED, MISUSED, KEY_USED, INTERRUPTED = 1, 2, 3, 130

# Typer does not export the root of what it raises for a command line that is not one.
_Misuse: Any = typer.BadParameter.__mro__[1]


class Root(TyperGroup):
    """The outermost group of commands."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; with `standalone_mode` leave with its exit code, else return it."""
        code = self._run(args, prog_name, complete_var, extra)
        if not standalone_mode:
            return code
        sys.exit(code)

    def _run(
        self,
        args: Sequence[str] | None,
        prog_name: str | None,
        complete_var: str | None,
        extra: dict[str, Any],
    ) -> int:
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            return _go_quiet()
        except KeyUsedElsewhere as error:
            return _fail(str(error), KEY_USED)
        except (NodeError, ChainError) as error:
            return _fail(str(error), FAILED)
        except OSError as error:
            return _fail(_describe(error), FAILED)
        except _Misuse as error:
            where = error.ctx.command_path if error.ctx else prog_name
            return _fail(f"{error.format_message().rstrip('.')} (see {where} --help)", MISUSED)
        except typer.Abort:
            return _fail("expected an answer to the question, got none", FAILED)
        if code == INTERRUPTED:
            return _fail("interrupted", INTERRUPTED)
        return code or 0


def _fail(message: str, code: int) -> int:
    # An endpoint may carry a provider's key.
    typer.echo("holdfast: " + hide_secrets(" ".join(message.split())), err=True)
    return code


def _describe(error: OSError) -> str:
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{error.filename}: {reason}"


def _go_quiet() -> int:
    """Nobody reads any more: say nothing, not even when the interpreter flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
