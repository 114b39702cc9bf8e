"""What to do about agreed results and challenges, one scene after the other; nothing is sent."""

from dataclasses import replace

import pytest

from chain.disputes import Leaves
from node.action import (
    Answer,
    Challenge,
    Close,
    Collect,
    Examine,
    Gather,
    Refute,
    Wait,
)
from node.dispute import Finding, Knowledge, is_head_wrong, next_errand, next_plea, next_watch
from node.docket import Charge, Docket, Doubt

KEY, ABOVE = b"\x01" * 32, b"\x02" * 32
LEAVES = Leaves(4, 2, 0, 4)
REFUTE_AT, CHALLENGE_AT, ENDS_AT = 1010, 1310, 4600
DOUBT = Doubt(
    key=KEY,
    round=4,
    is_canonical=True,
    is_asked=False,
    may_ask=True,
    refute_at=REFUTE_AT,
    challenge_at=CHALLENGE_AT,
    ends_at=ENDS_AT,
)
CHARGE = Charge(
    key=KEY,
    leaves=LEAVES,
    is_canonical=True,
    is_own=False,
    answer_at=2010,
    give_up_at=3800,
    close_at=2920,
)
IN_DOUBT, CHARGED = Docket(doubts=(DOUBT,)), Docket(charges=(CHARGE,))
WRONG = Knowledge({KEY: Finding(coordinate=7)})
HOLDING = Knowledge(held=frozenset({LEAVES}))
IN_VAIN = Knowledge({KEY: Finding(missing={2: 1325}, leaves=LEAVES)})


def doubtful(**changed):
    return Docket(doubts=(replace(DOUBT, **changed),))


def charged(**changed):
    return Docket(charges=(replace(CHARGE, **changed),))


def test_next_watch__nothing_open__waits_for_news():
    assert next_watch(Docket(), Knowledge(), 1000) == Wait(None)


def test_next_errand__all_is_here__examines():
    assert next_errand(IN_DOUBT, Knowledge(), 1000) == Examine(KEY)


def test_next_errand__something_is_missing__gathers_what_is_due_and_not_on_its_way():
    known = Knowledge({KEY: Finding(missing={128: 0, 1: 0, 3: 1025}, coming=frozenset({1}))})
    assert next_errand(IN_DOUBT, known, 1000) == Gather(KEY, (128,))
    known = Knowledge({KEY: Finding(missing={128: 1025, 1: 0}, coming=frozenset({128, 1}))})
    assert next_errand(IN_DOUBT, known, 1000) == Wait(REFUTE_AT)


@pytest.mark.parametrize(("now", "plea"), [(REFUTE_AT - 1, None), (REFUTE_AT, Refute(KEY, 7))])
def test_next_plea__wrong__is_refuted_at_its_turn(now, plea):
    assert next_plea(IN_DOUBT, WRONG, now) == plea
    assert is_head_wrong(IN_DOUBT, WRONG, now)


def test_next_plea__wrong_and_void_already__is_refuted_all_the_same_and_the_head_is_not_wrong():
    assert next_plea(doubtful(is_canonical=False), WRONG, REFUTE_AT) == Refute(KEY, 7)
    assert not is_head_wrong(doubtful(is_canonical=False), WRONG, REFUTE_AT)


@pytest.mark.parametrize(("now", "is_over"), [(ENDS_AT - 1, False), (ENDS_AT, True)])
def test_next_plea__both_sides_of_the_windows_end__is_refuted_before_it(now, is_over):
    assert (next_plea(IN_DOUBT, WRONG, now) is None) == is_over
    assert is_head_wrong(IN_DOUBT, WRONG, now) != is_over
    assert next_plea(doubtful(ends_at=None), WRONG, now) == Refute(KEY, 7)


def test_next_plea__the_chain_would_not_have_it__is_put_off():
    known = replace(WRONG, put_off=frozenset({Refute(KEY, 7)}))
    assert next_plea(IN_DOUBT, known, REFUTE_AT) is None


