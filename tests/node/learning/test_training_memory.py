"""What is remembered follows the chain of heads, and nothing else."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.learning.context import State
from node.learning.memory import BELOW, NOWHERE, RECENT, Line, Memory


def line(*heads):
    """Return where the last of these heads stands, the others being below it in this order."""
    *below, key = heads
    return Line(key, tuple((each, back) for back, each in enumerate(reversed(below), 1)))


A, AB, ABC, ABD, ABCE = (
    line(*(each.encode() for each in text)) for text in ["A", "AB", "ABC", "ABD", "ABCE"]
)


def train(memory, at):
    """Note one training more than what is remembered, and return that."""
    count = memory.recall(at).get("count", 0)
    memory.note(at, {"count": count + 1})
    return count


def remember():
    return Memory(State(), "here")


def test_recall__heads_that_follow_each_other__count_each_once():
    memory, heads = remember(), [b"%d" % number for number in range(9)]
    assert [train(memory, line(*heads[: n + 1])) for n in range(9)] == list(range(9))


def test_recall__the_same_head_again__is_as_before():
    memory = remember()
    assert [train(memory, each) for each in (A, A, AB, AB, AB, ABC)] == [0, 0, 1, 1, 1, 2]


def test_recall__a_candidate_trained_last_and_not_agreed__counts_nothing():
    memory = remember()
    for each in (A, AB, ABC):
        train(memory, each)
    memory.note(ABD, {"count": 100})
    assert memory.recall(ABCE) == {"count": 3}


def test_recall__candidates_whose_round_lapsed__count_nothing_for_the_next():
    memory = remember()
    for each in (A, AB, ABC, ABD):
        train(memory, each)
    assert train(memory, AB) == 1
    assert train(memory, line(b"A", b"B", b"E")) == 2


def test_recall__a_head_that_was_missed__is_from_the_nearest_below():
    memory = remember()
    assert memory.count_rounds(ABCE) == 1
    train(memory, A)
    assert (memory.recall(ABCE), memory.count_rounds(ABCE)) == ({"count": 1}, 3)
    train(memory, AB)
    assert (memory.recall(ABCE), memory.count_rounds(ABCE)) == ({"count": 2}, 2)
    # Lapsed rounds are no agreements.
    for _ in range(3):
        train(memory, ABCE)
    assert memory.count_rounds(ABCE) == 2


def test_note__nowhere__changes_nothing():
    memory = remember()
    train(memory, A)
    assert train(memory, NOWHERE) == 0
    assert (memory.latest(), train(memory, NOWHERE)) == ({"count": 1}, 0)


def test_note__many_heads__keeps_few():
    state = State()
    memory, heads = Memory(state, "here"), [b"%d" % number for number in range(9)]
    for n in range(9):
        train(memory, line(*heads[: n + 1]))
    # The last, and the two below it.
    assert [key for key, _ in state["here"]] == heads[-3:]
    for other in (b"w", b"x", b"y", b"z"):
        train(memory, line(*heads, other))
    assert [key for key, _ in state["here"]] == [*heads[-BELOW:], b"x", b"y", b"z"]
    assert list(state) == ["here"]


def test_latest__nothing_trained__is_nothing():
    assert dict(remember().latest()) == {}


def test_adopt__heads_given_up_further_down_than_is_remembered__is_the_last_for_good():
    memory, heads = remember(), [b"%d" % number for number in range(9)]
    for n in range(9):
        train(memory, line(*heads[: n + 1]))
    back = line(*heads[:4])
    assert memory.recall(back) == {}
    for _ in range(3):
        found = memory.recall(back) or memory.adopt(back, {"count": 0})
        assert found == {"count": 9}
        memory.note(back, {"count": 10})
    assert train(memory, line(*heads[:4], b"new")) == 10


def test_adopt__a_state_that_was_lost__is_the_first_for_good():
    memory = remember()
    for _ in range(3):
        assert (memory.recall(AB) or memory.adopt(AB, {"count": 0})) == {"count": 0}
        memory.note(AB, {"count": 1})


def test_adopt__the_first_head__is_the_first_however_often():
    memory = remember()
    for _ in range(3):
        assert memory.adopt(A, {"count": 0}) == {"count": 0}
        train(memory, A)


@pytest.mark.parametrize("kept", [[(1, 1, b"digest", {}, {"count": 4})], 5, [b"abc"]])
def test_recall__a_state_of_another_version__is_begun_anew_and_that_is_said(kept, caplog):
    memory = Memory(State(here=kept), "here")
    assert train(memory, A) == 0
    assert [each.getMessage() for each in caplog.records] == [
        "act=train state=here error='expected pairs (head, what follows), got those of another "
        "version: begun anew'"
    ]
    assert train(memory, AB) == 1


class Model:
    """A dictionary from each head to what follows from its last training; nothing is forgotten."""

    def __init__(self):
        self.after = {}
        self.trainings = 0

    def recall(self, at):
        rounds = [(back, self.after[key]) for key, back in at.below if key in self.after]
        return min(rounds, key=lambda each: each[0], default=(1, ()))


ACTS = st.sampled_from(["train", "agree", "agree", "agree on another", "lapse", "restart"])


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(ACTS, max_size=40), missed=st.sets(st.integers(0, 12)))
def test_memory__any_course_of_a_federation__is_as_a_dictionary_of_all_heads_says(acts, missed):
    """Each round a peer trains on the head and on at most RECENT results before one is agreed."""
    model, state = Model(), State()
    chain, candidates = [b"head 0"], []

    def learn(*heads):
        at = line(*heads)
        memory = Memory(state, "here")
        rounds, before = model.recall(at)
        assert (memory.recall(at).get("trainings", ()), memory.count_rounds(at)) == (before, rounds)
        # Which training it was, so that no other leaves the same.
        model.trainings += 1
        after = model.after[at.key] = (*before, model.trainings)
        memory.note(at, {"trainings": after})

    for number, act in enumerate(acts):
        is_away = len(chain) in missed
        match act:
            case "train" | "lapse" if not is_away:
                if act == "train" and len(candidates) < RECENT:
                    candidates.append(b"head %d" % (number + 1))
                    learn(*chain, candidates[-1])
                else:
                    candidates = []
                    learn(*chain)
            case "agree":
                chain.append(candidates[0] if candidates else b"head %d" % (number + 1))
                candidates = []
            case "agree on another":
                chain.append(b"head %d" % (number + 1))
                candidates = []
            case "restart":
                state = State(pickle.loads(pickle.dumps(dict(state))))
