"""What is said of a federation before its first round: task, data, rule, and who will not play by
it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from chain.types import Parameters
    from localnet.dealing import DealReport
    from localnet.setting import Setting
    from node.spec import Spec

BPS_PER_PERCENT = 100


def print_setting(setting: "Setting", kinds: Mapping[int, str]) -> None:
    """Say what is about to be simulated."""
    task = setting.task
    print_heading(task.spec, task.parameters, task.deal, task.reasons)
    if kinds:
        faulty = ", ".join(f"{seat} {kind}" for seat, kind in sorted(kinds.items()))
        typer.echo(f"seats  {len(setting.peers)}, Byzantine: {faulty}")


def print_heading(
    spec: "Spec",
    parameters: "Parameters",
    deal: "DealReport | None",
    reasons: Sequence[str],
) -> None:
    """Say what is learned, on which data, by which rule. `deal` None: learners bring their data;
    `reasons`: what a dry round has decided."""
    from node.algorithms.catalogue import describe_algorithm

    typer.echo(f"task   {spec.name}, {spec.learner} of {parameters.coordinates:,} coordinates")
    if spec.options:
        typer.echo(f"with   {describe_options(spec.learner, spec.options)}")
    algorithm, options = describe_algorithm(spec.algorithm)
    typer.echo(" ".join([f"by     {algorithm}", *(f"{name}={options[name]}" for name in options)]))
    first, *more = _describe_data(spec, deal)
    typer.echo(f"data   {first}")
    for line in more:
        typer.echo(f"       {line}")
    typer.echo(f"rule   {_describe_rule(parameters)}")
    for each in spec.kept:
        typer.echo(f"kept   {each.name} ({each.dtype} {list(each.shape)}) stays with each peer")
    for reason in reasons:
        typer.echo(f"chosen {reason}")


def describe_options(learner: str, options: Mapping[str, Any]) -> str:
    """Return what a learner is handed, in words."""
    from node.learning.reference import is_reference

    told = " ".join(f"{name}={value!r}" for name, value in options.items())
    if not is_reference(learner):
        return told
    return f"{told}: entries of its run_config; one that it does not read does nothing"


def _describe_data(spec: "Spec", deal: "DealReport | None") -> list[str]:
    from node.data.balance import describe_evenness, tell_balance

    if deal is None:
        return ["each peer's learner brings its own"]
    samples = [peer.samples for peer in deal.balance.peers]
    return [
        f"{spec.partition}: {min(samples)} to {max(samples)} samples a peer",
        describe_evenness(deal.balance),
        *([deal.treatment] if deal.treatment else []),
        *tell_balance(deal.balance),
        *deal.remarks,
    ]


def _describe_rule(parameters: "Parameters") -> str:
    from node.rule.parameters import Selection, Weighting

    length = parameters.clip / 2**parameters.update_bits
    longest = f"{length:.3g} ({parameters.clip:,} units; longer updates are shortened)"
    return (
        f"selection {Selection(parameters.selection).name.lower()}, "
        f"weighting {Weighting(parameters.weighting).name.lower()}, "
        f"trim {_percent(parameters.trim_bps)} (of the weight, at either end), "
        f"faults {_percent(parameters.faults_bps)} (of the weight may lie), "
        f"clip {longest if parameters.clip else 'none'}"
    )


def _percent(bps: int) -> str:
    return f"{bps / BPS_PER_PERCENT:g} %"
