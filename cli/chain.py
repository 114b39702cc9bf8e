"""`holdfast chain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.display import print_json

if TYPE_CHECKING:
    from chain.devnet.devnet import Devnet
    from chain.devnet.server import Server

app = typer.Typer(help="A development chain.")

INTERRUPTED = 130


@app.callback()
def chain() -> None:
    """A development chain."""


@app.command()
def fund(
    owners: Annotated[
        list[str],
        typer.Argument(metavar="0x…|FOLDER", help="Who is to have it: addresses, peers' folders."),
    ],
    rpc: Annotated[str, typer.Option("--rpc", metavar="ENDPOINT")] = "http://127.0.0.1:8545",
    ether: Annotated[int, typer.Option(min=1, help="What each is to own.")] = 100,
    as_json: options.Json = False,
) -> None:
    """Let addresses own some ether of a development chain, paid by its unlocked accounts."""
    from chain.connect import open_endpoint
    from chain.funding import fund as fund_accounts
    from chain.types import Wei

    addresses = [_read_owner(owner) for owner in owners]
    with open_endpoint(rpc) as web3:
        fund_accounts(web3, addresses, Wei(ether * 10**18))
    if as_json:
        print_json({"event": "funded", "addresses": addresses, "least_wei": ether * 10**18})
        return
    for address in addresses:
        typer.echo(f"{address} owns {ether} ether or more")


@app.command()
def serve(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", help="Keep it here, or go on here.", show_default="in memory"
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8545,
    block_seconds: Annotated[
        float | None,
        typer.Option(
            "--block-seconds",
            metavar="N",
            min=0.01,
            help="Mine a block every N seconds.",
            show_default="when a transaction comes",
        ),
    ] = None,
    is_on_demand: Annotated[
        bool,
        typer.Option(
            "--on-demand",
            help="With --block-seconds: mine also when a transaction comes.",
        ),
    ] = False,
    accounts: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Funded accounts.", show_default="16"),
    ] = None,
    chain_id: Annotated[
        int | None, typer.Option("--chain-id", min=1, max=2**63 - 1, show_default="31337")
    ] = None,
    show_keys: Annotated[
        bool, typer.Option("--show-keys", help="Print the accounts' (publicly known) keys.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Serve a chain over HTTP and WebSocket until interrupted.

    Its accounts are unlocked and their keys known to everybody: nothing on it has any value.
    """
    import signal
    from time import time

    from chain.devnet.devnet import Devnet
    from chain.devnet.limits import LogLimits
    from chain.devnet.serving import check_directory
    from chain.devnet.serving import serve as serve_chain

    if is_on_demand and block_seconds is None:
        raise typer.BadParameter("--on-demand goes with --block-seconds N")
    if directory is not None:
        check_directory(directory)
    with Devnet(
        directory=directory,
        chain_id=chain_id,
        accounts=accounts,
        clock=lambda: int(time()),
        limits=LogLimits(),
    ) as devnet:

        def announce(server: "Server") -> None:
            show = _print_json if as_json else _print
            show(devnet, server, with_keys=show_keys)

        stopped_by = serve_chain(
            devnet,
            host=host,
            port=port,
            block_seconds=block_seconds,
            is_on_demand=is_on_demand,
            announce=announce,
        )
    if stopped_by == signal.SIGINT:
        raise typer.Exit(INTERRUPTED)


def _read_owner(owner: str) -> str:
    """Return the address itself, or that of the key in a peer's folder."""
    from eth_utils.address import is_address

    from chain.wallet import read_address
    from node.settings import KEYSTORE

    if is_address(owner):
        return owner
    if not Path(owner).is_dir():
        raise typer.BadParameter(f"expected an address or a peer's folder, got {owner}")
    return read_address(Path(owner) / KEYSTORE)


def _print(devnet: "Devnet", server: "Server", *, with_keys: bool) -> None:
    typer.echo(f"chain {devnet.chain_id} at {server.url} and {_socket_url(server)}")
    typer.echo(f"kept in {devnet.directory or 'memory'}, {len(devnet.accounts)} accounts unlocked")
    for account in devnet.accounts:
        key = f"  0x{bytes(account.key).hex()}" if with_keys else ""
        typer.echo(f"  {account.address}{key}")


def _print_json(devnet: "Devnet", server: "Server", *, with_keys: bool) -> None:
    import json

    accounts = [
        {"address": account.address}
        | ({"key": f"0x{bytes(account.key).hex()}"} if with_keys else {})
        for account in devnet.accounts
    ]
    kept = None if devnet.directory is None else str(devnet.directory)
    state = {
        "event": "serving",
        "url": server.url,
        "socket_url": _socket_url(server),
        "chain_id": devnet.chain_id,
        "directory": kept,
        "accounts": accounts,
    }
    typer.echo(json.dumps(state))


def _socket_url(server: "Server") -> str:
    return server.url.replace("http", "ws", 1)
