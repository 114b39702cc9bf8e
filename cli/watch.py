"""`holdfast watch`."""

from time import sleep
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.display import print_json
from cli.events import describe_json, describe_line

if TYPE_CHECKING:
    from chain.observer import Observer
    from chain.types import Logged

POLL_SECONDS = 0.2


def watch(
    first: Annotated[
        int, typer.Option("--from", metavar="BLOCK", min=0, help="Leave out what came before.")
    ] = 0,
    last: Annotated[
        int | None,
        typer.Option("--until-block", metavar="N", min=0, help="Stop when block N was read."),
    ] = None,
    is_once: Annotated[bool, typer.Option("--once", help="Stop when all was read.")] = False,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
    as_json: options.Json = False,
) -> None:
    """Tell the contract's events, from its creation on and as they come.

    A line "rolled back" takes back what was told of later blocks: the chain was reorganised.
    """
    if is_once and last is not None:
        raise typer.BadParameter("expected at most one of --once and --until-block")
    with options.open_source(directory, rpc, contract, blobs) as source:
        observer = source.contract.observer
        while True:
            news = observer.poll()
            _tell_rollback(observer, as_json=as_json)
            for logged in news:
                if first <= logged.at.block and (last is None or logged.at.block <= last):
                    _tell(logged, as_json=as_json)
            if is_once or (last is not None and observer.block and observer.block.number >= last):
                return
            sleep(POLL_SECONDS)


def _tell(logged: "Logged", *, as_json: bool) -> None:
    if as_json:
        print_json(describe_json(logged))
    else:
        typer.echo(describe_line(logged))


def _tell_rollback(observer: "Observer", *, as_json: bool) -> None:
    keep = observer.rolled_back_to
    if keep is None:
        return
    if as_json:
        print_json({"event": "rolled_back", "keep": keep})
    else:
        typer.echo(f"{keep:>6}  rolled back: what was told of later blocks does not count")
