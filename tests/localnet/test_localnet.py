"""Whole federations: the seed alone decides, Byzantine seats cost no round, time never hangs."""

import pytest
from runs_lab import run, small

from chain.types import RoundId
from localnet.byzantine import KINDS
from localnet.errors import ScenarioRefused
from localnet.network import Localnet
from localnet.report import RoundEnded
from node.errors import NodeError, NotFinite
from node.learning.errors import InvalidOption

ALIKE = ("boost", "noise", "zero")
"""A wrong update of the right form, as by those that flip signs."""


@pytest.fixture(scope="module")
def plain():
    return run(small())


def test_run__defaults__agrees_every_round_with_all_aboard(plain):
    ended, summary = plain
    assert [report.round for report in ended] == [1, 2, 3]
    assert all(report.is_agreed for report in ended)
    assert [report.commits for report in ended] == [5, 5, 5]
    assert (summary.rounds, summary.agreed, summary.is_idle) == (3, 3, False)
    assert summary.head == ended[-1].model_root
    assert summary.accuracy == ended[-1].accuracy > 0.85
    assert set(summary.accuracy_by_class) == {"malignant", "benign"}
    least, most = sorted(summary.accuracy_by_class.values())
    assert least < summary.accuracy < most
    assert summary.to_dict()["accuracy_by_class"]["benign"] > 0.85
    assert summary.gas_per_peer_round > 0
    # The fourth vote of five makes two thirds; the fifth may come a block later.
    assert all(report.votes >= 4 for report in ended)


@pytest.mark.parametrize(
    ("changed", "how"),
    [
        ({}, {}),
        ({"order_seed": 1}, {}),
        ({"order_seed": 2}, {"cores": 2}),
        ({}, {"cores": 2}),
        ({}, {"cores": 3}),
        ({}, {"shares_compute": False}),
    ],
    ids=["again", "order 1", "order 2, two cores", "two cores", "three cores", "each computes"],
)
def test_run__same_seed__gives_the_same_head(plain, changed, how):
    ended, summary = run(small(**changed), **how)
    assert summary.head == plain[1].head
    assert [r.model_root for r in ended] == [r.model_root for r in plain[0]]


def test_run__another_seed__gives_another_head(plain):
    assert run(small(seed=8))[1].head != plain[1].head


def test_run__kept_on_disk__gives_the_same_head(plain, tmp_path):
    assert run(small(), directory=tmp_path / "run")[1].head == plain[1].head


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=pytest.mark.slow) if k in ALIKE else k for k in KINDS]
)
@pytest.mark.parametrize("order_seed", [pytest.param(None, marks=pytest.mark.slow), 3])
def test_run__two_byzantine_of_seven__every_round_is_agreed(kind, order_seed):
    scenario = small(
        peers=7, rounds=2, byzantine=(f"2:{kind}",), faults_bps=3000, order_seed=order_seed
    )
    ended, summary = run(scenario)
    assert [report.is_agreed for report in ended] == [True, True]
    assert summary.accuracy > 0.8


@pytest.mark.parametrize(
    "kind",
    ["withhold", *(pytest.param(k, marks=pytest.mark.slow) for k in ("garbage", "serve_half"))],
)
def test_run__byzantine_on_disk_and_each_computing__gives_the_same_head(kind, tmp_path):
    scenario = small(peers=7, rounds=2, byzantine=(f"2:{kind}",), faults_bps=3000)
    apart = run(scenario, directory=tmp_path / "run", shares_compute=False)[1].head
    assert apart == run(scenario)[1].head


# -- the bars of a round that cannot die -------------------------------------------------------


def test_run__one_of_five_absent__every_round_is_agreed():
    ended, _ = run(small(byzantine=("1:absent",)))
    assert [report.is_agreed for report in ended] == [True] * 3
    assert [report.commits for report in ended] == [4] * 3


def test_run__two_of_five_absent_for_two_rounds__lapse_and_go_on_when_they_are_back():
    ended, summary = run(small(rounds=5, byzantine=("2:absent:2",)))
    assert [report.is_agreed for report in ended] == [False, False, True, True, True]
    assert [report.commits for report in ended] == [3, 3, 5, 5, 5]
    assert (summary.rounds, summary.agreed) == (5, 3)


@pytest.mark.parametrize(("seed", "order_seed"), [(1, None), (2, 5)])
def test_run__two_of_seven_serving_half__lapses_no_round(seed, order_seed):
    scenario = small(
        peers=7,
        byzantine=("2:serve_half",),
        faults_bps=3000,
        seed=seed,
        order_seed=order_seed,
    )
    ended, _ = run(scenario)
    assert [report.is_agreed for report in ended] == [True] * 3


def test_run__a_last_round_for_the_peers__no_later_one_begins():
    with Localnet(small(rounds=3), cores=1) as net:
        for peer in net.setting.peers:
            peer.last_round = RoundId(2)
        ended = [report for report in net.run() if isinstance(report, RoundEnded)]
        assert [report.is_agreed for report in ended] == [True, True]
        assert net.setting.observer.ledger.round.number == 2
        assert net.summary().is_idle


def test_run__all_absent__ends_idle():
    ended, summary = run(small(byzantine=("5:absent",)))
    assert ended == []
    assert (summary.rounds, summary.agreed, summary.is_idle) == (0, 0, True)
    assert summary.gas_per_peer_round is None


def test_run__too_few_to_agree__ends_with_every_round_lapsed():
    ended, summary = run(small(byzantine=("3:absent",)))
    assert [report.is_agreed for report in ended] == [False] * 3
    assert summary.agreed == 0


def test_run__a_lone_peer__is_its_own_majority():
    ended, _ = run(small(peers=1, min_updates=1))
    assert [report.is_agreed for report in ended] == [True] * 3


# -- bad input ---------------------------------------------------------------------------------


def test_run__the_learner_diverges__is_one_typed_error_and_no_noise(capfd):
    scenario = small(learner="mlp", options={"learning_rate": 1e30, "epochs": 3})
    with pytest.raises(NotFinite, match="encoding: array 'array_0' at ") as caught:
        run(scenario)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"peers": 200}, ScenarioRefused),
        ({"dataset": "mnist"}, NodeError),
        ({"learner": "forest"}, NodeError),
        ({"partition": "thirds"}, NodeError),
        ({"options": {"depth": 3}}, InvalidOption),
        ({"options": {"epochs": 0}}, InvalidOption),
        ({"options": {"learning_rate": "fast"}}, InvalidOption),
    ],
)
def test_localnet__bad_input__is_one_typed_error(changed, error):
    with pytest.raises(error) as caught:
        run(small(**changed))
    assert "\n" not in str(caught.value)


def test_run__left_in_the_middle__closes_its_workers():
    with Localnet(small(rounds=100)) as net:
        for report in net.run():
            if isinstance(report, RoundEnded):
                break
        children = [process._child for process in net.setting.cohort._pool._processes]
    assert all(child.returncode is not None for child in children)
