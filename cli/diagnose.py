"""`holdfast peer diagnose`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.display import print_json
from cli.folder import AnyFolder, NoDir
from cli.progress import open_progress

if TYPE_CHECKING:
    from chain.states import Head
    from chain.types import Seat
    from localnet.examinee import Examinee
    from node.contract import Contract
    from node.learning.diagnosis import Diagnosis, Importance
    from node.learning.examination import ClassJudged, Examined, Judged

REPEATS, TOP = 5, 10


def diagnose(
    folder: AnyFolder,
    height: options.Height = None,
    seat: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="its own",
            help="Whose; of a whole federation it must be said.",
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=0, help="How often each column is shuffled; 0: not at all.")
    ] = REPEATS,
    top: Annotated[int, typer.Option(min=1, help="So many columns are shown.")] = TOP,
    learner_path: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default="where the command runs",
            help="Of a kept run with a learner of one's own: the folder of its module.",
        ),
    ] = None,
    directory: NoDir = None,
    as_json: options.Json = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw accuracy by class and importance by column."),
    ] = None,
) -> None:
    """Judge an agreed model on a peer's own data: by class, and by which columns it goes.

    FOLDER: the peer's own, or a kept run or that of `localnet up`, running or ended; those want
    --seat N. On rows that nobody trains on. The importance of a column is what the score (accuracy,
    or the negative loss) loses when the column is shuffled. Also while the peer is at work.
    """
    from localnet.examinee import open_examinee
    from localnet.plot import check_plot, draw_diagnosis
    from node.model_file import find_head, pull_model

    if plot is not None:
        check_plot(plot)
    with open_examinee(folder, seat, learner_path) as examinee:
        if examinee.left_out is not None:
            typer.echo(f"holdfast: {examinee.left_out}", err=True)
        model = pull_model(examinee.contract.observer.ledger, examinee.blobs, height)
        head = model.head
        with _open_diagnosis(examinee, model.payload) as diagnosis:
            found = _measure(examinee.contract, diagnosis, repeats, as_json=as_json)
            examined = diagnosis.examined
        own = _name_own(examinee.contract)
        is_past = head != find_head(examinee.contract.observer.ledger, None)
    if as_json:
        print_json(_describe(head, examinee.seat, examined, found, own))
    else:
        _print(head, examined, found[:top], len(found), own if is_past else ())
    if plot is not None:
        accuracies = {
            each.name: each.judged.accuracy
            for each in examined.classes
            if each.judged is not None and each.judged.accuracy is not None
        }
        bars = [(each.column, each.mean, each.deviation) for each in found[:top]]
        title = f"height {head.height} on the data of seat {examinee.seat}, {folder}"
        draw_diagnosis(plot, title, accuracies, bars)


@contextmanager
def _open_diagnosis(examinee: "Examinee", payload: bytes) -> "Iterator[Diagnosis]":
    """Begin the peer's own learner beside the one that may be at work. Raises what learner and data
    refuse."""
    from localnet.network import open_notes
    from node.learning.diagnosis import Diagnosis
    from node.spec import parse_spec, rule_of
    from node.training import Course

    contract = examinee.contract
    spec = parse_spec(contract.observer.ledger.spec)
    # It judges and learns nothing, so nothing is drawn.
    course = Course(spec.layout, rule_of(contract.parameters), spec.seed, 0, kept=spec.kept)
    with open_notes() as notes:
        hosting = replace(examinee.hosting, notes=notes)
        with Diagnosis(examinee.subject, course, payload, hosting) as diagnosis:
            yield diagnosis


def _measure(
    contract: "Contract", diagnosis: "Diagnosis", repeats: int, *, as_json: bool
) -> "list[Importance]":
    """Return the importance of all columns, the greatest first."""
    from node.spec import parse_spec

    columns = len(diagnosis.examined.columns)
    if not repeats or not columns:
        return []
    seed = parse_spec(contract.observer.ledger.spec).seed
    with open_progress("shuffles", columns * repeats, is_quiet=as_json) as steps:
        found = list(diagnosis.measure(repeats, seed, steps.advance))
    return sorted(found, key=lambda each: -each.mean)


def _name_own(contract: "Contract") -> tuple[str, ...]:
    """Return the arrays that stay with their peers: of those only the last are known."""
    from node.spec import parse_spec

    return tuple(each.name for each in parse_spec(contract.observer.ledger.spec).kept)


def _describe(
    head: "Head",
    seat: "Seat",
    examined: "Examined",
    found: "list[Importance]",
    own: tuple[str, ...],
) -> dict[str, Any]:
    whole = examined.whole
    return {
        "event": "diagnosis",
        "seat": seat,
        "height": head.height,
        "round": head.round,
        "head": "0x" + head.model_root.hex(),
        # Whatever the height: no others are kept.
        "own_arrays": {"names": list(own), "of": "today"} if own else None,
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


def _print(
    head: "Head",
    examined: "Examined",
    found: "list[Importance]",
    columns: int,
    later: tuple[str, ...],
) -> None:
    """Print what was found. `later`: arrays that are not of that height."""
    whole = examined.whole
    typer.echo(f"height {head.height}, round {head.round}: {_say(whole)}")
    if later:
        names = ", ".join(later)
        typer.echo(
            f"  with the arrays that the peer keeps today (its learner's first where it keeps "
            f"none), not those of height {head.height}: {names}"
        )
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
        f"trains on {sum(counts)} samples, of classes as varied as {worth:.1f} equally frequent "
        f"ones ({len(counts)} at most)",
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
