"""Explanations of what befell updates: each true reason, and nothing else, from a real contract."""

import numpy as np
import pytest
from peers_lab import COORDINATES, LAYOUT, InlineTrainer, PeersLab, Toy

from chain.types import RoundId, Seat
from localnet.byzantine import KINDS
from node.blobs.store import MemoryBlobs
from node.earnings import State, find_settled
from node.encoding import decode_model
from node.errors import ExplanationRefused
from node.explanation import Absence, Fate, Outcome, Past, explain, find_last_round
from node.round import Phase
from node.training import Course, train

ETHER = 10**18


class Altered(InlineTrainer):
    """Trains like the others, and pretends to have learned something else from some round on."""

    def __init__(self, parameters, alter, since=1):
        super().__init__(parameters)
        self._alter = alter
        self._since = since
        self._heads = []

    def start(self, seat, parent, job):
        if job.round_id < self._since or (seat, parent, job.round_id) in self._fits:
            self._heads.append(job.head)
            super().start(seat, parent, job)
            return
        self._heads.append(job.head)

        def alter(trained, head, generator):
            return self._alter(trained, head, self._heads)

        course = Course(LAYOUT, self._rule, 5, int(seat), alter)
        self._fits[seat, parent, job.round_id] = train(Toy(seat), course, job)


def boost(trained, head, heads):
    return head + 10 * (trained - head)


def flip(trained, head, heads):
    return head - (trained - head)


def repeat_step(trained, head, heads):
    """Copy what was agreed last: the step that led to this head."""
    before = [each for each in heads if not np.array_equal(each, heads[-1])]
    past = decode_model(before[-1], 20)
    return head + (decode_model(heads[-1], 20) - past)


def past_of(lab, settled=None):
    lab.observer.poll()
    observer = lab.observer
    if settled is None:
        settled = find_settled(observer.ledger, observer.block, lab.clock())
    naming = lab.contract.naming
    return Past(observer.ledger, observer.block, observer.history, naming, settled)


def told_by(lab, round_id, seat, store=None, settled=None):
    blobs = lab.store if store is None else store
    return explain(past_of(lab, settled), blobs, RoundId(round_id), Seat(seat))


def alter(lab, seat, how, since=1):
    lab.peers[seat] = lab.start(seat, trainer=Altered(lab.parameters, how, since))


@pytest.fixture(scope="module")
def mixed():
    """Six seats: 3 boosts, 4 flips, 5 serves nobody; rewards are paid."""
    kinds = {5: KINDS["withhold"](None)}
    with PeersLab(seats=6, kinds=kinds, reward_wei_per_second=10**12) as lab:
        alter(lab, 3, boost)
        alter(lab, 4, flip)
        lab.play(3)
        yield lab


def test_explain__an_honest_update__is_credited_vouched_for_and_measured(mixed):
    told = told_by(mixed, 1, 0)
    assert (told.outcome, told.fate, told.height) == (Outcome.AGREED, Fate.CREDITED, 1)
    assert (told.commitment.samples, told.commitment.steps) == (10, 1)
    assert told.treatment.norm <= told.treatment.limit
    assert told.coefficient.clip == 2**16
    assert told.treatment.vouching.weight > told.treatment.vouching.needed
    assert {1, 2} <= set(told.treatment.vouching.by)
    assert told.value.amount == told.value.gain * told.value.merit.new // told.value.merit.of
    assert told.treatment.is_as_ruled
    assert told.missing is None


def test_explain__a_boosted_update__was_clipped_to_the_limit_of_the_rule(mixed):
    told = told_by(mixed, 1, 3)
    treatment = told.treatment
    assert treatment.norm > 5 * treatment.median_norm
    assert treatment.limit == min(mixed.parameters.clip, 2 * treatment.median_norm)
    assert told.coefficient.clip == 2**16 * treatment.limit // treatment.norm


def test_explain__a_flipped_update__nobody_vouches_and_it_has_no_share(mixed):
    told = told_by(mixed, 1, 4)
    assert told.fate is Fate.WEIGHTLESS
    assert told.treatment.vouching.by == ()
    assert told.treatment.vouching.weight <= told.treatment.vouching.needed
    assert told.coefficient.weight == 0
    assert (told.value.amount, told.pay.state) == (0, None)


def test_explain__a_withheld_update__was_left_out_by_all_who_approved(mixed):
    told = told_by(mixed, 1, 5)
    assert (told.outcome, told.fate) == (Outcome.AGREED, Fate.LEFT_OUT)
    assert 5 in told.committed
    assert 5 not in told.agreed.included
    assert told.agreed.voters == (0, 1, 2, 3, 4)
    assert (told.treatment, told.value, told.pay) == (None, None, None)


def test_explain__contributions__are_those_of_the_history(mixed):
    from node.contributions import measure_history

    federation, past = mixed.federation, past_of(mixed)
    measured = measure_history(
        past.ledger.genesis, federation.chain_id, federation.address, mixed.store, past.history
    )
    for each in measured:
        for seat, amount in each.by_seat.items():
            assert told_by(mixed, each.round, seat).value.amount == amount
    # The newest height waits for the next.
    assert told_by(mixed, find_last_round(past.ledger), 0).value is None


