"""One peer's learner in its process: what it trained, and what its death costs."""

import logging
import signal
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
import pytest

from chain.types import Key, RoundId, Seat
from node.data.sources import load
from node.encoding import Layout, decode_model, encode_model, to_payload
from node.errors import NodeError, WorkerFailed
from node.learning.catalogue import build_learner
from node.learning.hosting import Hosting
from node.learning.keeping import choose_kept, describe_shared
from node.learning.trainer import STARTS, ProcessTrainer
from node.merkle import MODEL_TAG
from node.rule.parameters import Rule, Selection, Weighting
from node.training import Course, Failed, Job, train

SEAT, PARENT = Seat(3), Key(b"\x01" * 32)
RULE = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 14, 20)


@pytest.fixture(scope="module")
def task():
    data = load("breast_cancer")
    learner = build_learner("softmax", {}, train=data, partition=SEAT)
    arrays = learner.get_parameters({"seed": 0})
    layout = Layout.from_arrays(arrays)
    course = Course(layout, RULE, 0, 5)
    return data, learner, course, encode_model(layout.flatten(arrays), 20)


@pytest.fixture
def trainer(task):
    data, _, course, _ = task

    def enrol(process):
        return [
            process.ask("enrol", (SEAT, "softmax", {}, data, None)),
            process.ask("follow", (SEAT, course)),
        ]

    with ProcessTrainer(enrol) as opened:
        yield opened


def await_answer(trainer):
    assert wait([trainer.connection], 60), "an answer within a minute"


def find(trainer, number):
    while (fit := trainer.find(SEAT, PARENT, RoundId(number))) is None:
        await_answer(trainer)
    return fit


def test_find__trained__is_what_training_here_gives_and_is_told_once(trainer, task):
    _, learner, course, head = task
    job = Job(RoundId(1), head, MODEL_TAG)
    trainer.start(SEAT, PARENT, job)
    trainer.start(SEAT, PARENT, job)
    assert find(trainer, 1).root == train(learner, course, job).root
    assert trainer.find(SEAT, PARENT, RoundId(1)) is None


def test_find__the_process_was_killed__costs_the_round_and_the_next_is_trained(
    trainer, task, caplog
):
    head = task[3]
    trainer._process._child.send_signal(signal.SIGSTOP)
    for number in (1, 2):
        trainer.start(SEAT, PARENT, Job(RoundId(number), head, MODEL_TAG))
    trainer._process._child.kill()
    trainer._process._child.wait()
    with caplog.at_level(logging.ERROR):
        assert trainer.find(SEAT, PARENT, RoundId(1)) == Failed()
        assert trainer.find(SEAT, PARENT, RoundId(2)) == Failed()
    assert [record.args[1] for record in caplog.records] == [1, 2]
    assert "expected a living process, got exit code -9" in caplog.text
    trainer.start(SEAT, PARENT, Job(RoundId(3), head, MODEL_TAG))
    assert find(trainer, 3).samples == task[0].samples


def test_find__a_learner_that_refuses__is_told_and_trains_again(trainer, task, caplog):
    wrong = task[3][:-1]
    trainer.start(SEAT, PARENT, Job(RoundId(1), wrong, MODEL_TAG))
    with caplog.at_level(logging.ERROR):
        while not caplog.records:
            await_answer(trainer)
            assert trainer.find(SEAT, PARENT, RoundId(1)) in (None, Failed())
    assert "round=1 act=train" in caplog.text
    trainer.start(SEAT, PARENT, Job(RoundId(2), task[3], MODEL_TAG))
    assert find(trainer, 2).steps > 0


def test_judge__asked_beside_a_training__is_answered_as_the_learner_does(trainer, task):
    _, learner, course, head = task
    pending = trainer.judge(SEAT, to_payload(head), 20)
    trainer.start(SEAT, PARENT, Job(RoundId(1), head, MODEL_TAG))
    while not pending.is_done:
        await_answer(trainer)
        trainer.poll()
    arrays = course.layout.unflatten(decode_model(head, 20))
    assert pending.result() == learner.evaluate(arrays, {"seed": 0, "round": 0})
    assert find(trainer, 1).steps > 0


@pytest.fixture
def pondering(monkeypatch):
    """A trainer whose learner judges for ever, of a process that a training does not wait for."""
    monkeypatch.setattr("node.learning.trainer.JUDGEMENT_SECONDS", 0.0)
    names = [f"array_{at}" for at in range(3)]
    arrays = [np.zeros(2, np.float32), np.array(0), np.zeros(1, np.float16)]
    kept = choose_kept(names, arrays)
    course = Course(describe_shared(names, arrays, kept), RULE, 0, 5, kept=kept)

    def enrol(process):
        options = {"bad": "ponders"}
        return [
            process.ask("enrol", (SEAT, "guests:make", options, None, None)),
            process.ask("follow", (SEAT, course)),
        ]

    with ProcessTrainer(enrol, Hosting(code=Path(__file__).parent)) as opened:
        yield opened, np.zeros(3, np.int32)


