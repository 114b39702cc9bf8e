"""`holdfast`: all nouns joined."""

from typing import Annotated

import typer

from cli import audit, chain, demo, dispute, federation, localnet, model, peer, rewards, watch
from cli.root import Root

app = typer.Typer(
    cls=Root,
    name="holdfast",
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 it worked · 1 it failed, or an audit or the doctor found something · "
    "2 not a command line · 3 the peer's key is used elsewhere · 130 interrupted.",
)
app.command()(demo.demo)
app.add_typer(localnet.app, name="localnet")
app.add_typer(federation.app, name="federation")
app.add_typer(peer.app, name="peer")
app.add_typer(chain.app, name="chain")
app.command()(watch.watch)
app.add_typer(model.app, name="model")
app.command()(audit.audit)
app.add_typer(dispute.app, name="dispute")
app.command()(rewards.rewards)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"holdfast {version('holdfast')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def holdfast(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which version."),
    ] = False,
) -> None:
    """Organisations that do not trust each other train one model together.

    A contract on an Ethereum chain is the judge.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command that the command line names."""
    app(prog_name="holdfast")
