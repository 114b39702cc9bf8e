"""`holdfast federation`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import drafting, explain, options
from cli.amounts import say
from cli.display import print_json
from cli.events import to_json
from cli.folder import PasswordFile, open_folder
from cli.heading import describe_options

if TYPE_CHECKING:
    from chain.types import Seat
    from localnet.source import Source

app = typer.Typer(help="A federation on a chain.")
app.command()(drafting.init)
app.command("explain")(explain.explain_federation)

ETHER = 10**18


@app.callback()
def federation() -> None:
    """A federation on a chain."""


@app.command()
def show(
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
    as_json: options.Json = False,
) -> None:
    """Show where a federation stands: parameters, head, phase, seats."""
    with options.open_source(directory, rpc, contract, blobs) as source:
        source.contract.observer.poll()
        state = _describe(source)
    if as_json:
        print_json(state)
    else:
        _print(state)


@app.command()
def create(
    page: Annotated[
        Path, typer.Argument(metavar="PLAN.toml", help="What is learned, and by which rule.")
    ],
    folder: Annotated[
        Path, typer.Option("--peer", metavar="FOLDER", help="The founder's, by `peer init`.")
    ],
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Create a federation: calibrate by the founder's data, deploy, keep the first model."""
    from dataclasses import replace

    from node.founding import read_plan
    from node.seating import create_federation, end_founding, is_founding
    from node.settings import write_settings

    plan = read_plan(page.read_bytes(), str(page))
    with open_folder(folder, password_file) as (settings, account):
        if settings.contract is not None and not is_founding(folder):
            raise typer.BadParameter(f"{folder} takes part in {settings.contract} already")
        reasons: list[str] = []
        parameters, deployment = create_federation(folder, settings, account, plan, reasons.append)
        address = deployment.federation.address
        write_settings(folder, replace(settings, contract=address))
        end_founding(folder)
    if as_json:
        clip, root = parameters.clip, parameters.genesis.hex()
        state = {"event": "created", "contract": address, "block": deployment.block}
        print_json({**state, "clip": clip, "genesis": "0x" + root, "reasons": reasons})
        return
    typer.echo(f"contract {address}, created in block {deployment.block}")
    if plan.page.learner.options:
        told = describe_options(plan.page.learner.name, plan.page.learner.options)
        typer.echo(f"with     {told}")
    for reason in reasons:
        typer.echo(f"chosen   {reason}")
    typer.echo(f"the others: holdfast peer init FOLDER --contract {address} --rpc ...")


@app.command()
def fund(
    amount: Annotated[str, typer.Argument(metavar="ETHER", help="How much.")],
    folder: Annotated[
        Path, typer.Option("--peer", metavar="FOLDER", help="Whose key pays, by `peer init`.")
    ],
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Add ether to what rewards are paid from; it comes out again as rewards alone."""
    from chain.rewards import compute_pool
    from chain.types import Wei
    from node.daemon.opening import open_contract
    from node.rewarding import fund as add_to_pool

    wei = Wei(options.parse_ether("ETHER", amount))
    with (
        open_folder(folder, password_file) as (settings, account),
        open_contract(settings) as contract,
    ):
        receipt = add_to_pool(contract, account, wei)
        contract.observer.poll()
        pool = compute_pool(contract.observer.ledger)
    if as_json:
        state = {"event": "funded", "amount_wei": wei, "pool_wei": pool}
        print_json({**state, "block": receipt.block})
    else:
        typer.echo(f"added {say(wei)} in block {receipt.block}; the pool has {say(pool)}")


def _describe(source: "Source") -> dict[str, Any]:
    from chain.types import Seat
    from node.spec import parse_spec
    from node.view import build_view

    observer, federation = source.contract.observer, source.contract.federation
    ledger, block = observer.ledger, observer.block
    assert block is not None, "it was polled, and its creation is mined"
    head = ledger.head()
    return {
        "event": "federation",
        "address": federation.address,
        "chain_id": federation.chain_id,
        "block": block.number,
        "spec": parse_spec(ledger.spec).name,
        "phase": build_view(ledger, Seat(0)).phase(source.now()).value,
        "round": ledger.round.number,
        "head": {
            "height": head.height,
            "round": head.round,
            "key": to_json(head.key),
            "model_root": to_json(head.model_root),
        },
        "parameters": {
            name: to_json(value) for name, value in asdict(source.contract.parameters).items()
        },
        "seats": [_describe_seat(source, seat) for seat in sorted(ledger.seats)],
    }


def _describe_seat(source: "Source", seat: "Seat") -> dict[str, Any]:
    ledger = source.contract.observer.ledger
    record = ledger.seats[seat]
    first, stake = record.stakes[-1]
    return {
        "seat": seat,
        "owner": record.owner,
        "stake_wei": stake,
        "endpoint": record.endpoint,
        "counts_from": first,
        "counts_until": record.until or None,
        "watched_since": record.since or None,
        "is_retired": record.is_retired,
    }


def _print(state: dict[str, Any]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from cli.events import show_text
    from node.rule.parameters import Selection, Weighting

    names = {"weighting": Weighting, "selection": Selection}
    head = state["head"]
    typer.echo(f"federation {state['address']} on chain {state['chain_id']}: {state['spec']}")
    typer.echo(f"block      {state['block']}")
    typer.echo(f"round      {state['round']}, phase {state['phase']}")
    typer.echo(f"head       height {head['height']}, agreed in round {head['round']}")
    typer.echo(f"  key      {head['key']}")
    typer.echo(f"  model    {head['model_root']}")
    typer.echo("parameters")
    for name, value in state["parameters"].items():
        word = f" ({names[name](value).name.lower()})" if name in names else ""
        typer.echo(f"  {name:<17} {value}{word}")
    table = Table("seat", "owner", "stake", "endpoint", "counts", box=SIMPLE_HEAD, pad_edge=False)
    for seat in state["seats"]:
        until = "" if seat["counts_until"] is None else f" until round {seat['counts_until']}"
        table.add_row(
            str(seat["seat"]),
            seat["owner"],
            f"{seat['stake_wei'] / ETHER:g} ether",
            escape(show_text(seat["endpoint"])),
            f"from round {seat['counts_from']}{until}{_describe_silence(seat)}",
        )
    console = Console()
    # A line too long for a file is not folded there.
    Console(width=console.width if console.is_terminal else 120).print(table)


def _describe_silence(seat: dict[str, Any]) -> str:
    if seat["is_retired"]:
        return ", retired"
    return ", watched" if seat["watched_since"] else ""
