"""What is remembered goes on with the head, and with nothing else."""

import numpy as np

from node.learning.context import State
from node.learning.memory import TRAININGS, Memory


def head(number):
    return [np.full(2, float(number))]


def train(memory, round_id, at):
    """Count the trainings that count."""
    count = memory.recall(round_id, at).get("count", 0)
    memory.note(round_id, at, {"count": count + 1})
    return count


def test_recall__heads_that_follow_each_other__count_each_training_once():
    memory = Memory(State(), "here")
    assert [train(memory, number, head(number)) for number in range(1, 7)] == [0, 1, 2, 3, 4, 5]


def test_recall__the_same_training_again__is_as_before():
    memory = Memory(State(), "here")
    for number in (1, 2):
        train(memory, number, head(number))
    assert [train(memory, 3, head(3)) for _ in range(3)] == [2, 2, 2]
    assert train(memory, 4, head(4)) == 3


def test_recall__a_round_that_lapsed__counts_nothing():
    memory = Memory(State(), "here")
    train(memory, 1, head(1))
    assert [train(memory, number, head(2)) for number in (2, 3, 4)] == [1, 1, 1]
    assert train(memory, 5, head(3)) == 2


def test_recall__a_candidate_that_was_not_agreed__counts_nothing():
    memory = Memory(State(), "here")
    train(memory, 1, head(1))
    train(memory, 2, head(2))
    assert train(memory, 2, head(20)) == 1
    assert train(memory, 3, head(3)) == 2


def test_recall__the_head_before_again__is_as_it_was_then():
    memory = Memory(State(), "here")
    for number in range(1, 6):
        train(memory, number, head(number))
    assert train(memory, 6, head(4)) == 3
    assert train(memory, 7, head(7)) == 4


def test_recall__a_dry_round_of_long_ago__is_as_at_the_beginning_and_changes_nothing():
    memory = Memory(State(), "here")
    for number in range(1, 10):
        train(memory, number, head(number))
    assert train(memory, 1, head(1)) == 0
    assert train(memory, 10, head(10)) == 9


def test_note__many_trainings__keeps_few_and_what_lasts_is_shared_with_nobody():
    state = State()
    memory = Memory(state, "here")
    for number in range(1, 10):
        train(memory, number, head(number))
    assert len(state["here"]) == TRAININGS
    assert list(state) == ["here"]
    assert memory.latest() == {"count": 9}


def test_latest__nothing_trained__is_nothing():
    assert dict(Memory(State(), "here").latest()) == {}


def test_count_rounds__missed_ones__are_those_between_two_heads():
    memory = Memory(State(), "here")
    assert memory.count_rounds(5, head(1)) == 1
    train(memory, 5, head(1))
    assert memory.count_rounds(6, head(2)) == 1
    train(memory, 8, head(2))
    # Lapsed, and so trained again: what lies between the two heads stays.
    assert [memory.count_rounds(number, head(2)) for number in (8, 9, 12)] == [3, 3, 3]
    train(memory, 9, head(2))
    assert memory.count_rounds(10, head(3)) == 1


def test_note__more_candidates_than_are_kept__each_begins_from_the_round_before():
    memory = Memory(State(), "here")
    for number in (1, 2):
        train(memory, number, head(number))
    candidates = [head(100 + number) for number in range(TRAININGS + 2)]
    assert [train(memory, 3, each) for each in candidates] == [2] * len(candidates)
    # None of them was agreed: the round's own head is trained on again.
    assert train(memory, 3, head(2)) == 1
    assert train(memory, 4, head(3)) == 2
