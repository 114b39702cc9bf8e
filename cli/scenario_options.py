"""Options that describe a federation on this machine, simulated or of real programs; what they come
to is in `cli.choosing`."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

LEARNER, RULE, TIME = "Learner", "Rule", "Time"

Peers = Annotated[int | None, typer.Option(show_default="10", help="Seats, 1 to 128.")]
Rounds = Annotated[int | None, typer.Option(show_default="10", help="How many.")]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        "--data",
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
    typer.Option(
        show_default="3, or all of fewer peers",
        help="Fewest commits of a round.",
        rich_help_panel=RULE,
    ),
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


FEDERATION: Mapping[str, Any] = MappingProxyType(
    {
        "peers": Peers,
        "dataset": Dataset,
        "label": Label,
        "data": DataPage,
        "partition": Partition,
        "seed": Seed,
        "learner": Learner,
        "option": Option,
        "keep_arrays": KeepArrays,
        "algorithm": Algorithm,
        "learner_path": LearnerPath,
        "learner_seconds": LearnerSeconds,
        "learner_memory": LearnerMemory,
        "hidden": Hidden,
        "learning_rate": LearningRate,
        "epochs": Epochs,
        "batch_size": BatchSize,
        "l2": L2,
        "class_weights": ClassWeights,
        "rule": Rule,
        "weighting": Weighting,
        "trim_bps": TrimBps,
        "faults_bps": FaultsBps,
        "clip": Clip,
        "update_bytes": UpdateBytes,
        "update_bits": UpdateBits,
        "model_bits": ModelBits,
        "min_updates": MinUpdates,
        "commit_seconds": CommitSeconds,
        "grace_seconds": GraceSeconds,
        "attest_seconds": AttestSeconds,
    }
)
"""What every federation on this machine can be told, simulated or not; nothing given is None."""


def with_federation(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of FEDERATION before its own. What was given of them stands in the
    parameters of its context, for `cli.choosing`."""
    own = signature(command).parameters
    shared = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in FEDERATION.items()
    ]

    @wraps(command)
    def call(**given: Any) -> None:
        command(**{name: given[name] for name in own})

    # What typer reads of a function.
    vars(call)["__signature__"] = Signature(
        [*shared, *(each.replace(kind=Parameter.KEYWORD_ONLY) for each in own.values())]
    )
    return call
