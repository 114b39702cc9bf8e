"""`holdfast demo`."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.display import follow, open_display, print_json
from cli.heading import print_setting
from cli.replay import replay
from cli.root import FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localnet.report import RoundEnded, Summary

INTRODUCTIONS = {
    "attacked": "ten peers, two of them turn what they learn against the model, ten times as long",
    "honest": "the same ten peers, all of them honest",
    "mean": "the attack again, and the plain mean instead of the rule",
}


def demo(
    seed: Annotated[int, typer.Option(metavar="N", help="What everything is drawn from.")] = 0,
    rounds: Annotated[int, typer.Option(metavar="N", help="Of each run.")] = 30,
    as_json: options.Json = False,
    plot: options.Plot = None,
) -> None:
    """Train under attack, without attack, and under attack without defence; audit the first.

    Ten peers learn handwritten digits from uneven parts of the data on an embedded Ethereum chain.
    """
    from localnet.demo import demo_scenarios, summarise
    from localnet.network import Localnet

    if plot is not None:
        from localnet.plot import check_plot

        check_plot(plot)
    curves: dict[str, list[RoundEnded]] = {}
    summaries: dict[str, Summary] = {}
    is_clean = True
    for name, scenario in demo_scenarios(seed, rounds).items():
        if not as_json:
            typer.echo(f"\n{name}: {INTRODUCTIONS[name]}")
        with Localnet(scenario) as net:
            if not as_json:
                kinds = {seat: kind.kind for seat, kind in scenario.seat_kinds().items()}
                print_setting(net.setting, kinds)
            curves[name] = follow(net.run(), open_display(as_json=as_json, extra={"run": name}))
            summaries[name] = net.summary()
            if name == "attacked":
                is_clean = replay(
                    net.setting.contract, net.setting.store, as_json=as_json, is_brief=True
                )
    if plot is not None:
        from localnet.plot import draw_rounds

        draw_rounds(plot, f"holdfast demo, seed {seed}", curves)
    seconds = sum(summary.seconds for summary in summaries.values())
    if as_json:
        print_json(summarise(summaries, seconds))
    else:
        _conclude(summaries, seconds, is_clean=is_clean)
    if not is_clean:
        raise typer.Exit(FAILED)


def _conclude(summaries: "Mapping[str, Summary]", seconds: float, *, is_clean: bool) -> None:
    attacked = summaries["attacked"]
    gas = attacked.gas_per_peer_round
    typer.echo("")
    for name, summary in summaries.items():
        typer.echo(
            f"{name:<9} accuracy {summary.accuracy or 0:.3f}, "
            f"{summary.agreed} of {summary.rounds} rounds agreed"
        )
    typer.echo(f"gas       {'none' if gas is None else f'{gas:,}'} a peer and round")
    typer.echo(f"seconds   {seconds:.1f} for the three runs")
    typer.echo(f"head      0x{attacked.head.hex()}")
    count = attacked.agreed
    matched = f"{count} rounds recomputed from genesis, every root matches"
    typer.echo(f"audit:    {matched if is_clean else 'what does not match is named above'}")
