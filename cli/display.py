"""A run as it goes: a live table on a terminal, a line per round elsewhere, or JSON."""

import json
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, Self

import typer

from localnet.report import Progress, RoundEnded, Summary

if TYPE_CHECKING:
    from rich.table import Table

    from localnet.cohort import Task
    from localnet.setting import Setting

SHOWN_ROUNDS = 12
SHOWN_CLASSES = 10
REDRAW_SECONDS = 0.1
TRAINING_SECONDS = 10.0
BPS_PER_PERCENT = 100


class Display(AbstractContextManager["Display"], Protocol):
    """Shows what a run reports; a context manager."""

    def show(self, report: Progress | RoundEnded) -> None:
        """Show the next report."""
        ...


class _Leaving:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class JsonLines(_Leaving):
    """One object per round that ended; `extra` stands in each."""

    def __init__(self, extra: Mapping[str, Any]) -> None:
        self._extra = extra

    def show(self, report: Progress | RoundEnded) -> None:
        if isinstance(report, RoundEnded):
            print_json({**report.to_dict(), **self._extra})


class PlainLines(_Leaving):
    """One line per round that ended, without control characters; one whenever the round waits for
    others than before; and now and then one about a training that takes long."""

    def __init__(self) -> None:
        self._last: Progress | None = None
        self._told_at = perf_counter()

    def show(self, report: Progress | RoundEnded) -> None:
        if isinstance(report, RoundEnded):
            number, phase, *figures = _cells(report)
            names = ("commits", "votes", "stake", "accuracy", "loss", "seconds")
            named = (f"{name} {figure}" for name, figure in zip(names, figures, strict=True))
            typer.echo(f"round {number:>4}  {phase:<7} " + "  ".join(named))
            return
        last, self._last = self._last, report
        is_same = last is not None and _wait_of(last) == _wait_of(report)
        if report.waits_for and not is_same:
            typer.echo(f"round {report.round:>4}  {report.phase:<7} {_describe_wait(report)}")
        if report.training and perf_counter() - self._told_at > TRAINING_SECONDS:
            typer.echo(f"round {report.round:>4}  {report.training}")
            self._told_at = perf_counter()


class LiveTable:
    """The last rounds and the one that runs, redrawn in place."""

    def __init__(self) -> None:
        from rich.live import Live

        self._ended: deque[RoundEnded] = deque(maxlen=SHOWN_ROUNDS)
        self._current: Progress | None = None
        self._drawn_at = 0.0
        self._live = Live(self._draw(), auto_refresh=False)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._live)
        return self

    def __exit__(self, *_: object) -> None:
        self._current = None
        self._live.update(self._draw(), refresh=True)
        self._stack.close()

    def show(self, report: Progress | RoundEnded) -> None:
        if isinstance(report, RoundEnded):
            self._ended.append(report)
        else:
            self._current = report
        # Drawing takes time from the run, so not at every report.
        if perf_counter() - self._drawn_at > REDRAW_SECONDS:
            self._live.update(self._draw(), refresh=True)
            self._drawn_at = perf_counter()

    def _draw(self) -> "Table":
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, pad_edge=False, caption_justify="left")
        for name in ("round", "phase", "commits", "votes", "stake", "accuracy", "loss", "seconds"):
            table.add_column(name, justify="left" if name == "phase" else "right")
        for ended in self._ended:
            table.add_row(*_cells(ended), style=None if ended.is_agreed else "yellow")
        if self._current is not None:
            table.add_row(*_cells(self._current), style="dim")
            table.caption = escape(_describe_progress(self._current)) or None
        return table


def open_display(*, as_json: bool, extra: Mapping[str, Any]) -> Display:
    """Return the display that fits where the output goes."""
    if as_json:
        return JsonLines(extra)
    return LiveTable() if sys.stdout.isatty() else PlainLines()


def follow(reports: Iterable[Progress | RoundEnded], display: Display) -> list[RoundEnded]:
    """Run a federation to its end before everybody's eyes; return the rounds that ended."""
    ended = []
    with display:
        for report in reports:
            display.show(report)
            if isinstance(report, RoundEnded):
                ended.append(report)
    return ended


def print_json(content: Mapping[str, Any]) -> None:
    """Print one object on a line, at once."""
    typer.echo(json.dumps(content, ensure_ascii=False))
    sys.stdout.flush()


