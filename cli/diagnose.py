"""`holdfast peer diagnose`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.display import print_json
from cli.folder import Folder
from cli.progress import open_progress

if TYPE_CHECKING:
    from chain.states import Head
    from node.contract import Contract
    from node.learning.diagnosis import Diagnosis, Importance
    from node.learning.examination import ClassJudged, Examined, Judged
    from node.settings import Settings

REPEATS, TOP = 5, 10


def diagnose(
    folder: Folder,
    height: options.Height = None,
    repeats: Annotated[
        int, typer.Option(min=0, help="How often each column is shuffled; 0: not at all.")
    ] = REPEATS,
    top: Annotated[int, typer.Option(min=1, help="So many columns are shown.")] = TOP,
    as_json: options.Json = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw accuracy by class and importance by column."),
    ] = None,
) -> None:
    """Judge an agreed model on this peer's own data: by class, and by which columns it goes.

    On rows that nobody trains on. The importance of a column is what the score (accuracy, or the
    negative loss) loses when the column is shuffled. Also while the peer is at work.
    """
    from localnet.plot import check_plot, draw_diagnosis
    from node.daemon.opening import open_contract
    from node.settings import read_settings

    if plot is not None:
        check_plot(plot)
    settings = read_settings(folder)
    with (
        open_contract(settings) as contract,
        _open_diagnosis(folder, settings, contract, height) as (head, diagnosis),
    ):
        found = _measure(contract, diagnosis, repeats, as_json=as_json)
        examined = diagnosis.examined
    if as_json:
        print_json(_describe(head, examined, found))
    else:
        _print(head, examined, found[:top], len(found))
    if plot is not None:
        accuracies = {
            each.name: each.judged.accuracy
            for each in examined.classes
            if each.judged is not None and each.judged.accuracy is not None
        }
        bars = [(each.column, each.mean, each.deviation) for each in found[:top]]
        draw_diagnosis(plot, f"height {head.height} on the data of {folder}", accuracies, bars)


@contextmanager
def _open_diagnosis(
    folder: Path, settings: "Settings", contract: "Contract", height: int | None
) -> "Iterator[tuple[Head, Diagnosis]]":
    """Begin the peer's own learner beside the one that may be at work. Raises PeerRefused for a key
    without a seat, ModelRefused, BlobMissing, and what learner and data refuse."""
    from chain.wallet import read_address
    from localnet.network import open_notes
    from node.blobs.disk import DiskBlobs
    from node.daemon.opening import count_round_seconds, describe_place, describe_share, find_seat
    from node.learning.diagnosis import Diagnosis
    from node.learning.trial import Subject
    from node.model_file import pull_model
    from node.settings import BLOBS, KEYSTORE
    from node.spec import parse_spec, rule_of
    from node.training import Course

    ledger = contract.observer.ledger
    seat = find_seat(contract, read_address(folder / KEYSTORE))
    model = pull_model(ledger, DiskBlobs(folder / BLOBS), height)
    spec = parse_spec(ledger.spec)
    subject = Subject(
        spec.learner,
        spec.options,
        describe_share(settings, spec),
        describe_place(settings, spec, contract, seat, folder.resolve()),
    )
    # It judges and learns nothing, so nothing is drawn.
    course = Course(spec.layout, rule_of(contract.parameters), spec.seed, 0, kept=spec.kept)
    hosting = settings.host(folder, count_round_seconds(contract))
    with (
        open_notes() as notes,
        Diagnosis(subject, course, model.payload, replace(hosting, notes=notes)) as diagnosis,
    ):
        yield model.head, diagnosis


def _measure(
    contract: "Contract", diagnosis: "Diagnosis", repeats: int, *, as_json: bool
) -> "list[Importance]":
    """Return the importance of all columns, the greatest first."""
    from node.spec import parse_spec

    columns = len(diagnosis.examined.columns)
    if not repeats or not columns:
        return []
    found = []
    seed = parse_spec(contract.observer.ledger.spec).seed
    with open_progress("columns", columns, is_quiet=as_json) as steps:
        for each in diagnosis.measure(repeats, seed):
            found.append(each)
            steps.advance()
    return sorted(found, key=lambda each: -each.mean)


def _describe(head: "Head", examined: "Examined", found: "list[Importance]") -> dict[str, Any]:
    whole = examined.whole
    return {
        "event": "diagnosis",
        "height": head.height,
        "round": head.round,
        "head": "0x" + head.model_root.hex(),
        "samples": whole.samples,
        "accuracy": whole.accuracy,
        "loss": whole.loss,
        "classes": {
            each.name: {"trained": each.trained}
            | ({} if each.judged is None else vars(each.judged))
            for each in examined.classes
        },
        "score": _name_score(whole),
        "importance": [vars(each) for each in found],
        "no_importance": examined.reason,
    }


def _print(head: "Head", examined: "Examined", found: "list[Importance]", columns: int) -> None:
    whole = examined.whole
    typer.echo(f"height {head.height}, round {head.round}: {_say(whole)}")
    for line in _tell_balance(examined):
        typer.echo(f"  {line}")
    if examined.classes:
        typer.echo("by class")
        wide = max(len(each.name) for each in examined.classes)
        for each in examined.classes:
            typer.echo(f"  {each.name:<{wide}}  {_say_class(each)}")
    if examined.reason is not None:
        typer.echo(f"no importance of columns: {examined.reason}")
    if found:
        first = "" if len(found) == columns else f", the first {len(found)} of {columns} columns"
        typer.echo(f"what {_name_score(whole)} loses when a column is shuffled{first}")
        wide = max(len(each.column) for each in found)
        for importance in found:
            said = f"{importance.mean:+.4f} ± {importance.deviation:.4f}"
            typer.echo(f"  {importance.column:<{wide}}  {said}")


def _tell_balance(examined: "Examined") -> tuple[str, ...]:
    """Return in words how uneven the classes are that the peer trains on."""
    import numpy as np

    from node.data.balance import compute_effective_classes, tell_counts

    counts = [each.trained for each in examined.classes if each.trained is not None]
    if not counts:
        return ()
    worth = compute_effective_classes(np.array(counts))
    names = [each.name for each in examined.classes]
    return (
        f"trains on {sum(counts)} samples, worth {worth:.1f} of {len(counts)} classes",
        *tell_counts(names, counts),
    )


def _say_class(each: "ClassJudged") -> str:
    trained = "" if each.trained is None else f"; trained on {each.trained}"
    return ("none held out" if each.judged is None else _say(each.judged)) + trained


def _say(judged: "Judged") -> str:
    parts = []
    if judged.accuracy is not None:
        parts.append(f"accuracy {judged.accuracy:.4f}")
    if judged.loss is not None:
        parts.append(f"loss {judged.loss:.4f}")
    if judged.samples is not None:
        parts.append(f"on {judged.samples} samples held out")
    return ", ".join(parts)


def _name_score(whole: "Judged") -> str:
    return "accuracy" if whole.accuracy is not None else "negative loss"
