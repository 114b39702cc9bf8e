"""`holdfast localnet up` and what goes with it: peers as real programs on this machine."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import choosing, options, scenario_options
from cli.display import follow, open_display, print_json, print_summary
from cli.heading import print_heading

if TYPE_CHECKING:
    from localnet.fleet.fleet import Fleet
    from localnet.fleet.standing import Standing
    from localnet.report import Progress, RoundEnded

HOLDFAST = (sys.executable, "-m", "cli")
RELAY = (sys.executable, "-m", "localnet.fleet.relay")
Directory = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="The folder of the federation.")
]
DEFAULT = Path("holdfast-up")
Index = Annotated[int, typer.Argument(metavar="I", min=0, help="Which peer.")]


@scenario_options.with_federation
def up(
    context: typer.Context,
    rounds: Annotated[
        int | None,
        typer.Option(min=1, show_default="until interrupted", help="End after so many."),
    ] = None,
    directory: Directory = DEFAULT,
    chain: Annotated[
        str, typer.Option(metavar="embedded|anvil", help="Whose chain it runs on.")
    ] = "embedded",
    as_json: options.Json = False,
) -> None:
    """Start a chain and peers as real programs, and show their rounds as they end.

    Each peer has a folder under DIR/peers, for `holdfast peer`, and a log under DIR/logs. All of it
    ends with this command, or with `down`; the same command again goes on where it stopped.
    """
    from localnet.fleet.standing import stand

    scenario = choosing.choose_scenario(context.params)
    hosting = choosing.choose_hosting(scenario, context.params)
    if context.params["learner_seconds"] is None:
        # A peer knows by itself how long a round can last.
        hosting = replace(hosting, seconds=None)
    with (
        _ended_when_asked(),
        stand(
            _open(directory), scenario, _find_chain(chain), hosting, last_round=rounds
        ) as standing,
    ):
        _announce(standing, as_json=as_json)
        follow(_watch(standing, rounds), open_display(as_json=as_json, extra={}))
        summary = standing.following.summary()
    if as_json:
        print_json(summary.to_dict())
    else:
        print_summary(summary)


def kill(index: Index, directory: Directory = DEFAULT) -> None:
    """Kill a peer, as a power cut would."""
    _open(directory).kill(index)


def start(index: Index, directory: Directory = DEFAULT) -> None:
    """Start a peer again that was killed, or ended."""
    _open(directory).start(index)


def pause(index: Index, directory: Directory = DEFAULT) -> None:
    """Stop a peer where it is, in the midst of whatever it does."""
    _open(directory).pause(index)


def resume(index: Index, directory: Directory = DEFAULT) -> None:
    """Let a paused peer go on."""
    _open(directory).resume(index)


def cut(index: Index, directory: Directory = DEFAULT) -> None:
    """Cut a peer's wires: it reaches no chain, and no other peer reaches it."""
    _open(directory).cut(index)


def mend(index: Index, directory: Directory = DEFAULT) -> None:
    """Connect a peer again that was cut off."""
    _open(directory).mend(index)


def down(directory: Directory = DEFAULT) -> None:
    """End all that `up` has started, whatever became of `up` itself."""
    _open(directory).end()


def _open(directory: Path) -> "Fleet":
    from localnet.fleet.fleet import Fleet

    return Fleet(directory, HOLDFAST, RELAY)


def _find_chain(name: str) -> str | None:
    """Return the program whose chain is meant; None: the embedded one."""
    import os
    import shutil

    if name == "embedded":
        return None
    if name != "anvil":
        raise typer.BadParameter(f"--chain: expected embedded or anvil, got {name!r}")
    found = os.environ.get("HOLDFAST_ANVIL") or shutil.which("anvil")
    if not found:
        raise typer.BadParameter(
            "--chain: expected anvil on the path, or $HOLDFAST_ANVIL, got none"
        )
    return found


@contextmanager
def _ended_when_asked() -> Iterator[None]:
    """Let whoever asks this program to end be heard as its user is; but only once, as it then has
    others to end."""

    was_asked = False

    def end(number: int, frame: object) -> None:
        nonlocal was_asked
        was_asked = True
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
        before[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
    for each in before:
        signal.signal(each, end)
    try:
        yield
    finally:
        # Asked once more on the way out, it still ends as it was asked first.
        for each, handler in () if was_asked else before.items():
            signal.signal(each, handler)


def _announce(standing: "Standing", *, as_json: bool) -> None:
    from node.spec import parse_spec

    charter, directory = standing.charter, standing.fleet.directory
    state = {"rpc": charter.url, "contract": charter.contract, "directory": str(directory)}
    if as_json:
        print_json({"event": "up", **state, "peers": charter.scenario.peers})
        return
    contract = standing.following.contract
    spec = parse_spec(contract.observer.ledger.spec)
    print_heading(spec, contract.parameters, standing.deal, standing.reasons)
    typer.echo(f"chain  {charter.url}, contract {charter.contract}")
    typer.echo(f"peers  {charter.scenario.peers}, in {directory}/peers; logs in {directory}/logs")


def _watch(standing: "Standing", rounds: int | None) -> "Iterator[Progress | RoundEnded]":
    for report in standing.following.run(rounds):
        for seat in standing.fleet.take_gone():
            log = standing.fleet.log_path(seat)
            typer.echo(f"holdfast: peer {seat} has ended, see {log}", err=True)
        yield report
