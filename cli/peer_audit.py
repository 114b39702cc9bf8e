"""`holdfast peer audit`."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.display import print_json
from cli.folder import Folder, PasswordFile, open_folder
from cli.replay import replay
from cli.root import FAILED

if TYPE_CHECKING:
    from node.daemon.gathering import Gathered


def audit(
    folder: Folder,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="HEIGHT:0x…",
            show_default="genesis",
            help="Take what was agreed up to there for granted: a checkpoint.",
        ),
    ] = None,
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Fetch what the federation's past was computed from, and recompute it.

    Names the first thing that does not match and exits with 1. What was fetched stays in the
    folder, so a second audit is quick.
    """
    from time import time

    from node.blobs.disk import DiskBlobs
    from node.checkpoint import parse_checkpoint
    from node.daemon.bell import Bell
    from node.daemon.gathering import gather, list_wanted
    from node.daemon.opening import find_seat, open_contract, open_fetcher
    from node.settings import BLOBS

    checkpoint = None if since is None else parse_checkpoint(since)
    with ExitStack() as opened:
        settings, account = opened.enter_context(open_folder(folder, password_file))
        contract = opened.enter_context(open_contract(settings))
        seat = find_seat(contract, account.address)
        store, bell = DiskBlobs(folder / BLOBS), Bell()
        wanted = list_wanted(
            contract.observer.ledger, contract.naming, checkpoint.height if checkpoint else 0
        )
        fetcher = opened.enter_context(
            open_fetcher(
                contract,
                store,
                account,
                seat,
                settings,
                clock=lambda: int(time()),
                notify=bell.ring,
            )
        )
        for gathered in gather(wanted, store, fetcher, bell):
            _tell(gathered, as_json=as_json)
        if not replay(contract, store, since=checkpoint, as_json=as_json):
            raise typer.Exit(FAILED)


def _tell(gathered: "Gathered", *, as_json: bool) -> None:
    blob, error = gathered.wanted.blob, gathered.error
    if as_json:
        told: dict[str, Any] = {"event": "fetched", "blob": blob.name, "bytes": blob.size_bytes}
        print_json(told | {"error": None if error is None else str(error)})
    else:
        typer.echo(f"fetched {blob.name}" if error is None else f"not to be had: {error}")
