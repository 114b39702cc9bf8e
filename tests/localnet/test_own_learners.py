"""Federations of learners of one's own: agreed as any other, and what a bad one costs."""

import logging
import re
import shutil
from math import isnan
from pathlib import Path

import pytest
from runs_lab import audit_kept, run, small

from chain.types import Agreed
from localnet.errors import NobodyLearns, ScenarioRefused
from localnet.network import Localnet, usual_hosting
from localnet.report import Progress, RoundEnded
from node.errors import WorkerFailed
from node.learning.errors import UnknownLearner
from node.learning.hosting import LOG, TRACEBACK, Hosting

CODE = Path(__file__).parents[1] / "node" / "learning"
BAD_SEAT = 4
LOOP_SECONDS = 20.0
"""Enough for the others on a busy machine."""
SLOW = ("nan", "misshapen", "crashes", "leaves", "loops")


def own(learner="guests:make", **changed):
    return small(rounds=2, dataset="own", learner=learner, **changed)


def host(seconds=60.0):
    return Hosting(code=CODE, seconds=seconds, memory_bytes=2 * 2**30)


def run_own(scenario, seconds=60.0, **how):
    """Return the rounds' reports, and when each was agreed by the chain, from the first on."""
    with Localnet(scenario, hosting=host(seconds), **how) as net:
        ended = [report for report in net.run() if isinstance(report, RoundEnded)]
        history = net.setting.observer.history
        times = [logged.timestamp for logged in history if isinstance(logged.event, Agreed)]
        return ended, [time - history[0].timestamp for time in times], net.setting.task


def test_run__a_learner_of_ones_own__is_agreed_judged_and_the_same_again():
    (first, _, task), (second, _, _) = run_own(own()), run_own(own())
    assert [report.is_agreed for report in first] == [True, True]
    assert [report.accuracy for report in first] == [0.5, 0.5]
    assert [report.model_root for report in first] == [report.model_root for report in second]
    assert [each.name for each in task.spec.kept] == ["array_1"]
    assert task.deal is None
    assert task.parameters.update_bits != 14


@pytest.mark.slow  # Six processes import scikit-learn.
def test_run__data_of_holdfasts__are_dealt_to_a_learner_of_ones_own(tmp_path):
    (tmp_path / "linear.py").write_text(
        "from sklearn.linear_model import SGDClassifier\n\n"
        "def make(context):\n"
        "    assert len(context.data.classes) == 2\n"
        "    return SGDClassifier(loss='log_loss')\n"
    )
    scenario = small(rounds=2, learner="linear:make")
    ended, summary = run(scenario, hosting=Hosting(code=tmp_path))
    assert [report.commits for report in ended] == [5, 5]
    assert summary.accuracy > 0.9


@pytest.mark.slow
def test_run__kept_and_gone_on_with__remembers_what_it_counted(tmp_path):
    kept = tmp_path / "run"
    run_own(own(), directory=kept)
    ended, _, _ = run_own(own().with_rounds(4), directory=kept)
    assert [report.round for report in ended] == [3, 4]
    assert audit_kept(kept)[0] is None
    assert "round 4" in (kept / "learners" / "000" / LOG).read_text()


@pytest.fixture(scope="module")
def without_the_seat():
    """When rounds are agreed of which one seat takes no part: the others wait `grace_seconds`."""
    return run_own(own(byzantine=("1:absent",)))[1]


@pytest.mark.parametrize(
    "bad",
    [
        "raises",
        pytest.param("leaks", marks=pytest.mark.slow),
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in SLOW),
    ],
)
def test_run__a_bad_learner__costs_its_own_seat_and_nobody_time(
    without_the_seat, bad, caplog, tmp_path
):
    scenario = own(options={"bad": bad, "at": BAD_SEAT})
    with caplog.at_level(logging.ERROR, "holdfast.learner"):
        seconds = LOOP_SECONDS if bad == "loops" else 600.0
        ended, times, _ = run_own(scenario, seconds, directory=tmp_path / "run")
    assert [(report.is_agreed, report.commits) for report in ended] == [(True, 4), (True, 4)]
    assert all(time <= absent for time, absent in zip(times, without_the_seat, strict=True))
    told = [record.getMessage() for record in caplog.records]
    assert told
    assert all(f"seat={BAD_SEAT} " in line for line in told)
    has_raised = bad not in ("crashes", "loops")
    folders = tmp_path / "run" / "learners"
    assert [(folders / f"{seat:03}" / TRACEBACK).exists() for seat in range(5)] == [
        *(False, False, False, False, has_raised)
    ]