@pytest.mark.parametrize(
    ("now", "action"),
    [(CHALLENGE_AT - 1, Wait(CHALLENGE_AT)), (CHALLENGE_AT, Challenge(KEY, LEAVES))],
)
def test_next_errand__asked_others_in_vain__challenges_after_a_while(now, action):
    assert next_errand(IN_DOUBT, IN_VAIN, now) == action


@pytest.mark.parametrize(
    "changed", [{"is_asked": True}, {"may_ask": False}, {"is_canonical": False}]
)
def test_next_errand__asked_already_or_often_or_void__challenges_no_more(changed):
    assert next_errand(doubtful(**changed), IN_VAIN, CHALLENGE_AT) == Wait(1325)


def test_next_errand__two_in_doubt__challenges_the_lower_one_alone():
    docket = Docket(doubts=(DOUBT, replace(DOUBT, key=ABOVE, round=5)))
    findings = {**IN_VAIN.findings, ABOVE: Finding(missing={1: 1325}, leaves=Leaves(5, 1, 0, 4))}
    assert next_errand(docket, Knowledge(findings), CHALLENGE_AT) == Challenge(KEY, LEAVES)
    docket = replace(docket, doubts=(replace(DOUBT, is_asked=True), docket.doubts[1]))
    assert next_errand(docket, Knowledge(findings), CHALLENGE_AT) == Wait(1325)


@pytest.mark.parametrize(
    ("now", "plea"),
    [(2009, None), (2010, Answer(KEY, LEAVES)), (3799, Answer(KEY, LEAVES)), (3800, None)],
)
def test_next_plea__asked_for_what_is_here__answers_from_its_turn_on(now, plea):
    assert next_plea(CHARGED, HOLDING, now) == plea


@pytest.mark.parametrize(
    ("lacking", "now", "errand"),
    [
        ({LEAVES: 0}, 2010, Gather(KEY, (2,))),
        ({LEAVES: 2035}, 2034, Wait(2035)),
        ({LEAVES: 2035}, 2035, Gather(KEY, (2,))),
        ({}, 2034, Wait(2920)),
        ({LEAVES: 0}, 3800, Wait(None)),
    ],
)
def test_next_errand__asked_for_what_is_not_here__asks_others_for_it(lacking, now, errand):
    assert next_errand(CHARGED, Knowledge(lacking=lacking), now) == errand


def test_next_plea__asked_for_what_is_not_here_or_void__does_not_answer():
    assert next_plea(CHARGED, Knowledge(), 2010) is None
    assert next_plea(charged(is_canonical=False), HOLDING, 2010) is None


@pytest.mark.parametrize(("now", "plea"), [(2919, None), (2920, Close(KEY, LEAVES))])
def test_next_plea__unanswered__is_closed_at_its_turn(now, plea):
    assert next_plea(CHARGED, Knowledge(), now) == plea


def test_next_plea__unanswered_and_here__is_left_to_others():
    """Whoever has what was asked for knows that those who approved it did not lie."""
    assert next_plea(CHARGED, HOLDING, 3800) is None


def test_next_plea__own_challenge_of_what_is_void__has_the_deposit_back_at_once():
    assert next_plea(charged(is_canonical=False, is_own=True), HOLDING, 2010) == Close(KEY, LEAVES)
    assert next_plea(charged(is_canonical=False), HOLDING, 2010) is None


def test_next_plea__asked_and_wrong__answers_first():
    docket = replace(CHARGED, doubts=IN_DOUBT.doubts)
    known = replace(WRONG, held=HOLDING.held)
    assert next_plea(docket, known, 2010) == Answer(KEY, LEAVES)


def test_next_errand__owed__closes_what_comes_back_then_collects():
    docket = Docket(returns=((KEY, LEAVES),), owed_wei=5)
    close = Close(KEY, LEAVES)
    assert next_errand(docket, Knowledge(), 1000) == close
    known = Knowledge(put_off=frozenset({close}))
    assert next_errand(docket, known, 1000) == Collect()
    known = Knowledge(put_off=frozenset({close, Collect()}))
    assert next_errand(docket, known, 1000) == Wait(None)
