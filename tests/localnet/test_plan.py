from pathlib import Path

import pytest

from chain.types import Seat
from localnet.errors import ScenarioRefused
from localnet.fleet.plan import SEATS_TO_SPARE, write_peer, write_plan
from localnet.scenario import Scenario
from node.founding import read_plan
from node.learning.hosting import Hosting
from node.settings import change_settings

SCENARIO = Scenario(
    peers=5,
    dataset="some/where/data.csv",
    label="kind of thing",
    options={"hidden": [32, 16], "learning_rate": 0.25},
    rule="trimmed_mean",
    weighting="samples",
    trim_bps=2500,
    faults_bps=0,
    clip=0,
    min_updates=2,
    commit_seconds=7,
    grace_seconds=2,
    attest_seconds=9,
    seed=11,
)


def test_write_plan__of_a_scenario__founds_what_the_scenario_simulates():
    plan = read_plan(write_plan(SCENARIO).encode())
    page = plan.page
    assert (page.name, page.seed) == ("data.csv, 5 peers", 11)
    assert (page.learner.name, page.learner.options) == ("mlp", SCENARIO.options)
    assert (page.data.source, page.data.label) == ("data.csv", "kind of thing")
    assert page.data.partition == SCENARIO.partition
    assert plan.rule.build(1) == SCENARIO.rule_with(1)
    assert plan.rule.needs_calibration == SCENARIO.needs_calibration
    assert (page.seats.min_updates, page.seats.max_seats) == (2, 5 + SEATS_TO_SPARE)
    time = page.time
    assert (time.commit_seconds, time.grace_seconds, time.attest_seconds) == (7, 2, 9)


def test_write_plan__a_learner_of_ones_own__brings_its_data_and_keeps_arrays():
    scenario = Scenario(
        peers=3,
        dataset="own",
        learner="client:client_fn",
        keep_arrays=("head.*",),
        options={"a": 1},
    )
    plan = read_plan(write_plan(scenario).encode())
    page = plan.page
    assert (page.name, page.data.source) == ("client:client_fn, 3 peers", "own")
    assert (page.learner.name, page.learner.options) == ("client:client_fn", {"a": 1})
    assert page.learner.keep == ["head.*"]
    assert plan.rule.update_bits is None


def test_write_plan__seats_that_misbehave__are_for_simulations():
    with pytest.raises(ScenarioRefused, match="expected none: these are real programs, got some"):
        write_plan(Scenario(byzantine=("1:sign_flip",)))


def test_write_peer__of_a_file__finds_it_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hosting = Hosting(code=Path("code"), seconds=1.5, memory_bytes=300 * 2**20)
    page = write_peer(
        SCENARIO, Seat(1), hosting, rpc="ws://127.0.0.1:1", chain_id=5, listen=2, front=3
    )
    assert change_settings(page, []) == page
    assert page.source == str(tmp_path / "some/where/data.csv")
    assert (page.share, page.label) == ((2, 5), "kind of thing")
    learner = page.learner_path, page.learner_seconds, page.learner_memory_mib
    assert learner == (str(tmp_path / "code"), 2, 300)
    assert (page.listen, page.endpoint) == (("127.0.0.1", 2), "http://127.0.0.1:3")
