"""`holdfast model`: the agreed model as a file."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options

app = typer.Typer(help="The agreed model as a file: pull, verify, export.")

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")]


@app.command()
def pull(
    out: Out,
    height: options.Height = None,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
) -> None:
    """Write an agreed model's payload, verified against the root on the chain."""
    from node.model_file import pull_model
    from node.whole_file import write_whole

    with options.open_source(directory, rpc, contract, blobs) as source:
        source.contract.observer.poll()
        model = pull_model(source.contract.observer.ledger, source.blobs, height)
        write_whole(out, model.payload)
    _say(out, model.head.height, model.head.round, model.head.model_root)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A payload, as `pull` writes it.")],
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
) -> None:
    """Say which agreed model a file holds; exit with 1 if it is none."""
    from node.model_file import identify_model

    with options.open_source(directory, rpc, contract, blobs) as source:
        source.contract.observer.poll()
        head = identify_model(source.contract.observer.ledger, source.kept_blobs, file)
    _say(file, head.height, head.round, head.model_root)


@app.command()
def export(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.npz|FILE.safetensors", help="Where to write.")
    ],
    height: options.Height = None,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
) -> None:
    """Write an agreed model as the learner's arrays, with the names and dtypes of the spec."""
    from node.model_file import check_format, export_model, pull_model

    check_format(out)
    with options.open_source(directory, rpc, contract, blobs) as source:
        source.contract.observer.poll()
        ledger = source.contract.observer.ledger
        model = pull_model(ledger, source.blobs, height)
        export_model(ledger, model, out)
    _say(out, model.head.height, model.head.round, model.head.model_root)


def _say(path: Path, height: int, round_id: int, root: bytes) -> None:
    typer.echo(f"{path}: model of height {height}, round {round_id}, root 0x{root.hex()}")
