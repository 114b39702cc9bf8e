"""From the options of a command line to a federation on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from localnet.scenario import Scenario
    from node.learning.hosting import Hosting

LEARNER_OPTIONS = ("hidden", "learning_rate", "epochs", "batch_size", "l2", "class_weights")
"""Those of the learners that come with Holdfast."""
DATA_OPTIONS = {"label": "--label", "partition": "--partition", "data": "--data-page"}
"""Those of data that Holdfast deals."""
PAGE_ENTRIES = {"source": "dataset", "label": "label", "partition": "partition"}
"""Of a page's table of data, what is no matter of columns."""


def choose_scenario(parameters: dict[str, Any]) -> "Scenario":
    """Return the scenario with what was given, and its own defaults for all else. Raises
    BadParameter for an option that would come to nothing."""
    from dataclasses import fields, replace

    from localnet.scenario import Scenario, choose_min_updates
    from node.data.share import OWN

    given = {name: value for name, value in parameters.items() if value is not None}
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
    scenario = Scenario(**chosen)
    if "min_updates" not in chosen:
        scenario = replace(scenario, min_updates=choose_min_updates(scenario.peers))
    if scenario.has_own_learner and "dataset" not in chosen:
        scenario = replace(scenario, dataset=OWN)
    if scenario.brings_data:
        _check_no_data_options(given)
    return replace(scenario, options=_choose_options(given, has_own=scenario.has_own_learner))


def _choose_options(given: Mapping[str, Any], *, has_own: bool) -> dict[str, Any]:
    """Return what the learner is handed."""
    chosen = parse_options(given.get("option"))
    for name in (each for each in LEARNER_OPTIONS if each in given):
        flag, value = "--" + name.replace("_", "-"), given[name]
        if has_own:
            raise typer.BadParameter(
                f"{flag}: expected a learner that comes with Holdfast (mlp, softmax), got "
                f"{given['learner']}; hand your own learner an option by "
                f"--option {name}={str(value).lower()}"
            )
        if name in chosen:
            raise typer.BadParameter(f"{flag}: expected one value, got another by --option {name}")
        chosen[name] = _parse_widths(value) if name == "hidden" else value
    return chosen


def _check_no_data_options(given: Mapping[str, Any]) -> None:
    for name, flag in DATA_OPTIONS.items():
        if name in given:
            raise typer.BadParameter(
                f"{flag}: expected data that Holdfast deals (--dataset), got a learner that brings "
                "its own"
            )


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
        hosting = replace(hosting, code=find_code(parameters["learner_path"]))
    if parameters["learner_seconds"] is not None:
        hosting = replace(hosting, seconds=parameters["learner_seconds"])
    if parameters["learner_memory"] is not None:
        hosting = replace(hosting, memory_bytes=parameters["learner_memory"] * MEBIBYTE)
    return hosting


def find_code(path: Path) -> Path:
    """Return the folder of a learner's module. Raises BadParameter."""
    if not path.is_dir():
        raise typer.BadParameter(f"--learner-path: expected the folder of its module, got {path}")
    return path.resolve()


def parse_options(texts: list[str] | None) -> dict[str, Any]:
    """Return a learner's options from the command line. Raises BadParameter."""
    options: dict[str, Any] = {}
    for name, value in map(_parse_option, texts or ()):
        if name in options:
            raise typer.BadParameter(f"--option {name}: expected one value, got two")
        options[name] = value
    return options


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
        raise typer.BadParameter(
            f"--hidden: expected widths such as 32,16, got {text!r}"
        ) from error
