"""From a scenario to the page that founds its federation, and to the settings of its peers."""

from dataclasses import replace
from math import ceil
from pathlib import Path

from chain.types import Seat
from localnet.errors import ScenarioRefused
from localnet.scenario import Scenario
from node.data.sources import is_file
from node.learning.hosting import Hosting
from node.settings import MEBIBYTE, MEMORY_MIB, Settings, choose_confirmations
from node.spec import to_toml, write_algorithm

RULE_ENTRIES = (
    *("weighting", "trim_bps", "faults_bps", "clip"),
    *("update_bytes", "update_bits", "model_bits"),
)
SEATS_TO_SPARE = 16
"""For those who join later."""


def write_plan(scenario: Scenario) -> str:
    """Return the page, as a founder would write it. Raises ScenarioRefused for what only a
    simulation can do."""
    if scenario.byzantine:
        raise ScenarioRefused("byzantine seats", "none: these are real programs", "some")
    source = Path(scenario.dataset).name
    name = scenario.learner if scenario.brings_data else source
    tables: dict[str, dict[str, object]] = {
        "learner": {
            "name": scenario.learner,
            "options": dict(scenario.options),
            "keep": list(scenario.keep_arrays) or None,
        },
        "data": {
            "source": source,
            "label": scenario.label,
            "partition": scenario.partition,
            **scenario.data,
        },
        "rule": {
            "name": scenario.rule,
            **{entry: getattr(scenario, entry) for entry in RULE_ENTRIES},
        },
        "seats": {
            "min_updates": scenario.min_updates,
            "max_seats": min(128, scenario.peers + SEATS_TO_SPARE),
        },
        "time": {
            entry: getattr(scenario, entry)
            for entry in ("commit_seconds", "grace_seconds", "attest_seconds")
        },
    }
    lines = ["holdfast = 1", f"name = {to_toml(f'{name}, {scenario.peers} peers')}"]
    lines.append(f"seed = {scenario.seed}")
    if algorithm := write_algorithm(scenario.build_algorithm()):
        lines += ["", *algorithm[:-1]]
    for table, entries in tables.items():
        lines += ["", f"[{table}]"]
        lines += [f"{k} = {to_toml(v)}" for k, v in entries.items() if v is not None]
    return "\n".join(lines) + "\n"


def write_peer(
    scenario: Scenario,
    seat: Seat,
    hosting: Hosting,
    *,
    rpc: str,
    chain_id: int,
    listen: int,
    front: int,
) -> Settings:
    """Return the settings of a peer that serves blobs at port `listen`, reached at `front`."""
    source = Path(scenario.dataset)
    page = Settings(
        rpc=(rpc,),
        contract=None,
        chain_id=chain_id,
        confirmations=choose_confirmations(chain_id),
        listen=("127.0.0.1", listen),
        endpoint=f"http://127.0.0.1:{front}",
        # A peer may be started from anywhere.
        source=str(source.resolve()) if is_file(scenario.dataset) else scenario.dataset,
        label=scenario.label,
        share=(seat + 1, scenario.peers),
    )
    return host_learner(page, hosting)


def host_learner(page: Settings, hosting: Hosting) -> Settings:
    """Return the settings with what they say of a learner of one's own: where its module is, and
    what it may use. `hosting.seconds` None: as long as a round can last."""
    return replace(
        page,
        learner_path=None if hosting.code is None else str(hosting.code.resolve()),
        learner_seconds=None if hosting.seconds is None else ceil(hosting.seconds),
        learner_memory_mib=(
            MEMORY_MIB if hosting.memory_bytes is None else hosting.memory_bytes // MEBIBYTE
        ),
    )
