"""A run as a picture: accuracy and loss by round, and who held how much of what."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from localnet.errors import PlotRefused
from localnet.report import RoundEnded
from node.data.balance import BalanceReport
from node.whole_file import write_whole

COLOURS = ("#0b6e99", "#5a9e3d", "#c2452d", "#8456a8")
"""Told apart by dark and light as well, for print and for the colour-blind."""

LOG_RATIO = 20


def check_plot(path: Path) -> None:
    """Raise PlotRefused where no picture could be drawn there: better before a run than after."""
    if path.suffix.lower() != ".png":
        raise PlotRefused("picture", "a file ending in .png", repr(path.name))
    if not path.absolute().parent.is_dir():
        raise PlotRefused("picture", "a folder that is there", path.absolute().parent)
    if find_spec("matplotlib") is None:
        raise PlotRefused("picture", "matplotlib (pip install 'holdfast[plot]')", "none")


def draw_rounds(path: Path, title: str, runs: Mapping[str, Sequence[RoundEnded]]) -> None:
    """Draw the runs by name, a panel each for accuracy and loss; lapsed rounds are hollow.

    Raises OSError where the file cannot be written; it appears whole or not at all.
    """
    # Drawn without pyplot: no window, no backend chosen for the whole process.
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(f"{title} (judged on data that no peer trains on)")
    # A learner of numbers instead of classes has no accuracy.
    all_rounds = [ended for rounds in runs.values() for ended in rounds]
    has_accuracy = any(ended.accuracy is not None for ended in all_rounds)
    panels = ("accuracy", "loss") if has_accuracy else ("loss",)
    for place, name in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), place + 1)
        for colour, (run, rounds) in zip(COLOURS, runs.items(), strict=False):
            numbers = [ended.round for ended in rounds]
            values = [getattr(ended, name) for ended in rounds]
            hollow = [i for i, ended in enumerate(rounds) if not ended.is_agreed]
            axes.plot(numbers, values, color=colour, label=run, linewidth=1.8)
            lapsed = ([numbers[i] for i in hollow], [values[i] for i in hollow])
            axes.plot(*lapsed, "o", color=colour, markerfacecolor="white", markersize=5)
        axes.set_xlabel("round")
        axes.set_ylabel(name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if name == "accuracy":
            axes.set_ylim(0, 1)
        elif _is_wide([ended.loss for ended in all_rounds]):
            axes.set_yscale("log")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        frameon=False,
        ncols=len(runs),
        loc="outside lower center",
    )
    content = BytesIO()
    figure.savefig(content, format="png", dpi=150)
    write_whole(path, content.getvalue())


def draw_balance(path: Path, title: str, report: BalanceReport) -> None:
    """Draw how many samples of each class every peer holds, as bars on each other. Raises OSError.

    More classes than colours are told apart by their order, from the bottom.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.add_subplot()
    numbers = [peer.peer for peer in report.peers]
    colours = colormaps["viridis"]
    below = [0] * len(numbers)
    for place, name in enumerate(report.classes):
        counts = [peer.counts[place] for peer in report.peers]
        colour = colours(place / max(1, len(report.classes) - 1))
        axes.bar(numbers, counts, bottom=below, color=colour, label=name, width=0.8)
        below = [low + count for low, count in zip(below, counts, strict=True)]
    axes.set_title(f"{title}: skew {report.skew:.2f} (0: classes alike at all peers)")
    axes.set_xlabel("peer")
    axes.set_ylabel("samples")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    # The topmost bar's class comes first.
    figure.legend(handles[::-1], labels[::-1], frameon=False, loc="outside right upper")
    content = BytesIO()
    figure.savefig(content, format="png", dpi=150)
    write_whole(path, content.getvalue())


def draw_diagnosis(
    path: Path,
    title: str,
    accuracies: Mapping[str, float],
    importances: Sequence[tuple[str, float, float]],
) -> None:
    """Draw accuracy by class, and what the score loses by column (name, mean, deviation), the first
    on top; a panel is left out where there is nothing for it. Raises OSError."""
    from matplotlib.figure import Figure

    panels = [*(["accuracy"] if accuracies else []), *(["importance"] if importances else [])]
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(title)
    for place, panel in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), place + 1)
        if panel == "accuracy":
            axes.barh(list(accuracies), list(accuracies.values()), color=COLOURS[0])
            axes.set_xlim(0, 1)
            axes.set_xlabel("accuracy by class")
        else:
            names, means, deviations = zip(*importances, strict=True)
            axes.barh(names, means, xerr=deviations, color=COLOURS[1])
            axes.set_xlabel("score lost when a column is shuffled")
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    content = BytesIO()
    figure.savefig(content, format="png", dpi=150)
    write_whole(path, content.getvalue())


def _is_wide(values: Sequence[float]) -> bool:
    """Return whether small values would not be seen beside large ones."""
    return bool(values) and 0 < min(values) < max(values) / LOG_RATIO
