"""`holdfast localnet`: a whole federation on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from cli import choosing, fleet, options, scenario_options
from cli.display import follow, open_display, print_json, print_summary
from cli.heading import print_setting
from cli.replay import replay
from cli.root import FAILED

app = typer.Typer(help="A whole federation on this machine.")

RUN = "Run"


@app.callback()
def localnet() -> None:
    """A whole federation on this machine."""


@app.command()
@scenario_options.with_federation
def run(
    context: typer.Context,
    rounds: scenario_options.Rounds = None,
    byzantine: scenario_options.Byzantine = None,
    watchtower: scenario_options.Watchtower = None,
    order_seed: scenario_options.OrderSeed = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep chain, blobs and journals there, or go on with the same run kept there.",
            rich_help_panel=RUN,
        ),
    ] = None,
    rpc: Annotated[
        str | None,
        typer.Option(
            "--rpc",
            metavar="ENDPOINT",
            show_default="an embedded chain",
            help="Run on a development node (anvil, hardhat, `holdfast chain serve`): "
            "http://HOST:PORT, ws://HOST:PORT (also https, wss), or a path to its IPC socket. Its "
            "blocks and its clock are ours meanwhile. Not with --keep.",
            rich_help_panel=RUN,
        ),
    ] = None,
    recompute_each: Annotated[
        bool,
        typer.Option(
            "--recompute-each",
            help="Let each peer recompute every result for itself instead of sharing one.",
            rich_help_panel=RUN,
        ),
    ] = False,
    cores: Annotated[
        int | None,
        typer.Option(min=1, show_default="all", help="To train on.", rich_help_panel=RUN),
    ] = None,
    does_audit: Annotated[
        bool, typer.Option("--audit", help="Audit after the run.", rich_help_panel=RUN)
    ] = False,
    as_json: options.Json = False,
    plot: options.Plot = None,
    plot_data: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw how many samples of each class a peer has."),
    ] = None,
) -> None:
    """Run a federation: an embedded chain, the contract, and all peers, on a simulated clock.

    The same options and the same seed give the same head, on whatever chain.

    Killed at any moment, a kept run goes on with the same command.
    """
    from localnet.network import Localnet

    if rpc is not None and keep is not None:
        raise typer.BadParameter("expected at most one of --keep DIR and --rpc ENDPOINT")
    scenario = choosing.choose_scenario(context.params)
    for picture in (plot, plot_data):
        if picture is not None:
            from localnet.plot import check_plot

            check_plot(picture)
    if plot_data is not None and scenario.brings_data:
        raise typer.BadParameter(
            "--plot-data: expected data that Holdfast deals (--dataset), got a learner that brings "
            "its own"
        )
    is_clean = True
    with Localnet(
        scenario,
        directory=keep,
        endpoint=rpc,
        cores=cores,
        shares_compute=not recompute_each,
        hosting=choosing.choose_hosting(scenario, context.params),
    ) as net:
        if not as_json:
            kinds = {seat: kind.kind for seat, kind in scenario.seat_kinds().items()}
            print_setting(net.setting, kinds)
        ended = follow(net.run(), open_display(as_json=as_json, extra={}))
        summary = net.summary()
        if summary.is_idle:
            typer.echo("holdfast: too few seats take part, so nothing happens any more", err=True)
        if does_audit:
            is_clean = replay(net.setting.contract, net.setting.store, as_json=as_json)
    if plot is not None:
        from localnet.plot import draw_rounds

        draw_rounds(plot, net.setting.task.spec.name, {scenario.rule: ended})
    task = net.setting.task
    if plot_data is not None and task.deal is not None:
        from localnet.plot import draw_balance

        draw_balance(plot_data, task.spec.name, task.deal.balance)
    if as_json:
        print_json(summary.to_dict())
    else:
        print_summary(summary)
    if not is_clean:
        raise typer.Exit(FAILED)


app.command()(fleet.up)
app.command()(fleet.kill)
app.command()(fleet.start)
app.command()(fleet.pause)
app.command()(fleet.resume)
app.command()(fleet.cut)
app.command()(fleet.mend)
app.command()(fleet.down)
