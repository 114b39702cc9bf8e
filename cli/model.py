"""`holdfast model`: the agreed model as a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options

app = typer.Typer(help="The agreed model as a file: pull, verify, export.")

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")]


Force = Annotated[bool, typer.Option("--force", help="Write over another file of that name.")]


@app.command()
def pull(
    out: Out,
    height: options.Height = None,
    force: Force = False,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
) -> None:
    """Write an agreed model's payload, verified against the root on the chain."""
    from node.model_file import pull_model, write_model

    with options.open_source(directory, rpc, contract, blobs) as source:
        source.contract.observer.poll()
        model = pull_model(source.contract.observer.ledger, source.blobs, height)
        write_model(out, model.payload, is_forced=force)
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
    force: Force = False,
    peer: options.Peer = None,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
) -> None:
    """Write an agreed model as the learner's arrays, with the names and dtypes of the spec.

    Beside them, as "holdfast": head, learner, and how rows become features (docs/data.md).
    """
    from localnet.desk import find_home, find_recipe
    from node.model_file import check_format, export_model, pull_model

    check_format(out)
    folder = peer or directory
    data = None if folder is None else find_recipe(folder)
    home = None if peer is None or directory is not None else find_home(peer)
    if home is not None:
        # Its chain is read from the disk, whether it is served or not.
        peer, directory = None, home[0]
    with options.open_any_source(peer, directory, rpc, contract, blobs) as source:
        ledger = source.contract.observer.ledger
        model = pull_model(ledger, source.blobs, height)
        about = export_model(ledger, model, out, data, is_forced=force)
    _say(out, model.head.height, model.head.round, model.head.model_root)
    _say_data(about["data"], folder)


def _say_data(data: dict[str, Any], folder: Path | None) -> None:
    """Say what of the data is in the file. `folder`: where it was looked for."""
    from node.data.recipe import CLASSES
    from node.data.recipe_file import RECIPE, has_gaps
    from node.data.share import OWN

    if data["source"] == OWN:
        typer.echo("its learner brings its own data: what a row is, and a class, is for it to say")
        return
    if data["columns"] is None:
        where = "--dir and --peer may" if folder is None else f"nor has {folder}, in a {RECIPE}"
        typer.echo(f"without columns and classes: the chain has them not, {where}")
        return
    unnamed = "classes without their names" if CLASSES in data.get("own", ()) else "a number"
    classes = unnamed if data["classes"] is None else f"{len(data['classes'])} classes"
    columns = f"{len(data['columns'])} columns" if data["columns"] else f"{data['width']} features"
    typer.echo(f"with {columns}, {classes}; {data['scaling']}")
    if has_gaps(data):
        typer.echo(
            "what comes of each peer's own rows (numbers to scale by, categories, classes) is "
            "null: its own data.json alone has it"
        )


def _say(path: Path, height: int, round_id: int, root: bytes) -> None:
    typer.echo(f"{path}: model of height {height}, round {round_id}, root 0x{root.hex()}")
