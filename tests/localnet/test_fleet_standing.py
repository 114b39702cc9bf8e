"""What is told of a fleet's data is read as its peers read them, before any of them is started."""

from dataclasses import replace
from pathlib import Path

from fleet_lab import PROGRAM, QUICK, RELAY, write_data

from chain.types import Seat
from localnet.dealing import DealReport
from localnet.fleet.fleet import Fleet
from localnet.fleet.plan import write_peer
from localnet.fleet.standing import describe_parts
from localnet.scenario import Scenario
from node.learning.hosting import LOG, Hosting
from node.settings import write_settings

PORT = 9
"""Where nobody serves."""


def make_fleet(directory: Path, scenario: Scenario, hosting: Hosting) -> Fleet:
    """Return a fleet of which the first peer has its settings."""
    fleet = Fleet(directory, PROGRAM, RELAY)
    page = write_peer(
        scenario,
        Seat(0),
        hosting,
        rpc=f"ws://127.0.0.1:{PORT}",
        chain_id=1,
        listen=PORT,
        front=PORT,
    )
    fleet.peer_folder(0).mkdir(parents=True)
    write_settings(fleet.peer_folder(0), page)
    return fleet


def count_samples(deal: DealReport | None) -> int:
    assert deal is not None
    return sum(peer.samples for peer in deal.balance.peers)


def test_describe_parts__called_from_another_folder__reads_what_the_peers_read(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path / "data.npz")
    scenario = replace(QUICK, dataset="data.npz")
    fleet = make_fleet(tmp_path / "up", scenario, Hosting())
    (tmp_path / "other").mkdir()
    monkeypatch.chdir("other")
    assert count_samples(describe_parts(fleet, scenario)) == 480


def test_describe_parts__a_module_that_prints__is_heard_in_the_log_alone(tmp_path, capfd):
    (tmp_path / "table.py").write_text(
        "def rows():\n"
        "    print('reading the table')\n"
        "    return [{'a': float(i), 'kind': 'xy'[i % 2]} for i in range(40)]\n"
    )
    scenario = replace(QUICK, peers=2, min_updates=2, dataset="table:rows", label="kind")
    fleet = make_fleet(tmp_path / "up", scenario, Hosting(code=tmp_path))
    assert count_samples(describe_parts(fleet, scenario)) == 32
    assert capfd.readouterr().out == ""
    assert "reading the table" in (fleet.judge_notes() / LOG).read_text()


def test_describe_parts__learners_with_data_of_their_own__has_nothing_to_say(tmp_path):
    scenario = replace(QUICK, dataset="own", learner="guests:make")
    fleet = make_fleet(tmp_path / "up", scenario, Hosting())
    assert describe_parts(fleet, scenario) is None
