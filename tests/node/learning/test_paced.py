"""A learner whose work is fitted into a time; its clock goes by its own steps."""

import numpy as np
import pytest

from node.learning.config import LOCAL_STEPS
from node.learning.errors import StateRefused
from node.learning.hosting import PACE
from node.learning.pace import FIRST_STEPS
from node.learning.paced import ASKED, Paced, read_pace

BUDGET = 30.0
HEAD = [np.zeros(1)]
CONFIG = {"seed": 0, "round": 1}


class Machine:
    """Makes the steps that it is asked for, each of so many seconds of its clock."""

    def __init__(self, seconds_of_step):
        self.seconds_of_step = seconds_of_step
        self.now = 0.0
        self.fault = None

    def get_parameters(self, config):
        return HEAD

    def fit(self, parameters, config):
        steps = config[LOCAL_STEPS]
        self.now += steps * self.seconds_of_step
        if self.fault is not None:
            raise self.fault
        return [parameters[0] + steps], 5, {"steps": steps, "loss": 0.5}

    def evaluate(self, parameters, config):
        return 0.25, 5, {}


def pace(machine, notes=None):
    return Paced(machine, BUDGET, notes, lambda: machine.now)


def train(paced, machine):
    """Return the steps of a training and how long it took."""
    began_at = machine.now
    _, _, metrics = paced.fit(HEAD, CONFIG)
    return metrics["steps"], machine.now - began_at


def settle(paced, machine, rounds=6):
    return [train(paced, machine) for _ in range(rounds)][-1]


def test_fit__two_machines__end_together_by_unequal_work():
    fast, slow = Machine(0.01), Machine(0.04)
    (many, fast_seconds), (few, slow_seconds) = (settle(pace(each), each) for each in (fast, slow))
    assert fast_seconds == pytest.approx(BUDGET, rel=0.2)
    assert slow_seconds == pytest.approx(BUDGET, rel=0.2)
    assert many == pytest.approx(4 * few, rel=0.01)


def test_fit__a_training__is_the_learners_with_what_was_asked_for_beside_it():
    arrays, samples, metrics = pace(Machine(1.0)).fit(HEAD, CONFIG)
    assert (arrays[0].tolist(), samples) == ([FIRST_STEPS], 5)
    assert metrics == {"steps": FIRST_STEPS, "loss": 0.5, ASKED: FIRST_STEPS}


def test_evaluate__is_the_learners():
    paced = pace(Machine(1.0))
    assert paced.evaluate(HEAD, CONFIG) == (0.25, 5, {})
    assert paced.get_parameters(CONFIG) is HEAD


def test_fit__restarted__goes_on_at_its_pace(tmp_path):
    machine = Machine(0.01)
    steps, _ = settle(pace(machine, tmp_path), machine)
    assert train(pace(machine, tmp_path), machine)[0] == steps
    assert train(pace(machine), machine)[0] == FIRST_STEPS


def test_fit__its_process_was_killed_in_a_training__does_half_of_it_next(tmp_path):
    machine = Machine(0.01)
    paced = pace(machine, tmp_path)
    steps, _ = settle(paced, machine)
    found = []
    fit = machine.fit
    # What lies on the disk in the midst of a training is what a kill would leave.
    machine.fit = lambda *given: found.append(read_pace(tmp_path)) or fit(*given)
    train(paced, machine)
    assert found[0].choose(BUDGET) == steps // 2
    assert read_pace(tmp_path).choose(BUDGET) == steps


def test_fit__a_learner_that_raises__has_measured_nothing(tmp_path):
    machine = Machine(0.01)
    paced = pace(machine, tmp_path)
    settle(paced, machine)
    before = read_pace(tmp_path)
    machine.fault = RuntimeError("no such column")
    with pytest.raises(RuntimeError, match=r"^no such column$"):
        paced.fit(HEAD, CONFIG)
    assert read_pace(tmp_path) == before


@pytest.mark.parametrize("metrics", [{}, {"steps": True}, {"steps": 0}, {"steps": "9"}])
def test_fit__no_count_of_steps__asks_for_the_same_again(metrics):
    machine = Machine(0.01)
    machine.fit = lambda parameters, config: (parameters, 5, metrics)
    paced = pace(machine)
    for _ in range(2):
        assert paced.fit(HEAD, CONFIG)[2] == {**metrics, ASKED: FIRST_STEPS}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b'{"measured": [[0, 1]], "unfinished": null}']
)
def test_read_pace__a_damaged_file__is_refused_by_its_name(tmp_path, content):
    (tmp_path / PACE).write_bytes(content)
    with pytest.raises(StateRefused) as told:
        pace(Machine(1.0), tmp_path)
    expected = f"{tmp_path / PACE}: expected a learner's pace (or no such file), got "
    assert str(told.value).startswith(expected)
