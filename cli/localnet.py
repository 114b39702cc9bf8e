"""`holdfast localnet`: a whole federation on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.display import follow, open_display, print_json, print_setting, print_summary
from cli.replay import replay
from cli.root import FAILED

if TYPE_CHECKING:
    from localnet.scenario import Scenario

app = typer.Typer(help="A whole federation on this machine.")

LEARNER_OPTIONS = ("hidden", "learning_rate", "epochs", "batch_size", "l2")
LEARNER, RULE, TIME, RUN = "Learner", "Rule", "Simulated time", "Run"


@app.callback()
def localnet() -> None:
    """A whole federation on this machine."""


def _parse_widths(text: str) -> list[int]:
    try:
        return [int(width) for width in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"expected widths such as 32,16, got {text!r}") from error


@app.command()
def run(
    context: typer.Context,
    peers: Annotated[int | None, typer.Option(show_default="10", help="Seats, 1 to 128.")] = None,
    rounds: Annotated[int | None, typer.Option(show_default="10", help="How many.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(show_default="digits", help="digits, breast_cancer, or a .npz or .csv file."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(show_default="the last", help="Label column of a .csv file.")
    ] = None,
    partition: Annotated[
        str | None,
        typer.Option(
            show_default="dirichlet:0.5", help="iid, dirichlet:ALPHA or shards:N: who holds what."
        ),
    ] = None,
    byzantine: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COUNT:KIND[:STRENGTH]",
            show_default="nobody",
            help="Seats that misbehave, the highest first; may be repeated. Kinds: sign_flip, "
            "boost, noise, zero, absent, garbage, withhold, serve_half.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(show_default="0", help="What everything is drawn from.")
    ] = None,
    order_seed: Annotated[
        int | None,
        typer.Option(
            show_default="by seat", help="Let peers act, and blobs arrive, in another order."
        ),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(show_default="mlp", help="mlp or softmax.", rich_help_panel=LEARNER),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHS",
            show_default="32",
            help="Hidden layers of an mlp, such as 32,16.",
            rich_help_panel=LEARNER,
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(show_default="0.1", help="Of a step.", rich_help_panel=LEARNER),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            show_default="1", help="Passes over a peer's data in a round.", rich_help_panel=LEARNER
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(show_default="32", help="Samples of a step.", rich_help_panel=LEARNER),
    ] = None,
    l2: Annotated[
        float | None,
        typer.Option(
            "--l2", show_default="0", help="Weight of the squared norm.", rich_help_panel=LEARNER
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            show_default="vouched",
            help="vouched, multi_krum, trimmed_mean, median or mean.",
            rich_help_panel=RULE,
        ),
    ] = None,
    weighting: Annotated[
        str | None,
        typer.Option(show_default="stake", help="stake, equal or samples.", rich_help_panel=RULE),
    ] = None,
    trim_bps: Annotated[
        int | None,
        typer.Option(
            show_default="the rule's",
            help="Weight trimmed at either end, in 1/10,000.",
            rich_help_panel=RULE,
        ),
    ] = None,
    faults_bps: Annotated[
        int | None,
        typer.Option(
            show_default="the rule's",
            help="Faulty weight to bear, in 1/10,000.",
            rich_help_panel=RULE,
        ),
    ] = None,
    clip: Annotated[
        int | None,
        typer.Option(
            show_default="4 times the median norm of a dry round",
            help="Longest update, in its units; 0: none.",
            rich_help_panel=RULE,
        ),
    ] = None,
    update_bytes: Annotated[
        int | None,
        typer.Option(show_default="2", help="Of a coordinate: 1 or 2.", rich_help_panel=RULE),
    ] = None,
    update_bits: Annotated[
        int | None,
        typer.Option(
            show_default="14, or 7 with one byte",
            help="An update's unit is 2^-bits.",
            rich_help_panel=RULE,
        ),
    ] = None,
    model_bits: Annotated[
        int | None,
        typer.Option(show_default="20", help="A model's unit is 2^-bits.", rich_help_panel=RULE),
    ] = None,
    min_updates: Annotated[
        int | None,
        typer.Option(show_default="3", help="Fewest commits of a round.", rich_help_panel=RULE),
    ] = None,
    commit_seconds: Annotated[
        int | None,
        typer.Option(show_default="600", help="Longest wait for commits.", rich_help_panel=TIME),
    ] = None,
    grace_seconds: Annotated[
        int | None,
        typer.Option(
            show_default="30", help="Wait for the last ones to commit.", rich_help_panel=TIME
        ),
    ] = None,
    attest_seconds: Annotated[
        int | None,
        typer.Option(show_default="300", help="Longest wait for votes.", rich_help_panel=TIME),
    ] = None,
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
) -> None:
    """Run a federation: an embedded chain, the contract, and all peers, on a simulated clock.

    The same options and the same seed give the same head, on whatever chain.

    Killed at any moment, a kept run goes on with the same command.
    """
    from localnet.network import Localnet

    if rpc is not None and keep is not None:
        raise typer.BadParameter("expected at most one of --keep DIR and --rpc ENDPOINT")
    scenario = _choose_scenario(context.params)
    if plot is not None:
        from localnet.plot import check_plot

        check_plot(plot)
    is_clean = True
    with Localnet(
        scenario,
        directory=keep,
        endpoint=rpc,
        cores=cores,
        shares_compute=not recompute_each,
    ) as net:
        if not as_json:
            kinds = {seat: kind.kind for seat, kind in scenario.seat_kinds().items()}
            print_setting(net.setting, kinds)
        ended = follow(net, open_display(as_json=as_json, extra={}))
        summary = net.summary()
        if summary.is_idle:
            typer.echo("holdfast: too few seats take part, so nothing happens any more", err=True)
        if does_audit:
            is_clean = replay(net.setting.contract, net.setting.store, as_json=as_json)
    if plot is not None:
        from localnet.plot import draw_rounds

        draw_rounds(plot, net.setting.task.spec.name, {scenario.rule: ended})
    if as_json:
        print_json(summary.to_dict())
    else:
        print_summary(summary)
    if not is_clean:
        raise typer.Exit(FAILED)


def _choose_scenario(parameters: dict[str, Any]) -> "Scenario":
    """Return the scenario with what was given, and its own defaults for all else."""
    from dataclasses import fields

    from localnet.scenario import Scenario

    given = {name: value for name, value in parameters.items() if value is not None}
    learner_options = {name: given[name] for name in LEARNER_OPTIONS if name in given}
    if "hidden" in learner_options:
        learner_options["hidden"] = _parse_widths(learner_options["hidden"])
    chosen = {f.name: given[f.name] for f in fields(Scenario) if f.name in given}
    chosen["byzantine"] = tuple(given.get("byzantine", ()))
    return Scenario(**chosen, options=learner_options)
