"""How far a long work is: a bar on a terminal, now and then a line elsewhere."""

import sys
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from typing import Protocol

import typer

LINE_SECONDS = 10.0


class Steps(Protocol):
    """Told of each step that is done."""

    def advance(self) -> None: ...


class Bar:
    """A progress bar over steps; a context manager."""

    def __init__(self, name: str, total: int) -> None:
        from rich.progress import Progress

        self._progress = Progress(transient=True)
        self._task = self._progress.add_task(name, total=total)

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self) -> None:
        self._progress.advance(self._task)


class Silence:
    """Nothing is told."""

    def advance(self) -> None:
        """Do nothing."""


class Lines:
    """A line on stderr, not more often than every ten seconds."""

    def __init__(self, name: str, total: int) -> None:
        self._name = name
        self._total = total
        self._done = 0
        self._told_at = monotonic()

    def advance(self) -> None:
        self._done += 1
        if monotonic() - self._told_at > LINE_SECONDS:
            self._told_at = monotonic()
            typer.echo(f"{self._name}: {self._done} of {self._total}", err=True)


def open_progress(name: str, total: int, *, is_quiet: bool) -> AbstractContextManager[Steps]:
    """Return what fits where the output goes."""
    if is_quiet:
        return nullcontext(Silence())
    return Bar(name, total) if sys.stdout.isatty() else nullcontext(Lines(name, total))
