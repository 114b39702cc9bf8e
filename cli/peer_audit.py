"""`holdfast peer audit`."""

from typing import Annotated

import typer

from cli import options
from cli.folder import Folder, PasswordFile, open_folder
from cli.gathering import fetch
from cli.replay import replay
from cli.root import FAILED


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
    from node.blobs.disk import DiskBlobs
    from node.checkpoint import parse_checkpoint
    from node.daemon.gathering import list_wanted
    from node.daemon.opening import find_seat, open_contract
    from node.settings import BLOBS

    checkpoint = None if since is None else parse_checkpoint(since)
    with (
        open_folder(folder, password_file) as (settings, account),
        open_contract(settings) as contract,
    ):
        find_seat(contract, account.address)
        wanted = list_wanted(
            contract.observer.ledger, contract.naming, checkpoint.height if checkpoint else 0
        )
        fetch(folder, settings, account, contract, wanted, as_json=as_json)
        store = DiskBlobs(folder / BLOBS)
        if not replay(contract, store, since=checkpoint, as_json=as_json):
            raise typer.Exit(FAILED)
