"""How much work fits into a time: laws, on clocks that nobody waits for."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.learning.pace import (
    ASTRAY,
    FIRST_STEPS,
    GROWTH,
    WINDOW,
    Obedience,
    Pace,
    cap_budget,
)

BUDGET = 30.0
TRAININGS = st.lists(
    st.tuples(st.integers(1, 10**6), st.floats(0, 1e6)), min_size=1, max_size=2 * WINDOW
)


def measure(trainings):
    pace = Pace()
    for steps, seconds in trainings:
        pace = pace.add(steps, seconds)
    return pace


def train(pace, seconds_of_step, budget=BUDGET, overhead=0.0):
    """One training of a machine; return the pace after it, and how long it took."""
    steps = pace.choose(budget)
    seconds = overhead + steps * seconds_of_step
    return pace.add(steps, seconds), seconds


def settle(seconds_of_step, rounds=8, **how):
    pace, times = Pace(), []
    for _ in range(rounds):
        pace, seconds = train(pace, seconds_of_step, **how)
        times.append(seconds)
    return pace, times


def test_choose__nobody_has_measured__is_a_few_whatever_the_budget():
    assert Pace().choose(0.001) == Pace().choose(1e9) == FIRST_STEPS


@pytest.mark.parametrize("overhead", [0.0, 2.0])
def test_choose__two_machines_one_four_times_slower__end_together(overhead):
    fast, slow = (settle(step, overhead=overhead) for step in (0.002, 0.008))
    for _, times in (fast, slow):
        assert times[-1] == pytest.approx(BUDGET, rel=0.2)
    assert fast[0].choose(BUDGET) == pytest.approx(4 * slow[0].choose(BUDGET), rel=0.01)


@pytest.mark.parametrize("seconds_of_step", [1e-4, 0.01, 1.0])
def test_choose__while_it_settles__never_takes_longer_than_the_budget(seconds_of_step):
    _, times = settle(seconds_of_step)
    assert max(times) <= BUDGET
    assert times[-1] > 0.9 * BUDGET


def test_choose__a_step_longer_than_the_budget__is_one():
    assert settle(100.0)[0].choose(BUDGET) == 1


@settings(max_examples=40)
@given(trainings=TRAININGS, budget=st.floats(0, 1e6))
def test_choose__whatever_was_measured__is_between_one_and_so_many_times_the_last(
    trainings, budget
):
    assert 1 <= measure(trainings).choose(budget) <= GROWTH * trainings[-1][0]


@settings(max_examples=40)
@given(trainings=TRAININGS, budgets=st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)))
def test_choose__more_time__is_never_less_work(trainings, budgets):
    pace = measure(trainings)
    assert pace.choose(min(budgets)) <= pace.choose(max(budgets))


@settings(max_examples=40)
@given(trainings=TRAININGS, slower=st.floats(1, 1e3), at=st.integers(0, 2 * WINDOW))
def test_choose__one_training_slower__is_never_more_work(trainings, slower, at):
    worse = list(trainings)
    steps, seconds = worse[at % len(worse)]
    worse[at % len(worse)] = (steps, seconds * slower)
    assert measure(worse).choose(BUDGET) <= measure(trainings).choose(BUDGET)


def test_choose__one_training_took_a_hundred_times_as_long__is_itself_again_two_later():
    pace, _ = settle(0.01)
    usual = pace.choose(BUDGET)
    pace, seconds = train(pace, 1.0)
    assert seconds == pytest.approx(100 * BUDGET, rel=0.01)
    pace, seconds = train(pace, 0.01)
    assert seconds == pytest.approx(BUDGET / 100, rel=0.1)
    pace, _ = train(pace, 0.01)
    assert train(pace, 0.01)[0].choose(BUDGET) == pytest.approx(usual, rel=0.01)


def test_choose__a_machine_that_has_become_slower__is_late_once():
    pace, _ = settle(0.01)
    times = []
    for _ in range(4):
        pace, seconds = train(pace, 0.04)
        times.append(seconds)
    assert [seconds > 1.01 * BUDGET for seconds in times] == [True, False, False, False]


def test_choose__one_training_was_oddly_fast__does_not_follow_it():
    pace, _ = settle(0.01)
    odd = pace.add(3000, 0.003)
    assert odd.choose(BUDGET) == pytest.approx(pace.choose(BUDGET), rel=0.01)


def test_choose__a_training_did_not_end__is_half_of_it_until_one_does():
    pace, _ = settle(0.01)
    usual = pace.choose(BUDGET)
    killed = pace.begin(usual)
    assert killed.choose(BUDGET) == usual // 2
    again = killed.begin(killed.choose(BUDGET))
    assert again.choose(BUDGET) == usual // 4
    assert again.add(usual // 4, usual // 4 * 0.01).choose(BUDGET) == pytest.approx(usual, rel=0.01)
    assert Pace().begin(1).choose(BUDGET) == 1


def test_choose__steps_that_do_not_let_themselves_be_measured__grow_by_so_much():
    assert Pace().add(10, 0.0).choose(BUDGET) == 10 * GROWTH


@settings(max_examples=40)
@given(trainings=TRAININGS, unfinished=st.none() | st.integers(1, 10**6))
def test_from_dict__what_was_written__is_the_same(trainings, unfinished):
    pace = measure(trainings)
    pace = pace if unfinished is None else pace.begin(unfinished)
    assert Pace.from_dict(pace.to_dict()) == pace


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"measured": [[0, 1.0]], "unfinished": None},
        {"measured": [[1, -1.0]], "unfinished": None},
        {"measured": [[1, math.inf]], "unfinished": None},
        {"measured": [[1]], "unfinished": None},
        {"measured": [], "unfinished": "many"},
    ],
)
def test_from_dict__what_no_pace_is__is_refused(entries):
    with pytest.raises((ValueError, TypeError, KeyError)):
        Pace.from_dict(entries)


@pytest.mark.parametrize(
    ("wanted", "commit", "limit", "is_cap"),
    [
        (30, 600, 900.0, 30),
        (300, 600, 900.0, 300),
        (301, 600, 900.0, 300),
        (301, 600, None, 300),
        (301, 600, 100.0, 50),
    ],
)
def test_cap_budget__a_deadline__leaves_half_of_it(wanted, commit, limit, is_cap):
    assert cap_budget(wanted, commit, limit) == is_cap


def test_judge__steps_near_those_asked_for__has_nothing_to_say():
    obedience = Obedience()
    told = [obedience.judge(100, steps) for steps in (50, 100, 200, 201, 100, 49, 100)]
    assert told == [None] * 7


def test_judge__far_from_them_twice_in_a_row__says_so_once():
    obedience = Obedience()
    told = [obedience.judge(100, 201) for _ in range(3 * ASTRAY)]
    assert [text is not None for text in told] == [False, True, False, False, False, False]
    assert told[1] == (
        "learner: steps: expected about config['local_steps'] (100), got 201: its work is not "
        "fitted into learner.train_seconds"
    )


def test_judge__no_steps_told__says_that():
    obedience = Obedience()
    assert obedience.judge(1, 0) is None
    assert "got none told" in str(obedience.judge(1, 0))