def print_setting(setting: "Setting", kinds: Mapping[int, str]) -> None:
    """Say what is about to run: task, data, rule, and who will not play by it."""
    from node.algorithms.catalogue import describe_algorithm
    from node.data.balance import tell_balance
    from node.rule.parameters import Selection, Weighting

    task, parameters = setting.task, setting.task.parameters
    typer.echo(
        f"task   {task.spec.name}, {task.spec.learner} of {parameters.coordinates:,} coordinates"
    )
    algorithm, options = describe_algorithm(task.spec.algorithm)
    typer.echo(" ".join([f"by     {algorithm}", *(f"{name}={options[name]}" for name in options)]))
    typer.echo(f"data   {_describe_data(task)}")
    if task.treatment:
        typer.echo(f"       {task.treatment}")
    for line in (*(() if task.balance is None else tell_balance(task.balance)), *task.remarks):
        typer.echo(f"       {line}")
    length = parameters.clip / 2**parameters.update_bits
    clip = f"{length:.3g} ({parameters.clip:,} units)" if parameters.clip else "none"
    typer.echo(
        f"rule   selection {Selection(parameters.selection).name.lower()}, "
        f"weighting {Weighting(parameters.weighting).name.lower()}, "
        f"trim {_percent(parameters.trim_bps)}, faults {_percent(parameters.faults_bps)}, "
        f"clip {clip}"
    )
    for each in task.spec.kept:
        typer.echo(f"kept   {each.name} ({each.dtype} {list(each.shape)}) stays with each peer")
    for reason in task.reasons:
        typer.echo(f"chosen {reason}")
    if kinds:
        faulty = ", ".join(f"{seat} {kind}" for seat, kind in sorted(kinds.items()))
        typer.echo(f"seats  {len(setting.peers)}, Byzantine: {faulty}")


def _describe_data(task: "Task") -> str:
    from node.data.balance import describe_evenness

    if task.balance is None:
        return "each peer's learner brings its own"
    samples = [peer.samples for peer in task.balance.peers]
    sizes = f"{task.spec.partition}: {min(samples)} to {max(samples)} samples a peer"
    return "\n       ".join([sizes, describe_evenness(task.balance)])


def print_summary(summary: Summary) -> None:
    """Say in a few lines what came of a run."""
    gas = summary.gas_per_peer_round
    typer.echo(
        f"agreed {summary.agreed} of {summary.rounds} rounds, "
        + ("" if summary.accuracy is None else f"accuracy {summary.accuracy:.3f}, ")
        + f"loss {summary.loss:.3f}"
    )
    if summary.accuracy_by_class:
        mean = sum(summary.accuracy_by_class.values()) / len(summary.accuracy_by_class)
        typer.echo(f"class  mean {mean:.3f}: {_say_classes(summary.accuracy_by_class)}")
    typer.echo(
        f"took   {summary.seconds:.1f} s, {summary.seconds_per_round:.3f} s a round"
        + ("" if gas is None else f", {gas:,} gas a peer and round")
    )
    if summary.voided:
        typer.echo(
            f"void   {summary.voided} results, {summary.refuted} refuted, "
            f"{summary.slashed_wei / 10**18:g} ether slashed"
        )
    typer.echo(f"head   0x{summary.head.hex()}")


def _say_classes(accuracies: Mapping[str, float]) -> str:
    """Return the accuracy of each class, the worst first; of many, that of the worst."""
    ordered = sorted(accuracies.items(), key=lambda pair: (pair[1], pair[0]))
    said = ", ".join(f"{name} {accuracy:.3f}" for name, accuracy in ordered[:SHOWN_CLASSES])
    left = len(ordered) - SHOWN_CLASSES
    return said if left <= 0 else f"{said} and {left} that do better"


def _wait_of(progress: Progress) -> tuple[object, ...]:
    return progress.round, progress.phase, progress.waits_for


def _describe_wait(progress: Progress) -> str:
    seats = ", ".join(map(str, progress.waits_for))
    return f"waits for peer{'s' if len(progress.waits_for) > 1 else ''} {seats}"


def _describe_progress(progress: Progress) -> str:
    """Return what there is to say beside the figures: for whom it waits, how far learners are."""
    wait = _describe_wait(progress) if progress.waits_for else ""
    return "\n".join(filter(None, (wait, progress.training)))


def _percent(bps: int) -> str:
    return f"{bps / BPS_PER_PERCENT:g} %"


def _cells(report: Progress | RoundEnded) -> tuple[str, ...]:
    if isinstance(report, RoundEnded):
        phase = "agreed" if report.is_agreed else "lapsed"
        accuracy = "none" if report.accuracy is None else f"{report.accuracy:.3f}"
        judged = (accuracy, f"{report.loss:.3f}", f"{report.seconds:.2f}")
    else:
        phase, judged = report.phase, ("", "", "")
    stake = f"{report.stake_bps / BPS_PER_PERCENT:.1f} %"
    return (str(report.round), phase, str(report.commits), str(report.votes), stake, *judged)
