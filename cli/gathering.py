"""Blobs that a peer's folder lacks, fetched from the others before everybody's eyes."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.display import print_json

if TYPE_CHECKING:
    from node.blobs.disk import DiskBlobs
    from node.blobs.fetching import Fetcher
    from node.contract import Contract
    from node.daemon.bell import Bell
    from node.daemon.gathering import Gathered, Wanted
    from node.daemon.opening import Account
    from node.settings import Settings


def fetch(
    folder: Path,
    settings: "Settings",
    account: "Account",
    contract: "Contract",
    wanted: "list[Wanted]",
    *,
    as_json: bool,
) -> None:
    """Fetch what the folder lacks, and tell of each blob; in the name of the account's seat, or in
    nobody's, where those serve who have public blobs."""
    from node.blobs.disk import DiskBlobs
    from node.daemon.bell import Bell
    from node.daemon.gathering import gather
    from node.settings import BLOBS

    store = DiskBlobs(folder / BLOBS)
    if all(store.has(each.blob) for each in wanted):
        return
    with (
        closing(Bell()) as bell,
        _open_fetcher(settings, account, contract, store, bell) as fetcher,
    ):
        for gathered in gather(wanted, store, fetcher, bell):
            _tell(gathered, as_json=as_json)


def _open_fetcher(
    settings: "Settings", account: "Account", contract: "Contract", store: "DiskBlobs", bell: "Bell"
) -> "Fetcher":
    from time import time

    from node.daemon.opening import find_own_seat, open_fetcher

    return open_fetcher(
        contract,
        store,
        account,
        find_own_seat(contract, account.address),
        settings,
        clock=lambda: int(time()),
        notify=bell.ring,
    )


def _tell(gathered: "Gathered", *, as_json: bool) -> None:
    blob, error = gathered.wanted.blob, gathered.error
    if as_json:
        told: dict[str, Any] = {"event": "fetched", "blob": blob.name, "bytes": blob.size_bytes}
        print_json(told | {"error": None if error is None else str(error)})
    else:
        typer.echo(f"fetched {blob.name}" if error is None else f"not to be had: {error}")
