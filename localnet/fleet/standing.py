"""A federation of programs that stands while a context lasts: begun, or gone on with, and ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

from localnet.dealing import DealReport, describe_deal
from localnet.errors import FleetRefused
from localnet.fleet.fleet import Charter, Fleet, has_charter, read_charter
from localnet.fleet.following import Following
from localnet.fleet.founding import await_chain, await_peer, found_fleet
from localnet.fleet.plan import host_learner
from localnet.scenario import Scenario
from node.learning.hosting import Hosting
from node.settings import read_settings, write_settings


@dataclass(frozen=True)
class Standing:
    """What stands, and who watches it. `deal`: what is to be said of the peers' parts; None: each
    learner brings its own data. `reasons`: what a dry round has just decided."""

    fleet: Fleet
    charter: Charter
    following: Following
    deal: DealReport | None
    reasons: tuple[str, ...] = ()


@contextmanager
def stand(
    fleet: Fleet,
    scenario: Scenario,
    anvil: str | None,
    hosting: Hosting | None = None,
    *,
    last_round: int | None = None,
) -> Iterator[Standing]:
    """Let a federation stand, all its peers running.

    `hosting`: where the module of a learner of one's own is, and what it may use; None: where a
    peer is started, and the usual. It is no part of the federation, so another one may be asked for
    whenever that is gone on with. `last_round`: no peer has a part in a later one; None: there is
    none.

    Raises FleetRefused for a folder where one stands already, or of another kind, ScenarioRefused,
    and what data, learner and rule refuse.
    """
    began_at = perf_counter()
    scenario.check()
    hosting = hosting or Hosting()
    directory = fleet.directory
    reasons: list[str] = []
    if fleet.is_running():
        raise FleetRefused(f"{directory}", "no running federation (holdfast localnet down)", "one")
    with fleet.held():
        try:
            if has_charter(directory):
                charter = _take_up(fleet, scenario, anvil, hosting)
            else:
                charter = found_fleet(fleet, scenario, anvil, hosting, reasons.append)
            # First of all, so that data which cannot be read end nothing that runs already.
            deal = describe_parts(fleet, scenario)
            fleet.set_last_round(last_round)
            fleet.start_relay()
            for seat in range(scenario.peers):
                fleet.start(seat)
            for seat in range(scenario.peers):
                await_peer(fleet, seat)
            with Following(fleet, charter, began_at) as following:
                try:
                    yield Standing(fleet, charter, following, deal, tuple(reasons))
                finally:
                    # First of all, or rounds would go on while the others end.
                    fleet.stop_peers()
        finally:
            fleet.stop()


def describe_parts(fleet: Fleet, scenario: Scenario) -> DealReport | None:
    """Return what is to be said of the parts of the peers, by the settings of the first: they name
    the data wherever this is called from. What a module prints goes to the judges' log. Raises what
    the source and the partition refuse."""
    # Their settings name a path then, which nobody reads.
    if scenario.brings_data:
        return None
    folder = fleet.peer_folder(0)
    page = read_settings(folder)
    hosting = page.host(folder, scenario.commit_seconds + scenario.attest_seconds)
    named = replace(scenario, dataset=page.source, label=page.label)
    return describe_deal(named, replace(hosting, notes=fleet.judge_notes()))


def _take_up(fleet: Fleet, scenario: Scenario, anvil: str | None, hosting: Hosting) -> Charter:
    """Go on with what a folder holds."""
    charter = read_charter(fleet.directory)
    _check_same(fleet, charter, scenario)
    if anvil is not None or charter.anvil is not None:
        raise FleetRefused(f"{fleet.directory}", "a chain that is kept", "anvil's, which is not")
    for seat in range(scenario.peers):
        folder = fleet.peer_folder(seat)
        before = read_settings(folder)
        page = host_learner(before, hosting)
        if page != before:
            write_settings(folder, page)
    fleet.start_chain(charter.chain_port, None)
    await_chain(fleet, charter.url)
    return charter


def _check_same(fleet: Fleet, charter: Charter, scenario: Scenario) -> None:
    changes = charter.scenario.find_changes(scenario)
    if changes is not None:
        raise FleetRefused(f"federation in {fleet.directory}", *changes)
