"""What several peers find of one head, as one judgement."""

import math

import pytest

from localnet.judgement import JointJudgement
from node.errors import WorkerFailed
from node.learning.process import Pending


def said(loss, samples, metrics):
    pending = Pending()
    pending.value, pending.is_done = (loss, samples, metrics), True
    return pending


def failed():
    pending = Pending()
    pending.error, pending.is_done = WorkerFailed("learner", "an answer", "none"), True
    return pending


def test_result__of_one__is_what_it_says_with_its_classes():
    metrics = {"accuracy": 0.5, "accuracy_by_class": {"ill": 0.25, "well": 0.75}}
    assert JointJudgement({0: said(0.5, 8, metrics)}).result() == (0.5, 8, metrics)


def test_result__of_several__means_by_samples_and_of_each_class_over_who_tells_it():
    first = {"accuracy": 0.5, "accuracy_by_class": {"ill": 0.0, "well": 1.0}}
    second = {"accuracy": 1.0, "accuracy_by_class": {"ill": 1.0}}
    third = {"accuracy": 1.0}
    answers = [said(4.0, 10, first), said(2.0, 30, second), failed(), said(0.0, 40, third)]
    loss, samples, metrics = JointJudgement(dict(enumerate(answers))).result()
    assert (loss, samples) == (100 / 80, 80)
    assert metrics == {"accuracy": 75 / 80, "accuracy_by_class": {"ill": 0.75, "well": 1.0}}


def test_result__nobody_judges__the_loss_is_no_number():
    for answers in ([], [failed()], [said(1.0, 0, {"accuracy_by_class": {"ill": 1.0}})]):
        loss, samples, metrics = JointJudgement(dict(enumerate(answers))).result()
        assert math.isnan(loss)
        assert (samples, metrics) == (0, {})


@pytest.mark.parametrize("metrics", [{}, {"accuracy_by_class": {"ill": 0.5}}])
def test_result__one_has_no_accuracy__there_is_none_in_all(metrics):
    answers = [said(1.0, 1, metrics), said(1.0, 1, {"accuracy": 1.0})]
    assert JointJudgement(dict(enumerate(answers))).result()[2] == metrics


def test_result__who_fails_to_judge__is_told_once(caplog):
    joint = JointJudgement({3: said(1.0, 2, {}), 4: failed()})
    assert joint.result() == joint.result() == (1.0, 2, {})
    told = "seat=4 act=judge error='learner: expected an answer, got none'"
    assert [record.getMessage() for record in caplog.records] == [told]
