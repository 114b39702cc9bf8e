"""Options that describe a federation on this machine, simulated or of real programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from localnet.scenario import Scenario
    from node.learning.hosting import Hosting

LEARNER_OPTIONS = ("hidden", "learning_rate", "epochs", "batch_size", "l2", "class_weights")
PAGE_ENTRIES = {"source": "dataset", "label": "label", "partition": "partition"}
"""Of a page's table of data, what is no matter of columns."""
LEARNER, RULE, TIME = "Learner", "Rule", "Time"

Peers = Annotated[int | None, typer.Option(show_default="10", help="Seats, 1 to 128.")]
Rounds = Annotated[int | None, typer.Option(show_default="10", help="How many.")]
Dataset = Annotated[
    str | None,
    typer.Option(
        show_default="digits, or the learner's own",
        help="digits, breast_cancer; a .csv, .parquet or .npz file; a folder of pictures; "
        "MODULE:FUNCTION, which gives rows; or own: the learner brings them.",
    ),
]
DataPage = Annotated[
    Path | None,
    typer.Option(
        "--data-page",
        metavar="FILE.toml",
        show_default=False,
        help=r"A page whose \[data] table says what the columns are.",
    ),
]
Label = Annotated[
    str | None, typer.Option(show_default="the last", help="Label column of a .csv file.")
]
Partition = Annotated[
    str | None,
    typer.Option(
        show_default="dirichlet:0.5",
        help="iid, dirichlet:ALPHA, shards:N, quantity:ALPHA or natural: who holds what.",
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
    typer.Option(
        metavar="NAME|MODULE:FACTORY",
        show_default="mlp",
        help="mlp, softmax, or one's own, called with a context as Flower calls a client_fn.",
        rich_help_panel=LEARNER,
    ),
]
Option = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="KEY=VALUE",
        show_default=False,
        help="For a learner of one's own: an entry of its run_config; may be repeated.",
        rich_help_panel=LEARNER,
    ),
]
KeepArrays = Annotated[
    list[str] | None,
    typer.Option(
        "--keep-array",
        metavar="PATTERN",
        show_default=False,
        help="Arrays that stay with each peer, such as 'head.*'; may be repeated.",
        rich_help_panel=LEARNER,
    ),
]
Algorithm = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[:OPTIONS]",
        show_default="fedavg",
        help="How peers learn together, as fedprox:0.1 or scaffold:steps=40,learning_rate=0.1 "
        "(docs/learner.md).",
        rich_help_panel=LEARNER,
    ),
]
LearnerPath = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default="where the command runs",
        help="The folder with the module of a learner of your own.",
        rich_help_panel=LEARNER,
    ),
]
LearnerSeconds = Annotated[
    float | None,
    typer.Option(
        min=1,
        show_default="as long as a round can last",
        help="The longest that one of its trainings may take.",
        rich_help_panel=LEARNER,
    ),
]
LearnerMemory = Annotated[
    int | None,
    typer.Option(
        metavar="MIB",
        min=256,
        show_default="4096",
        help="The most memory that its process may have.",
        rich_help_panel=LEARNER,
    ),
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
ClassWeights = Annotated[
    bool | None,
    typer.Option(
        "--class-weights",
        help="Let a sample count by how rare its class is at its peer.",
        rich_help_panel=LEARNER,
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
    from dataclasses import fields, replace

    from localnet.scenario import Scenario
    from node.data.share import OWN

    given = {name: value for name, value in parameters.items() if value is not None}
    learner_options = {name: given[name] for name in LEARNER_OPTIONS if name in given}
    if "hidden" in learner_options:
        learner_options["hidden"] = _parse_widths(learner_options["hidden"])
    learner_options |= parse_options(given.get("option"))
    chosen = {f.name: given[f.name] for f in fields(Scenario) if f.name in given}
    if "data" in given:
        page = read_data_page(given["data"])
        for entry, name in PAGE_ENTRIES.items():
            # What the command line says comes first.
            if entry in page:
                chosen.setdefault(name, page.pop(entry))
        chosen["data"] = page
    for name in ("byzantine", "keep_arrays"):
        chosen[name] = tuple(given.get(name, ()))
    scenario = Scenario(**chosen, options=learner_options)
    if scenario.has_own_learner and "dataset" not in chosen:
        return replace(scenario, dataset=OWN)
    return scenario


def read_data_page(page: Path) -> dict[str, Any]:
    """Return the table of data of a page. Raises BadParameter."""
    import tomllib

    try:
        table = tomllib.loads(page.read_text())
    except ValueError as error:
        raise typer.BadParameter(f"--data-page: expected TOML, got {error}") from error
    data = table.get("data")
    if not isinstance(data, dict):
        raise typer.BadParameter(f"--data-page: expected a table [data] in {page}, got none")
    return data


def choose_hosting(scenario: "Scenario", parameters: dict[str, Any]) -> "Hosting":
    """Return how learners of one's own are kept."""
    from dataclasses import replace

    from localnet.network import usual_hosting
    from node.settings import MEBIBYTE

    hosting = usual_hosting(scenario)
    if parameters["learner_path"] is not None:
        hosting = replace(hosting, code=parameters["learner_path"].resolve())
    if parameters["learner_seconds"] is not None:
        hosting = replace(hosting, seconds=parameters["learner_seconds"])
    if parameters["learner_memory"] is not None:
        hosting = replace(hosting, memory_bytes=parameters["learner_memory"] * MEBIBYTE)
    return hosting


def parse_options(texts: list[str] | None) -> dict[str, Any]:
    """Return a learner's options from the command line. Raises BadParameter."""
    return dict(map(_parse_option, texts or ()))


def _parse_option(text: str) -> tuple[str, Any]:
    """Return an entry of run_config: a number, truth value or list as TOML has it, else a text."""
    import tomllib

    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"--option: expected KEY=VALUE, got {text!r}")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


def _parse_widths(text: str) -> list[int]:
    try:
        return [int(width) for width in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"expected widths such as 32,16, got {text!r}") from error