def test_explain__a_share__is_reserved_until_its_height_is_settled(mixed):
    early, late = told_by(mixed, 1, 0, settled=0), told_by(mixed, 1, 0, settled=1)
    assert (early.pay.state, late.pay.state) == (State.RESERVED, State.CLAIMABLE)
    assert early.has_rewards


def test_explain__blobs_that_are_gone__says_what_the_chain_says_and_which_is_missing(mixed):
    for store, is_missing in ((MemoryBlobs(), True), (None, False)):
        told = explain(past_of(mixed), store, RoundId(1), Seat(3))
        assert (told.missing is not None) == is_missing
        assert told.coefficient.clip < 2**16
        assert told.fate is Fate.CREDITED
        assert (told.treatment, told.value) == (None, None)
        assert told.pay is not None


@pytest.mark.parametrize(
    ("round_id", "seat", "words"),
    [
        (0, 0, "round: expected 1 to"),
        (9, 0, "round: expected 1 to"),
        (1, 7, "seat: expected one of 0, 1, 2, 3, 4, 5, got 7"),
    ],
)
def test_explain__what_never_was__is_refused(mixed, round_id, seat, words):
    with pytest.raises(ExplanationRefused) as caught:
        told_by(mixed, round_id, seat)
    assert str(caught.value).startswith(words)


def test_explain__a_step_sent_again__has_little_merit():
    with PeersLab(seats=5) as lab:
        alter(lab, 4, repeat_step, since=3)
        lab.play(4)
        copied, honest = told_by(lab, 3, 4), told_by(lab, 3, 0)
    assert copied.fate is Fate.CREDITED
    part = copied.value.merit.new / copied.value.merit.of
    assert 0 <= part < 0.01
    assert honest.value.merit.new / honest.value.merit.of > part


def test_explain__seats_that_stay_away__are_silent_and_the_round_lapses():
    with PeersLab(seats=4) as lab:
        away = [lab.peers.pop(seat) for seat in (2, 3)]
        lab.observer.poll()
        with pytest.raises(ExplanationRefused, match="expected one that was opened, got none"):
            find_last_round(lab.observer.ledger)
        while lab.observer.ledger.round.number < 2:
            assert lab.turn()
            lab.observer.poll()
        lapsed, silent = told_by(lab, 1, 0), told_by(lab, 1, 3)
        assert (lapsed.outcome, lapsed.fate) == (Outcome.LAPSED, Fate.COMMITTED)
        assert (silent.fate, lapsed.committed, lapsed.min_updates) == (Fate.SILENT, (0, 1), 3)
        going = told_by(lab, 2, 0)
        assert going.outcome is Outcome.OPEN
        assert len(away) == 2


def test_explain__a_seat_that_comes_or_goes__did_not_count():
    with PeersLab(seats=5) as lab:
        lab.play(1)
        lab.mining.release()
        lab.senders[4].send(lab.federation.call("leave", 4))
        del lab.peers[4]
        lab.senders[5].send(lab.federation.call("join", "local:5", [], value_wei=ETHER))
        lab.mining.hold()
        lab.play(3)
        told = [told_by(lab, number, 4) for number in (1, 3)]
        joined = [told_by(lab, number, 5) for number in (1, 3)]
    assert (told[0].fate, told[1].fate) == (Fate.CREDITED, Fate.ABSENT)
    assert told[1].absence is Absence.LEFT
    assert told[1].until <= 3
    assert (joined[0].absence, joined[1].fate) == (Absence.NOBODY, Fate.SILENT)


def test_explain__a_lie_that_was_refuted__is_void_and_says_who_lost_stake():
    kinds = {seat: KINDS["lie"](None) for seat in (1, 2, 3)}
    with PeersLab(seats=4, kinds=kinds) as lab:
        for _ in range(200):
            lab.observer.poll()
            if lab.observer.ledger.disputes.refuted:
                break
            assert lab.turn()
        told = told_by(lab, 1, 0)
    assert (told.outcome, told.fate) == (Outcome.VOID, Fate.CREDITED)
    assert told.story.refuted is not None
    assert [penalty.seats for penalty in told.story.penalties] == [(1, 2, 3)]
    assert (told.pay, told.value) == (None, None)
    # Its coefficients were right: the lie was in the model.
    assert told.treatment.is_as_ruled


def test_explain__a_trimmed_mean__counts_where_an_update_was_cut():
    changed = {"selection": 0, "trim_bps": 2500, "faults_bps": 2000}
    with PeersLab(seats=5, **changed) as lab:
        alter(lab, 4, flip)
        lab.play(1)
        told, honest = told_by(lab, 1, 4), told_by(lab, 1, 0)
    assert told.treatment.coordinates == COORDINATES
    assert told.treatment.trimmed > honest.treatment.trimmed
    assert told.treatment.vouching is None


def test_explain__before_the_votes__the_round_goes_on():
    with PeersLab() as lab:
        lab.reach(Phase.ATTEST)
        told = told_by(lab, 1, 0)
    assert (told.outcome, told.fate, told.candidates) == (Outcome.OPEN, Fate.COMMITTED, ())
