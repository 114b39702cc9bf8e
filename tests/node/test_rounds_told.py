"""What a peer's log says of agreed rounds: a real chain and peers; the judge answers by hand."""

import logging
from dataclasses import replace

import pytest
from peers_lab import PeersLab

from chain.types import Agreed, Committed
from node.blobs.store import MemoryBlobs
from node.daemon.rounds import Rounds, describe_update
from node.errors import WorkerFailed
from node.learning.process import Pending

SEAT = 2


class Judge:
    """Answers when the test says so."""

    def __init__(self):
        self.asked = []
        self.polls = 0

    def judge(self, seat, payload, model_bits):
        self.asked.append((payload, Pending()))
        return self.asked[-1][1]

    def poll(self):
        self.polls += 1

    def answer(self, value=None, error=None):
        pending = self.asked[-1][1]
        pending.value, pending.error, pending.is_done = value, error, True


@pytest.fixture(scope="module")
def lab():
    with PeersLab() as opened:
        opened.play(2)
        yield opened


@pytest.fixture
def told(caplog):
    with caplog.at_level(logging.INFO, "holdfast.rounds"):
        yield caplog


def split_agreed(lab):
    """Return the news up to the first agreed round, and those after it."""
    history = lab.observer.history
    first = next(i for i, e in enumerate(history) if isinstance(e.event, Agreed)) + 1
    return history[:first], history[first:]


def test_look__a_round_was_agreed__one_line_says_what_it_came_to(lab, told):
    judge = Judge()
    rounds = Rounds(SEAT, lab.contract, lab.exchange.shelf(SEAT), judge)
    news, _ = split_agreed(lab)
    rounds.look(news)
    result = lab.observer.ledger.result(news[-1].event.key)
    (line,) = told.messages
    votes = len(lab.observer.ledger.votes[news[-1].event.key])
    assert line == (
        f"seat=2 round=1 act=agreed height=1 head=0x{result.model_root.hex()} "
        f"included={len(result.seats)} credited={result.credited.bit_count()} "
        f"votes={votes} own_vote=yes own_update=credited"
    )


def test_look__the_head_was_judged__is_told_once(lab, told):
    judge = Judge()
    rounds = Rounds(SEAT, lab.contract, lab.exchange.shelf(SEAT), judge)
    rounds.look(split_agreed(lab)[0])
    told.clear()
    rounds.look(())
    assert told.messages == []
    judge.answer((0.25, 114, {"accuracy": 0.9}))
    for _ in range(2):
        rounds.look(())
    assert told.messages == ["seat=2 act=judged height=1 loss=0.2500 accuracy=0.9000 samples=114"]
    assert judge.polls == 4


def test_look__the_learner_says_it_by_class__the_weakest_is_named(lab, told):
    judge = Judge()
    rounds = Rounds(SEAT, lab.contract, lab.exchange.shelf(SEAT), judge)
    rounds.look(lab.observer.history)
    by_class = {"well": 0.95, "ill": 0.5, "dead": 0.5}
    judge.answer((0.25, 114, {"accuracy": 0.9, "accuracy_by_class": by_class}))
    rounds.look(())
    assert told.messages[-1].endswith(" samples=114 weakest='dead' weakest_accuracy=0.5000")


def test_look__several_heads_at_once__only_the_newest_is_judged(lab, told):
    judge = Judge()
    Rounds(SEAT, lab.contract, lab.exchange.shelf(SEAT), judge).look(lab.observer.history)
    assert [line.split()[2] for line in told.messages] == ["act=agreed"] * 2
    head = lab.observer.ledger.head().model_root
    wanted = lab.exchange.shelf(SEAT).get(lab.contract.naming.model_blob(head))
    assert [payload for payload, _ in judge.asked] == [wanted]


def test_look__a_newer_head_than_one_that_never_came__is_skipped_with_the_reason(lab, told):
    judge, blobs = Judge(), MemoryBlobs()
    rounds = Rounds(SEAT, lab.contract, blobs, judge)
    for news in split_agreed(lab):
        rounds.look(news)
    assert told.messages[-1] == "seat=2 act=judged height=1 skipped='there is a newer head'"
    assert judge.asked == []
    blob = lab.contract.naming.model_blob(lab.observer.ledger.head().model_root)
    blobs.put(blob, lab.exchange.shelf(SEAT).get(blob))
    rounds.look(())
    assert len(judge.asked) == 1


def test_has_judged__a_model_that_is_not_here__is_given_up_by_who_is_not_patient(lab, told):
    rounds = Rounds(SEAT, lab.contract, MemoryBlobs(), Judge())
    rounds.look(split_agreed(lab)[0])
    assert rounds.has_judged(0, True)
    assert not rounds.has_judged(1, True)
    assert rounds.has_judged(1, False)
    assert told.messages[-1] == "seat=2 act=judged height=1 skipped='its model did not come'"


def test_has_judged__the_judge_is_at_it__not_before_it_has_answered(lab, told):
    judge = Judge()
    rounds = Rounds(SEAT, lab.contract, lab.exchange.shelf(SEAT), judge)
    rounds.look(split_agreed(lab)[0])
    assert not rounds.has_judged(1, False)
    judge.answer((0.25, 114, {}))
    rounds.look(())
    assert rounds.has_judged(1, False)


def test_look__the_judge_has_died__is_told_with_the_reason(lab, told):
    judge = Judge()
    rounds = Rounds(SEAT, lab.contract, lab.exchange.shelf(SEAT), judge)
    rounds.look(split_agreed(lab)[0])
    judge.answer(error=WorkerFailed("learner", "a living process", "exit code -9"))
    rounds.look(())
    assert told.messages[-1].startswith("seat=2 act=judged height=1 skipped='learner: expected a")


def test_describe_update__credited_or_not__each_has_its_word(lab):
    ledger = lab.observer.ledger
    result = ledger.result(ledger.agreed[0].event.key)
    seat = result.seats[0]
    without_credit = replace(result, credited=result.credited & ~(1 << seat))
    left_out = replace(without_credit, included=result.included & ~(1 << seat))
    row = ledger.commitments(result.parent, result.round)
    assert isinstance(row[0], Committed)
    assert describe_update(ledger, result, seat) == "credited"
    assert describe_update(ledger, without_credit, seat) == "included"
    assert describe_update(ledger, left_out, seat) == "left_out"
    assert describe_update(ledger, result, 7) == "none"
