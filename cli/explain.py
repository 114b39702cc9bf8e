"""`holdfast peer explain` and `holdfast federation explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.display import print_json
from cli.explain_json import describe_explanation
from cli.explain_words import print_explanation
from cli.folder import AnyFolder, NoDir

if TYPE_CHECKING:
    from chain.types import Seat
    from localnet.desk import Desk
    from localnet.source import Source
    from node.explanation import Explanation, Past

Round = Annotated[
    int | None,
    typer.Argument(metavar="[ROUND]", show_default="the last that was agreed on", help="Which."),
]


def explain_peer(
    folder: AnyFolder,
    round_id: Round = None,
    seat: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="its own",
            help="Whose; of a whole federation it must be said.",
        ),
    ] = None,
    directory: NoDir = None,
    as_json: options.Json = False,
) -> None:
    """Say what became of a peer's update in a round, and why: clipped, left out, unpaid.

    FOLDER: the peer's own, or a kept run or that of `localnet up`, running or ended; those want
    --seat N. Reads the chain and the folder, also while the peer is at work. Where a blob is not in
    the folder, says what the chain says, and exits with 1 (peer audit fetches what is missing).
    """
    from chain.types import Seat
    from chain.wallet import read_address
    from localnet.desk import Desk, check_own, choose_seat, find_home, is_whole
    from node.daemon.opening import find_seat
    from node.settings import JOURNAL, KEYSTORE

    home = find_home(folder)
    if home is not None:
        folder, seat = home[0], home[1] if seat is None else seat
    if is_whole(folder):
        _explain_whole(folder, round_id, choose_seat(folder, seat), as_json=as_json)
        return
    check_own(folder)
    with options.open_any_source(folder, None, None, None, None) as source:
        if seat is None:
            own = find_seat(source.contract, read_address(folder / KEYSTORE))
            told = _explain(source, round_id, own)
            preparation = _read_preparation(Desk(folder / JOURNAL, folder), told)
            _tell(source, told, as_json=as_json, preparation=preparation)
        else:
            _tell(source, _explain(source, round_id, Seat(seat)), as_json=as_json)


def explain_federation(
    seat: Annotated[int, typer.Option(metavar="N", help="Whose update.")],
    round_id: Round = None,
    peer: options.Peer = None,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
    as_json: options.Json = False,
) -> None:
    """Say what became of a seat's update in a round, and why: clipped, left out, unpaid.

    With the chain alone it tells what the chain says; norms, distances and contributions need the
    blobs. --dir takes a kept run, or the folder of `localnet up`, running or ended.
    """
    from chain.types import Seat
    from localnet.desk import is_whole

    if peer is not None and is_whole(peer):
        raise typer.BadParameter(f"--peer: {peer} holds a whole federation, for --dir {peer}")
    if directory is not None and not (peer or rpc or contract or blobs):
        _explain_whole(directory, round_id, Seat(seat), as_json=as_json)
        return
    with options.open_any_source(peer, directory, rpc, contract, blobs) as source:
        _tell(source, _explain(source, round_id, Seat(seat)), as_json=as_json)


def _explain_whole(directory: Path, round_id: int | None, seat: "Seat", *, as_json: bool) -> None:
    """Tell of a seat of a whole federation, also what its desk there says."""
    from localnet.desk import find_desk

    with options.open_any_source(None, directory, None, None, None) as source:
        told, desk = _explain(source, round_id, seat), find_desk(directory, seat)
        preparation = () if desk is None else _read_preparation(desk, told)
        _tell(source, told, as_json=as_json, preparation=preparation)


def _explain(source: "Source", round_id: int | None, seat: "Seat") -> "Explanation":
    from chain.types import RoundId
    from node.explanation import explain, find_last_round

    past = _build_past(source)
    last = find_last_round(past.ledger) if round_id is None else RoundId(round_id)
    return explain(past, source.kept_blobs, last, seat)


def _build_past(source: "Source") -> "Past":
    from node.earnings import find_settled
    from node.explanation import Past

    observer = source.contract.observer
    assert observer.block is not None, "it was polled, and its creation is mined"
    settled = find_settled(observer.ledger, observer.block, source.now())
    naming = source.contract.naming
    return Past(observer.ledger, observer.block, observer.history, naming, settled)


def _read_preparation(desk: "Desk", told: "Explanation") -> tuple[str, ...]:
    """Return what the peer's own files know of an update that is not on the chain, in words."""
    from datetime import UTC, datetime

    from node.explanation import Fate, Outcome
    from node.journal import read_preparation
    from node.learning.hosting import TRACEBACK

    if told.fate is not Fate.SILENT or told.parent is None:
        return ()
    found = read_preparation(desk.journal, told.parent, told.round)
    if found is None:
        return (f"it has no journal: {desk.journal}",)
    is_open = told.outcome is Outcome.OPEN
    if found.is_announced:
        ending = "is not on the chain yet" if is_open else "did not reach the chain in time"
        return (f"its journal has it trained and about to be sent: it {ending}",)
    if found.trained is not None and is_open:
        return ("its journal has it trained so far",)
    if found.trained is not None:
        return ("its journal has it trained: it was ready too late, or nothing could be sent",)
    missing = "so far" if is_open else ": it was not trained here on that model"
    words = [f"its journal has no update for it{' ' if is_open else ''}{missing}"]
    traceback = desk.notes / TRACEBACK
    if traceback.exists():
        at = datetime.fromtimestamp(traceback.stat().st_mtime, UTC)
        words.append(f"its learner failed last at {at:%Y-%m-%d %H:%M:%S} UTC: {traceback}")
    return tuple(words)


def _tell(
    source: "Source", told: "Explanation", *, as_json: bool, preparation: tuple[str, ...] = ()
) -> None:
    """Print it; raise what of it was not to be had."""
    if as_json:
        print_json(describe_explanation(told, preparation))
    else:
        print_explanation(told, source.contract.parameters.update_bits, preparation)
    if told.missing is not None:
        raise told.missing
