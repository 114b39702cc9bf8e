"""Into which time a peer's training is fitted: what its settings say, within the round."""

import logging

import pytest

from node.daemon.opening import choose_train_seconds
from node.learning.hosting import Hosting
from node.settings import Settings, change_settings

PLAIN = Settings(("http://node",), None, 31337, ("::1", 7710), "http://clinic.example", "own")
COMMIT_SECONDS = 600


def choose(wanted, limit_seconds=900.0):
    settings = change_settings(PLAIN, [f"learner.train_seconds={wanted}"])
    return choose_train_seconds(settings, COMMIT_SECONDS, Hosting(seconds=limit_seconds))


def test_choose_train_seconds__nothing_said__is_not_fitted():
    assert choose_train_seconds(PLAIN, COMMIT_SECONDS, Hosting()) is None


@pytest.mark.parametrize("wanted", [1, 300])
def test_choose_train_seconds__half_of_the_deadline_at_most__is_as_said(caplog, wanted):
    assert choose(wanted) == wanted
    assert caplog.records == []


@pytest.mark.parametrize(("limit_seconds", "seconds"), [(900.0, 300), (100.0, 50)])
def test_choose_train_seconds__more__is_half_of_it_and_told(caplog, limit_seconds, seconds):
    with caplog.at_level(logging.WARNING):
        assert choose(301, limit_seconds) == seconds
    assert [record.getMessage() for record in caplog.records] == [
        f"act=pace error='learner.train_seconds: expected at most {seconds} (0.5 of commit_seconds "
        f"600 and of learner.seconds {limit_seconds}), got 301: taken as {seconds}'"
    ]