def test_run__learners_that_take_their_time__are_told_of_meanwhile(monkeypatch):
    monkeypatch.setattr("localnet.network.PROGRESS_SECONDS", 0)
    with Localnet(own().with_rounds(1), hosting=host()) as net:
        told = [each.training for each in net.run() if isinstance(each, Progress)]
    assert any(re.fullmatch(r"\d of 5 trained(: .*)?", each) for each in told)


@pytest.mark.slow
def test_run__all_learners_fail_in_the_dry_round__says_what_one_of_them_said():
    with pytest.raises(Exception, match="ValueError: no such column: age"):
        run_own(own(options={"bad": "raises"}))


def test_enter__no_such_factory__is_told_at_once():
    with pytest.raises(UnknownLearner, match="expected 'absent' in guests, got none"):
        run_own(own(learner="guests:absent"))


def test_run__every_training_fails__ends_with_what_the_learner_raised(tmp_path):
    (tmp_path / "late.py").write_text(
        "from guests import Mean\n\n"
        "class Late(Mean):\n"
        "    def fit(self, parameters, config):\n"
        "        if config['round']:\n"
        "            raise OSError('no such device')\n"
        "        return super().fit(parameters, config)\n\n"
        "make = Late\n"
    )
    (tmp_path / "guests.py").symlink_to(CODE / "guests.py")
    alone = own("late:make", peers=1, min_updates=1)
    told = "expected one training of 3 that succeeds, got learner: fit.*no such device"
    with (
        Localnet(alone, hosting=Hosting(code=tmp_path)) as net,
        pytest.raises(NobodyLearns, match=told),
    ):
        list(net.run())


def test_enter__no_judge_can_judge__is_told_and_its_traceback_stays(tmp_path):
    (tmp_path / "blind.py").write_text(
        "from guests import Mean\n\n"
        "class Blind(Mean):\n"
        "    def evaluate(self, parameters, config):\n"
        "        raise OSError('no such table')\n\n"
        "make = Blind\n"
    )
    (tmp_path / "guests.py").symlink_to(CODE / "guests.py")
    alone, directory = own("blind:make", peers=1, min_updates=1), tmp_path / "run"
    with pytest.raises(WorkerFailed, match="no such table") as caught:
        Localnet(alone, directory=directory, hosting=Hosting(code=tmp_path)).__enter__()
    assert list(directory.iterdir()) == []
    saved = Path(re.search(r"traceback in (.*)\)", str(caught.value))[1])
    assert "blind.py" in saved.read_text()
    shutil.rmtree(saved.parents[1])


def test_run__a_judge_of_dealt_data_fails_later__goes_on_and_tells(tmp_path, caplog):
    (tmp_path / "dim.py").write_text(
        "from guests import Mean\n\n"
        "class Dim(Mean):\n"
        "    def evaluate(self, parameters, config):\n"
        "        if parameters[0].any():\n"
        "            raise OSError('no such table')\n"
        "        return super().evaluate(parameters, config)\n\n"
        "make = Dim\n"
    )
    (tmp_path / "guests.py").symlink_to(CODE / "guests.py")
    dealt = small(rounds=1, dataset="breast_cancer", learner="dim:make", peers=1, min_updates=1)
    with Localnet(dealt, hosting=Hosting(code=tmp_path)) as net:
        ended = [report for report in net.run() if isinstance(report, RoundEnded)]
    assert [(report.is_agreed, isnan(report.loss)) for report in ended] == [(True, True)]
    assert "seat=0 act=judge error='learner: evaluate" in caplog.text


def test_check__a_built_in_learner_without_data__is_refused():
    with pytest.raises(ScenarioRefused, match="expected data for softmax: only a learner of your"):
        small(dataset="own").check()


def test_usual_hosting__nobody_has_said__is_a_round_and_the_folder_of_the_command():
    hosting = usual_hosting(own(commit_seconds=40, attest_seconds=2))
    assert (hosting.code, hosting.seconds) == (Path.cwd(), 42)
