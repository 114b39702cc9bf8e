"""What a peer does next: each phase told as a scene."""

from dataclasses import replace

import pytest
from round_lab import (
    ALL,
    END,
    ENDS,
    HEAD,
    IDLE,
    KNOWING,
    LAST_THIRD,
    OPEN,
    OTHER,
    OWN,
    PROPOSED,
    READY,
    ROW,
    THIRD,
    TURN,
    VOTES,
    VOTING,
)

from node.round import (
    Attest,
    AttestAndCommit,
    Candidate,
    Commit,
    Compute,
    Fetch,
    Memory,
    Phase,
    Propose,
    Pull,
    Train,
    Wait,
    next_action,
)

# -- phases ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "now", "phase"),
    [
        (IDLE, ENDS, Phase.IDLE),
        (READY, ENDS, Phase.READY),
        (OPEN, ENDS - 1, Phase.COMMIT),
        (VOTING, ENDS - 1, Phase.COMMIT),
        (VOTING, ENDS, Phase.ATTEST),
        (VOTING, END - 1, Phase.ATTEST),
        (VOTING, END, Phase.LAPSED),
        (replace(VOTING, row=ROW[:2]), ENDS, Phase.LAPSED),
        (replace(VOTING, row=ROW[:3]), ENDS, Phase.ATTEST),
        (replace(VOTING, has_enough_seats=False), ENDS, Phase.ATTEST),
        (replace(VOTING, has_enough_seats=False), END, Phase.IDLE),
    ],
)
def test_phase__both_sides_of_every_deadline__is_half_open(view, now, phase):
    assert view.phase(now) is phase


@pytest.mark.parametrize(
    ("now", "third"), [(ENDS, 0), (THIRD - 1, 0), (THIRD, 1), (LAST_THIRD - 1, 1), (END - 1, 2)]
)
def test_third__both_sides_of_its_edges__is_counted_from_the_end_of_commit(now, third):
    assert VOTING.third(now) == third


@pytest.mark.parametrize(("seat", "place"), [(2, 0), (0, 1), (3, 3), (9, 4)])
def test_turn_at__each_seat__comes_a_little_after_the_one_before(seat, place):
    assert replace(VOTING, seat=seat).turn_at() == ENDS + place * VOTES // 24


# -- contributing ----------------------------------------------------------------------------


def test_next_action__idle__waits_for_news():
    assert next_action(IDLE, KNOWING, ENDS) == Wait(None)


@pytest.mark.parametrize(
    ("memory", "action"),
    [
        (Memory(), Pull()),
        (Memory(model_retry_at=ENDS + 1), Wait(ENDS + 1)),
        (Memory(model_retry_at=ENDS), Pull()),
        (Memory(has_model=True), Train((HEAD.key, 4))),
        (Memory(has_model=True, training=frozenset({(HEAD.key, 4)})), Wait(None)),
        (Memory(has_model=True, trained=frozenset({(HEAD.key, 4)})), Commit((HEAD.key, 4))),
        (Memory(has_model=True, trained=frozenset({(HEAD.key, 3)})), Train((HEAD.key, 4))),
    ],
)
def test_next_action__ready__goes_from_the_model_to_a_commitment(memory, action):
    assert next_action(READY, memory, ENDS) == action


def test_next_action__committing__names_the_open_round_and_waits_for_its_end():
    training = Memory(has_model=True, training=frozenset({(HEAD.key, 4)}))
    assert next_action(OPEN, Memory(has_model=True), ENDS - 1) == Train((HEAD.key, 4))
    assert next_action(OPEN, training, ENDS - 1) == Wait(ENDS)
    done = replace(OPEN, committed=frozenset({(HEAD.key, 4)}))
    assert next_action(done, KNOWING, ENDS - 1) == Wait(ENDS)


def test_next_action__lapsed__opens_the_next_round_on_the_same_head():
    assert next_action(VOTING, KNOWING, END) == Train((HEAD.key, 5))
    trained = replace(KNOWING, trained=frozenset({(HEAD.key, 5)}))
    assert next_action(VOTING, trained, END) == Commit((HEAD.key, 5))


def test_next_action__not_counted_yet__contributes_nothing():
    assert next_action(replace(READY, counted=frozenset({5})), KNOWING, ENDS) == Wait(None)


