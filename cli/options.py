"""Options that more than one command has."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from localnet.source import Source

ETHER = 10**18

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE.png", help="Draw accuracy and loss by round."),
]
Dir = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="DIR",
        help="A run kept by `localnet run --keep`, or a folder of `localnet up`; also once ended.",
    ),
]
Rpc = Annotated[
    list[str] | None,
    typer.Option(
        "--rpc",
        metavar="ENDPOINT",
        show_default=False,
        help="A node: http://HOST:PORT, ws://HOST:PORT (also https, wss), or a path to its IPC "
        "socket. A second --rpc is compared with the first: it stops where they disagree.",
    ),
]
Address = Annotated[
    str | None, typer.Option("--contract", metavar="0x…", help="With --rpc: the federation.")
]
BlobsDir = Annotated[
    Path | None, typer.Option("--blobs", metavar="DIR", help="With --rpc: a folder of its blobs.")
]
Peer = Annotated[
    Path | None,
    typer.Option("--peer", metavar="FOLDER", help="A peer's: its node, its federation, its blobs."),
]
Height = Annotated[
    int | None,
    typer.Option(
        "--height", metavar="N", show_default="the head", help="Of which result; 0: genesis."
    ),
]


def parse_address(flag: str, text: str) -> tuple[str, int]:
    """Return host and port. Raises BadParameter, which names the flag."""
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit()):
        raise typer.BadParameter(f"{flag}: expected HOST:PORT, got {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def parse_ether(flag: str, text: str) -> int:
    """Return an amount of ether in wei. Raises BadParameter, which names the flag."""
    try:
        wei = Decimal(text) * ETHER
    except InvalidOperation as error:
        raise typer.BadParameter(f"{flag}: expected ether such as 1.5, got {text!r}") from error
    if not wei.is_finite() or wei <= 0 or wei != int(wei):
        raise typer.BadParameter(f"{flag}: expected more than 0, to the wei, got {text!r}")
    return int(wei)


@contextmanager
def open_source(
    directory: Path | None, rpc: list[str] | None, contract: str | None, blobs: Path | None
) -> Iterator["Source"]:
    """Open the one federation that the options name."""
    from localnet.source import open_endpoint, open_kept

    if (directory is None) == (not rpc):
        raise typer.BadParameter("expected one of --dir DIR and --rpc ENDPOINT --contract 0x…")
    if directory is not None:
        if contract is not None or blobs is not None:
            raise typer.BadParameter("--contract and --blobs go with --rpc, not with --dir")
        opened = open_kept(directory)
    else:
        assert rpc, "one of the two was given"
        if contract is None:
            raise typer.BadParameter("--rpc needs --contract 0x…")
        if len(rpc) > 2:
            raise typer.BadParameter(f"expected one --rpc or two to compare, got {len(rpc)}")
        opened = open_endpoint(rpc, contract, blobs, lambda: int(time()))
    with opened as source:
        yield source


@contextmanager
def open_any_source(
    peer: Path | None,
    directory: Path | None,
    rpc: list[str] | None,
    contract: str | None,
    blobs: Path | None,
) -> Iterator["Source"]:
    """Open the one federation that the options name, read to its latest block; a peer's folder may
    name it too, also while that peer is at work."""
    if sum(given is not None for given in (peer, directory, rpc)) != 1:
        ways = "one of --peer FOLDER, --dir DIR and --rpc ENDPOINT --contract 0x…"
        raise typer.BadParameter(f"expected {ways}")
    if peer is None:
        with open_source(directory, rpc, contract, blobs) as source:
            source.contract.observer.poll()
            yield source
        return
    if contract is not None or blobs is not None:
        raise typer.BadParameter("--contract and --blobs go with --rpc, not with --peer")
    from localnet.source import Source
    from node.blobs.disk import DiskBlobs
    from node.daemon.opening import open_contract
    from node.settings import BLOBS, read_settings

    with open_contract(read_settings(peer)) as opened:
        yield Source(opened, DiskBlobs(peer / BLOBS), lambda: int(time()))
