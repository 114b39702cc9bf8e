"""What a peer does next: laws over views nobody thought of."""

from dataclasses import replace
from typing import get_args

from hypothesis import event, given, settings
from hypothesis import strategies as st
from round_lab import (
    ALL,
    END,
    ENDS,
    HEAD,
    IDLE,
    KNOWING,
    OTHER,
    OWN,
    PROPOSED,
    READY,
    THIRD,
    TURN,
    VOTES,
    VOTING,
    commitment,
)

from node.action import DisputeAction
from node.round import (
    Action,
    Activate,
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
    Retire,
    Train,
    View,
    Wait,
    next_action,
)

SEATS = st.integers(0, 4)
KEYS = st.sampled_from([HEAD.key, OWN, OTHER, b"\x0c" * 32])
ROUNDS = st.sampled_from([3, 4, 5])
SETS = st.frozensets(SEATS, min_size=1, max_size=5) | st.just(ALL)
TARGETS = st.frozensets(st.tuples(KEYS, ROUNDS), max_size=6)
TIMES = st.sampled_from(
    [ENDS + shift for edge in (0, 100, 200, 300) for shift in (edge - 1, edge)]
) | st.integers(ENDS - 50, END + 50)


@st.composite
def views(draw):
    seats = draw(st.permutations(range(5)))
    return View(
        seat=draw(SEATS),
        head=HEAD,
        round=4,
        commit_ends_at=draw(st.sampled_from([0, ENDS, ENDS, ENDS])),
        attest_seconds=draw(st.sampled_from([1, 2, VOTES, VOTES])),
        has_enough_seats=draw(st.sampled_from([True, True, False])),
        min_updates=draw(st.integers(1, 4)),
        row=tuple(map(commitment, seats[: draw(st.integers(0, 5))])),
        turns=tuple(draw(st.permutations(range(5)))[: draw(st.integers(3, 5))]),
        candidates=tuple(
            Candidate(key, draw(SETS)) for key in draw(st.lists(KEYS, unique=True, max_size=3))
        ),
        counted=draw(st.just(frozenset({3, 4, 5})) | st.frozensets(ROUNDS)),
        committed=draw(TARGETS),
        approved=draw(st.frozensets(KEYS, max_size=2)),
        is_retired=draw(st.sampled_from([False] * 9 + [True])),
        to_retire=draw(st.none() | SEATS),
    )


@st.composite
def memories(draw, view):
    """Mostly of a peer that has all and knows its own result, so that no act is rare."""
    times = st.just(0) | TIMES
    row = frozenset(c.seat for c in view.row)
    held = draw(st.sampled_from([row, row, row, row - {0}])) if row else draw(SETS)
    results = draw(st.dictionaries(SETS, st.none() | KEYS, max_size=2))
    if draw(st.sampled_from([True, True, False])):
        results = {**results, held: OWN}
    keys = {key for key in results.values() if key is not None}
    return Memory(
        has_model=draw(st.sampled_from([True, True, True, False])),
        model_retry_at=draw(times),
        held=held,
        retry_at=draw(st.dictionaries(SEATS, times)),
        trained=draw(TARGETS),
        training=draw(TARGETS),
        results=results,
        # As the peer keeps it: what it computed stands in the journal.
        recomputed=frozenset(keys) | draw(st.frozensets(st.just(HEAD.key))),
        is_sending=draw(st.sampled_from([False] * 9 + [True])),
        wants_back=draw(st.booleans()),
    )


def check_laws(view, memory, now, action):
    """What must hold of any action whatever chain, disk and clock say."""
    match action:
        case Wait(until):
            assert until is None or until > now
        case Attest(key) | AttestAndCommit(key):
            assert key in memory.recomputed
            assert key not in view.approved
        case Propose(included):
            assert now >= view.turn_at()
            assert view.phase(now) is Phase.ATTEST
            assert memory.results[included] not in {None, *(c.key for c in view.candidates)}
        case Compute(included):
            assert included <= memory.held
            assert included not in memory.results
            assert memory.has_model
        case Fetch(seats):
            assert not memory.held & set(seats)
            assert all(memory.retry_at.get(seat, 0) <= now for seat in seats)
        case Pull():
            assert not memory.has_model
            assert memory.model_retry_at <= now
        case Train(target):
            assert target not in memory.trained | memory.training | view.committed
        case Commit(target):
            assert target in memory.trained
        case Retire(seat):
            assert seat == view.to_retire
            is_idle = (HEAD.key, view.round) in view.committed
            assert is_idle if view.phase(now) is Phase.COMMIT else now >= view.turn_at()
        case Activate():
            assert view.is_retired
            assert memory.wants_back
    if isinstance(action, Commit | AttestAndCommit):
        target = action.target if isinstance(action, Commit) else (action.key, action.round)
        assert target in memory.trained
        assert target not in view.committed
        assert target[1] in view.counted
        assert target[1] in (view.round, view.round + 1)
        if target[1] == view.round:
            assert now < view.commit_ends_at
    if memory.is_sending:
        assert action == Wait(None)


@st.composite
def situations(draw):
    view = draw(views())
    return view, draw(memories(view)), draw(TIMES)


@settings(max_examples=120)
@given(situations())
def test_next_action__any_view_memory_and_time__obeys_the_laws(situation):
    action = next_action(*situation)
    event(type(action).__name__)
    assert action == next_action(*situation)
    check_laws(*situation, action)


TRAINED = replace(KNOWING, trained=frozenset({(HEAD.key, 4), (OWN, 5)}))
SCENES = [
    (IDLE, KNOWING, ENDS),
    (READY, Memory(), ENDS),
    (READY, KNOWING, ENDS),
    (READY, TRAINED, ENDS),
    (VOTING, Memory(has_model=True), ENDS),
    (VOTING, Memory(has_model=True, held=ALL), ENDS),
    (VOTING, TRAINED, TURN),
    (replace(VOTING, to_retire=3), TRAINED, TURN),
    (replace(VOTING, to_retire=3), TRAINED, ENDS - 1),
    (replace(READY, is_retired=True), replace(KNOWING, wants_back=True), ENDS),
    (PROPOSED, TRAINED, ENDS),
    (PROPOSED, replace(KNOWING, training=frozenset({(OWN, 5)})), THIRD),
]


def test_next_action__scene_after_scene__comes_to_every_action_and_obeys_the_laws():
    actions = [next_action(*scene) for scene in SCENES]
    for scene, action in zip(SCENES, actions, strict=True):
        check_laws(*scene, action)
    of_rounds = set(get_args(Action)) - set(get_args(DisputeAction))
    assert {type(action) for action in actions} == of_rounds