def test_next_action__its_last_round_was_agreed_on__takes_the_model_and_votes_late():
    last = replace(READY, round=HEAD.round, counted=frozenset({HEAD.round}))
    assert next_action(last, Memory(), ENDS) == Pull()
    assert next_action(last, Memory(is_pulling=True), ENDS) == Wait(None)
    has_model = Memory(has_model=True)
    assert next_action(last, has_model, ENDS) == Wait(None)
    recomputed = replace(has_model, recomputed=frozenset({HEAD.key}))
    assert next_action(last, recomputed, ENDS) == Attest(HEAD.key)
    approved = replace(last, approved=frozenset({HEAD.key}))
    assert next_action(approved, recomputed, ENDS) == Wait(None)
    # Others went on: what it was is theirs to answer for.
    later = replace(last, round=HEAD.round + 1)
    assert next_action(later, recomputed, ENDS) == Wait(None)


def test_next_action__agreed_without_this_vote__votes_late_with_the_commitment():
    trained = replace(KNOWING, trained=frozenset({(HEAD.key, 4)}), recomputed={HEAD.key})
    assert next_action(READY, trained, ENDS) == AttestAndCommit(HEAD.key, 4)
    approved = replace(READY, approved=frozenset({HEAD.key}))
    assert next_action(approved, trained, ENDS) == Commit((HEAD.key, 4))
    unknown = replace(trained, recomputed=frozenset())
    assert next_action(READY, unknown, ENDS) == Commit((HEAD.key, 4))


# -- judging ---------------------------------------------------------------------------------


def test_next_action__votes_begin__gets_what_it_misses_then_computes():
    assert next_action(VOTING, Memory(has_model=True), ENDS) == Fetch((0, 1, 2, 3))
    some = Memory(has_model=True, held=frozenset({0, 2}))
    assert next_action(VOTING, some, ENDS) == Fetch((1, 3))
    assert next_action(VOTING, Memory(has_model=True, held=ALL), ENDS) == Compute(ALL)


def test_next_action__without_the_heads_model__pulls_it_before_it_computes():
    """Back on line in the middle of the votes, a peer has no model to apply a step to."""
    lost = Memory(held=ALL)
    assert next_action(VOTING, lost, ENDS) == Pull()
    assert next_action(VOTING, replace(lost, model_retry_at=ENDS + 5), ENDS) == Wait(ENDS + 5)


def test_next_action__an_update_not_served__is_asked_for_again_in_time():
    held = frozenset({0, 1, 2})
    memory = Memory(has_model=True, held=held, retry_at={3: ENDS + 1}, results={held: OWN})
    view = replace(VOTING, turns=(2, 1, 3, 0))
    assert next_action(view, replace(memory, training={(OWN, 5)}), ENDS) == Wait(ENDS + 1)
    assert next_action(view, memory, ENDS + 1) == Fetch((3,))


def test_next_action__updates_on_their_way__are_waited_for_but_not_for_long():
    held = frozenset({0, 1, 2})
    coming = Memory(has_model=True, held=held, fetching=frozenset({3}))
    patience = ENDS + VOTES // 12
    assert next_action(VOTING, coming, patience - 1) == Wait(patience)
    assert next_action(VOTING, coming, patience) == Compute(held)
    late = replace(coming, results={held: OWN}, trained=frozenset({(OWN, 5)}))
    assert next_action(VOTING, late, patience) == Propose(held)


def test_next_action__the_model_on_its_way__is_not_asked_for_twice():
    pulling = Memory(is_pulling=True)
    assert next_action(READY, pulling, ENDS) == Wait(None)
    assert next_action(OPEN, pulling, ENDS - 1) == Wait(ENDS)
    voting = Memory(is_pulling=True, held=ALL)
    assert next_action(VOTING, voting, ENDS) == Wait(VOTING.turn_at())


def test_next_action__computed__trains_on_it_and_proposes_when_its_turn_has_come():
    assert next_action(VOTING, KNOWING, TURN - 1) == Train((OWN, 5))
    assert next_action(VOTING, KNOWING, TURN) == Train((OWN, 5))
    training = replace(KNOWING, training=frozenset({(OWN, 5)}))
    assert next_action(VOTING, training, TURN - 1) == Wait(TURN)
    assert next_action(VOTING, training, TURN) == Propose(ALL)


