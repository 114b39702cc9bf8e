"""Options that describe a federation on this machine, simulated or of real programs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from localnet.scenario import Scenario

LEARNER_OPTIONS = ("hidden", "learning_rate", "epochs", "batch_size", "l2")
LEARNER, RULE, TIME = "Learner", "Rule", "Time"

Peers = Annotated[int | None, typer.Option(show_default="10", help="Seats, 1 to 128.")]
Rounds = Annotated[int | None, typer.Option(show_default="10", help="How many.")]
Dataset = Annotated[
    str | None,
    typer.Option(show_default="digits", help="digits, breast_cancer, or a .npz or .csv file."),
]
Label = Annotated[
    str | None, typer.Option(show_default="the last", help="Label column of a .csv file.")
]
Partition = Annotated[
    str | None,
    typer.Option(
        show_default="dirichlet:0.5", help="iid, dirichlet:ALPHA or shards:N: who holds what."
    ),
]
Byzantine = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COUNT:KIND[:STRENGTH]",
        show_default="nobody",
        help="Seats that misbehave, the highest first; may be repeated. Kinds: sign_flip, "
        "boost, noise, zero, absent, garbage, withhold, serve_half, lie (approve a wrong "
        "result), hide (approve, and serve nobody else).",
    ),
]
Watchtower = Annotated[
    bool | None,
    typer.Option(
        "--watchtower", show_default="none", help="Let one without a seat look on, and dispute."
    ),
]
Seed = Annotated[int | None, typer.Option(show_default="0", help="What everything is drawn from.")]
OrderSeed = Annotated[
    int | None,
    typer.Option(show_default="by seat", help="Let peers act, and blobs arrive, in another order."),
]
Learner = Annotated[
    str | None,
    typer.Option(show_default="mlp", help="mlp or softmax.", rich_help_panel=LEARNER),
]
Hidden = Annotated[
    str | None,
    typer.Option(
        metavar="WIDTHS",
        show_default="32",
        help="Hidden layers of an mlp, such as 32,16.",
        rich_help_panel=LEARNER,
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(show_default="0.1", help="Of a step.", rich_help_panel=LEARNER),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        show_default="1", help="Passes over a peer's data in a round.", rich_help_panel=LEARNER
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(show_default="32", help="Samples of a step.", rich_help_panel=LEARNER),
]
L2 = Annotated[
    float | None,
    typer.Option(
        "--l2", show_default="0", help="Weight of the squared norm.", rich_help_panel=LEARNER
    ),
]
Rule = Annotated[
    str | None,
    typer.Option(
        show_default="vouched",
        help="vouched, multi_krum, trimmed_mean, median or mean.",
        rich_help_panel=RULE,
    ),
]
Weighting = Annotated[
    str | None,
    typer.Option(show_default="stake", help="stake, equal or samples.", rich_help_panel=RULE),
]
TrimBps = Annotated[
    int | None,
    typer.Option(
        show_default="the rule's",
        help="Weight trimmed at either end, in 1/10,000.",
        rich_help_panel=RULE,
    ),
]
FaultsBps = Annotated[
    int | None,
    typer.Option(
        show_default="the rule's",
        help="Faulty weight to bear, in 1/10,000.",
        rich_help_panel=RULE,
    ),
]
Clip = Annotated[
    int | None,
    typer.Option(
        show_default="4 times the median norm of a dry round",
        help="Longest update, in its units; 0: none.",
        rich_help_panel=RULE,
    ),
]
UpdateBytes = Annotated[
    int | None,
    typer.Option(show_default="2", help="Of a coordinate: 1 or 2.", rich_help_panel=RULE),
]
UpdateBits = Annotated[
    int | None,
    typer.Option(
        show_default="14, or 7 with one byte",
        help="An update's unit is 2^-bits.",
        rich_help_panel=RULE,
    ),
]
ModelBits = Annotated[
    int | None,
    typer.Option(show_default="20", help="A model's unit is 2^-bits.", rich_help_panel=RULE),
]
MinUpdates = Annotated[
    int | None,
    typer.Option(show_default="3", help="Fewest commits of a round.", rich_help_panel=RULE),
]
CommitSeconds = Annotated[
    int | None,
    typer.Option(show_default="600", help="Longest wait for commits.", rich_help_panel=TIME),
]
GraceSeconds = Annotated[
    int | None,
    typer.Option(show_default="30", help="Wait for the last ones to commit.", rich_help_panel=TIME),
]
AttestSeconds = Annotated[
    int | None,
    typer.Option(show_default="300", help="Longest wait for votes.", rich_help_panel=TIME),
]


def choose_scenario(parameters: dict[str, Any]) -> "Scenario":
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


def _parse_widths(text: str) -> list[int]:
    try:
        return [int(width) for width in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"expected widths such as 32,16, got {text!r}") from error
