"""`holdfast federation init`."""

from pathlib import Path
from typing import Annotated

import typer

from cli import choosing, options, scenario_options
from cli.display import print_json
from cli.heading import describe_options


def init(
    learner: Annotated[
        str,
        typer.Option(
            metavar="NAME|MODULE:FACTORY",
            help="mlp, softmax, or one's own, called with a context as Flower calls a client_fn.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")] = Path(
        "plan.toml"
    ),
    name: Annotated[
        str | None, typer.Option(show_default="the learner's", help="Of the federation.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--data",
            show_default="own",
            help="The founder's: a file, a set's name, or own: the learner's.",
        ),
    ] = None,
    data_page: scenario_options.DataPage = None,
    label: scenario_options.Label = None,
    peers: Annotated[
        int, typer.Option(min=1, max=128, help="Seats, and the learner's num-partitions.")
    ] = 5,
    rule: Annotated[
        str, typer.Option(help="vouched, multi_krum, trimmed_mean, median or mean.")
    ] = "vouched",
    seed: Annotated[int, typer.Option(min=0, help="What everything is drawn from.")] = 0,
    option: scenario_options.Option = None,
    keep_arrays: scenario_options.KeepArrays = None,
    algorithm: scenario_options.Algorithm = None,
    learner_path: scenario_options.LearnerPath = None,
    as_json: options.Json = False,
) -> None:
    """Write the page of a federation: ask the learner for its model, and measure a dry round."""
    from localnet.network import open_notes
    from node.algorithms.catalogue import USUAL, parse_algorithm
    from node.data.schema import parse_schema
    from node.data.share import OWN
    from node.drafting import Wish, draft_plan
    from node.learning.hosting import Hosting
    from node.whole_file import write_whole

    if out.exists():
        raise typer.BadParameter(f"--out: expected a file that is not there yet, got {out}")
    page = {} if data_page is None else choosing.read_data_page(data_page)
    said = {entry: page.pop(entry, None) for entry in choosing.PAGE_ENTRIES}
    wish = Wish(
        name=name or learner,
        learner=learner,
        source=source or said["source"] or OWN,
        label=label or said["label"],
        schema=parse_schema(page),
        partition=said["partition"],
        options=choosing.parse_options(option),
        keep=tuple(keep_arrays or ()),
        algorithm=parse_algorithm(algorithm or USUAL.name),
        rule=rule,
        seed=seed,
        peers=peers,
    )
    with open_notes() as notes:
        # What the learner prints goes there too, and not among ours.
        code = choosing.find_code(learner_path or Path())
        draft = draft_plan(wish, Hosting(code=code, notes=notes))
    write_whole(out, draft.text)
    founding = draft.founding
    parameters, layout = founding.parameters, founding.spec.layout
    if as_json:
        units = {
            each: getattr(parameters, each)
            for each in ("coordinates", "update_bits", "model_bits", "clip")
        }
        state = {"event": "drafted", "file": str(out), **units}
        print_json({**state, "reasons": list(founding.reasons)})
        return
    typer.echo(f"model    {len(layout.names)} arrays, {parameters.coordinates:,} coordinates")
    if wish.options:
        typer.echo(f"with     {describe_options(wish.learner, wish.options)}")
    for reason in founding.reasons:
        typer.echo(f"chosen   {reason}")
    typer.echo(f"page     {out}: read it, then holdfast federation create {out} --peer FOLDER")