def test_next_action__its_own_result_proposed__is_approved_with_the_next_commitment():
    assert next_action(PROPOSED, KNOWING, ENDS) == Train((OWN, 5))
    training = replace(KNOWING, training=frozenset({(OWN, 5)}))
    assert next_action(PROPOSED, training, ENDS) == Wait(THIRD)
    assert next_action(PROPOSED, training, THIRD - 1) == Wait(THIRD)
    assert next_action(PROPOSED, training, THIRD) == Attest(OWN)
    trained = replace(KNOWING, trained=frozenset({(OWN, 5)}))
    assert next_action(PROPOSED, trained, ENDS) == AttestAndCommit(OWN, 5)


def test_next_action__approved_before_training_ended__commits_afterwards():
    approved = replace(PROPOSED, approved=frozenset({OWN}))
    trained = replace(KNOWING, trained=frozenset({(OWN, 5)}))
    assert next_action(approved, trained, THIRD) == Commit((OWN, 5))
    both = replace(approved, committed=approved.committed | {(OWN, 5)})
    assert next_action(both, trained, THIRD) == Wait(LAST_THIRD)
    assert next_action(both, trained, LAST_THIRD) == Wait(END)


def test_next_action__another_key_for_the_same_updates__is_never_approved():
    wrong = replace(VOTING, candidates=(Candidate(OTHER, ALL),))
    busy = replace(KNOWING, training=frozenset({(OWN, 5)}))
    assert next_action(wrong, busy, TURN) == Propose(ALL)
    trained = replace(KNOWING, trained=frozenset({(OWN, 5)}))
    beside = replace(VOTING, candidates=(Candidate(OTHER, ALL), Candidate(OWN, ALL)))
    assert next_action(beside, trained, END - 1) == AttestAndCommit(OWN, 5)


SOME = frozenset({0, 1, 2})


@pytest.mark.parametrize(("now", "action"), [(LAST_THIRD - 1, None), (LAST_THIRD, Compute(SOME))])
def test_next_action__fewer_updates_than_it_has__are_judged_in_the_last_third(now, action):
    view = replace(PROPOSED, candidates=(Candidate(OTHER, SOME),))
    memory = replace(KNOWING, training=frozenset({(OWN, 5)}))
    expected = Propose(ALL) if action is None else action
    assert next_action(view, memory, now) == expected
    known = replace(memory, results={ALL: OWN, SOME: OTHER}, trained=frozenset({(OTHER, 5)}))
    expected = Propose(ALL) if action is None else AttestAndCommit(OTHER, 5)
    assert next_action(view, known, now) == expected


def test_next_action__updates_that_it_lacks__are_not_judged():
    view = replace(VOTING, candidates=(Candidate(OTHER, ALL),), turns=(2, 1, 3, 0))
    memory = Memory(
        has_model=True,
        held=SOME,
        retry_at={3: END + 10},
        results={SOME: OWN},
        training=frozenset({(OWN, 5)}),
    )
    assert next_action(view, memory, ENDS) == Wait(view.turn_at())
    assert next_action(view, memory, END - 1) == Propose(SOME)


def test_next_action__a_second_result__is_approved_alone():
    """Its next commitment went with the first."""
    view = replace(
        PROPOSED,
        candidates=(Candidate(OTHER, SOME), Candidate(OWN, ALL)),
        approved=frozenset({OTHER}),
    )
    memory = replace(KNOWING, trained=frozenset({(OWN, 5)}))
    assert next_action(view, memory, ENDS) == Attest(OWN)


def test_next_action__the_rule_refuses_what_it_has__proposes_nothing():
    memory = replace(KNOWING, results={ALL: None})
    assert next_action(VOTING, memory, TURN) == Wait(THIRD)


def test_next_action__not_counted_in_the_round__only_watches():
    view = replace(PROPOSED, counted=frozenset({5}))
    assert next_action(view, KNOWING, TURN) == Wait(THIRD)


def test_next_action__sending__waits_for_news():
    for view, now in [(READY, ENDS), (OPEN, ENDS - 1), (PROPOSED, ENDS), (VOTING, END)]:
        assert next_action(view, replace(KNOWING, is_sending=True), now) == Wait(None)