def test_judge__it_never_ends_and_a_training_waits__is_given_up_and_the_round_is_trained(
    pondering, caplog
):
    trainer, head = pondering
    payload = to_payload(head)
    with caplog.at_level(logging.WARNING):
        given_up = trainer.judge(SEAT, payload, 20)
        trainer.start(SEAT, PARENT, Job(RoundId(1), head, MODEL_TAG))
        assert find(trainer, 1).samples == 4
    assert "act=judge error='a training waits: ended after 0 s' skips=1" in caplog.text
    told = "learner: evaluate: expected an answer before the next training, got none in time"
    assert str(given_up.error) == told
    assert trainer.tally.failed == 0
    # The next is not begun, so that the learner need not begin anew with every round.
    skipped = trainer.judge(SEAT, payload, 20)
    assert "got one that was too slow before" in str(skipped.error)
    again = trainer.judge(SEAT, payload, 20)
    assert not again.is_done
    trainer.start(SEAT, PARENT, Job(RoundId(2), head, MODEL_TAG))
    assert find(trainer, 2).samples == 4
    assert "skips=2" in caplog.text


def test_find__done_when_a_judgement_begins__is_not_trained_again(
    trainer, task, monkeypatch, caplog
):
    _, learner, course, head = task
    monkeypatch.setattr("node.learning.trainer.JUDGEMENT_SECONDS", 0.0)
    job = Job(RoundId(1), head, MODEL_TAG)
    with caplog.at_level(logging.WARNING):
        trainer.start(SEAT, PARENT, job)
        process = trainer._process
        pending = trainer.judge(SEAT, to_payload(head), 20)
        # It has taken longer than any judgement may keep it waiting, and its answer is here.
        assert find(trainer, 1).root == train(learner, course, job).root
        while not pending.is_done:
            await_answer(trainer)
            trainer.poll()
    assert pending.error is None
    assert trainer._process is process
    assert not caplog.records


def test_poll__the_process_was_killed_with_nothing_to_do__is_started_anew(trainer, task, caplog):
    trainer._process._child.kill()
    trainer._process._child.wait()
    with caplog.at_level(logging.WARNING):
        trainer.poll()
    assert "act=revive" in caplog.text
    trainer.start(SEAT, PARENT, Job(RoundId(1), task[3], MODEL_TAG))
    assert find(trainer, 1).samples == task[0].samples


def test_poll__the_new_process_dies_too__is_not_started_again_before_it_is_asked(task, caplog):
    data, _, course, head = task
    begun = []

    def enrol(process):
        begun.append(process)
        if len(begun) == 2:
            process._child.kill()
            process._child.wait()
        return [
            process.ask("enrol", (SEAT, "softmax", {}, data, None)),
            process.ask("follow", (SEAT, course)),
        ]

    with caplog.at_level(logging.WARNING), ProcessTrainer(enrol) as trainer:
        trainer._process._child.kill()
        trainer._process._child.wait()
        for _ in range(3):
            trainer.poll()
        assert (len(begun), caplog.text.count("act=revive")) == (2, 1)
        trainer.start(SEAT, PARENT, Job(RoundId(1), head, MODEL_TAG))
        assert find(trainer, 1).samples == data.samples
    assert len(begun) == 3


def test_enter__data_that_no_learner_takes__is_raised_at_once(task):
    def enrol(process):
        return [process.ask("enrol", (0, "softmax", {"epochs": 0}, task[0], None))]

    with pytest.raises(NodeError, match="option epochs"):
        ProcessTrainer(enrol)


def test_start__the_process_is_killed_before_it_has_begun__is_started_anew(task, caplog):
    data, _, course, head = task
    begun = []

    def enrol(process):
        begun.append(process)
        if len(begun) < STARTS:
            process._child.kill()
            process._child.wait()
        return [
            process.ask("enrol", (SEAT, "softmax", {}, data, None)),
            process.ask("follow", (SEAT, course)),
        ]

    with caplog.at_level(logging.WARNING), ProcessTrainer(enrol) as trainer:
        trainer.start(SEAT, PARENT, Job(RoundId(1), head, MODEL_TAG))
        assert find(trainer, 1).samples == data.samples
    assert len(begun) == STARTS
    assert caplog.text.count("expected a living process, got exit code -9") == STARTS - 1


def test_start__the_process_always_dies__is_told_after_some_tries():
    begun = []

    def enrol(process):
        begun.append(process)
        process._child.kill()
        process._child.wait()
        return [process.ask("follow", (SEAT, None))]

    with pytest.raises(WorkerFailed, match="expected a living process, got exit code -9"):
        ProcessTrainer(enrol)
    assert len(begun) == STARTS
