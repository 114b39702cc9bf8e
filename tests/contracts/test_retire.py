"""`retire`: a seat that does not vote is watched, and counts no more after rounds of silence."""

import json
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest
from federation_lab import ETHER, Lab, OpenLab
from retirement_lab import (
    ANYBODY,
    QUICK,
    SILENT,
    activate,
    retire,
    retire_silent,
    state,
    watch,
)

from chain.errors import Reverted
from chain.types import Joined, Opened, Retired, Watched
from contracts import Artifact
from contracts.build import HERE as SOURCES
from contracts.build import compile_artifact


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    """Four seats; two rounds and 100 seconds of silence are too much."""
    return open_lab(4, **QUICK)


# The first call ---------------------------------------------------------------------------


def test_retire__first_call__notes_time_and_rounds_and_tells(lab: Lab) -> None:
    lab.agree(1)
    lab.agree(2)
    before = state(lab)
    mined = retire(lab)
    assert mined.events == (Watched(SILENT, mined.timestamp, 1),)
    after = state(lab)
    assert (after.since, after.ran) == (mined.timestamp, 1)
    assert (after.is_watched, after.is_retired) == (True, False)
    assert (after.stake_wei, after.changed_from, after.until) == (ETHER, before.changed_from, 0)
    assert lab.commit(SILENT, 3).only(Opened).power_wei == 4 * ETHER


def test_retire__no_such_seat__refused(lab: Lab) -> None:
    lab.agree(1)
    for seat in (4, 127, 128, 2**255):
        with lab.refused("seats: no such seat"):
            retire(lab, seat)


def test_retire__before_the_first_round__refused(lab: Lab) -> None:
    with lab.refused("seats: not counted yet"):
        retire(lab)
    lab.commit(0, 1)
    watch(lab)


def test_retire__joined_during_the_round__refused_until_the_next_one_opens(lab: Lab) -> None:
    lab.commit(0, 1)
    assert lab.join(4).only(Joined).counts_from == 2
    lab.let_lapse()
    with lab.refused("seats: not counted yet"):
        retire(lab, 4)
    lab.commit(0, 2)
    watch(lab, 4)


def test_retire__leaving_or_gone__refused(lab: Lab) -> None:
    lab.agree(1)
    lab.leave(SILENT)
    with lab.refused("seats: leaving"):
        retire(lab)
    lab.withdraw(SILENT)
    with lab.refused("seats: leaving"):
        retire(lab)
    lab.next_at(lab.now + 10_000)
    lab.withdraw(SILENT)
    with lab.refused("seats: no such seat"):
        retire(lab)


# The second call --------------------------------------------------------------------------


def test_retire__silent_long_enough__counts_no_more_and_tells(lab: Lab) -> None:
    lab.agree(1)
    since = watch(lab).since
    for number in (2, 3):
        lab.agree(number, range(3))
    lab.commit(0, 4)
    lab.next_at(since + 10_000)
    balance = lab.balance_wei
    mined = retire(lab)
    assert mined.events == (Retired(SILENT, 5),)
    seat = state(lab)
    assert (seat.until, seat.since, seat.stake_wei, seat.free_at) == (5, since, ETHER, 0)
    assert (seat.is_watched, seat.is_retired) == (False, True)
    assert lab.balance_wei == balance
    lab.let_lapse()
    event = lab.commit(0, 5).only(Opened)
    assert (event.power_wei, event.active) == (3 * ETHER, 3)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.commit(SILENT, 5)


@pytest.mark.parametrize("early", [1, 0])
def test_retire__either_side_of_retire_seconds__refused_or_retired(lab: Lab, early: int) -> None:
    lab.commit_all(1, range(4))
    since = watch(lab).since
    # Nobody waits for deadlines here: all commit and all vote at once.
    for number in (1, 2):
        lab.commit_all(number, range(4) if number > 1 else ())
        proposal = lab.make_proposal(number)
        lab.propose(0, proposal)
        for seat in (1, 2):
            lab.attest(seat, proposal.key)
    lab.commit(0, 3)
    lab.next_at(since + 100 - early)
    if early:
        with lab.refused("seats: silent for too short a time"):
            retire(lab)
    else:
        retire(lab).only(Retired)


def test_retire__either_side_of_max_missed__refused_or_retired(lab: Lab) -> None:
    lab.agree(1)
    lab.commit(0, 2)
    watch(lab)
    # Round 1 had been succeeded before; rounds 2 and 3 count when 3 and 4 open.
    lab.commit_all(2, (1, 2))
    for number in (2, 3):
        lab.close_commits()
        proposal = lab.make_proposal(number)
        lab.propose(0, proposal)
        lab.attest(1, proposal.key)
        lab.attest(2, proposal.key)
        if number == 2:
            lab.commit_all(3, range(3))
    with lab.refused("seats: too few rounds missed"):
        retire(lab)
    lab.commit(0, 4).only(Opened)
    retire(lab).only(Retired)


@pytest.mark.parametrize(("committed", "counts"), [(2, False), (3, True)])
def test_retire__rounds_that_lapsed__count_if_enough_had_committed(
    lab: Lab, committed: int, counts: bool
) -> None:
    lab.commit_all(1, range(committed))
    watch(lab)
    for number in (2, 3):
        lab.let_lapse()
        lab.commit_all(number, range(committed))
    assert lab.federation.get_round().ran == (2 if counts else 0)
    if counts:
        retire(lab).only(Retired)
    else:
        with lab.refused("seats: too few rounds missed"):
            retire(lab)


def test_retire__few_commitments_and_an_early_next_round__does_not_count(lab: Lab) -> None:
    """A round lapses for want of commitments before its time for votes is over."""
    lab.commit_all(1, range(2))
    lab.close_commits()
    assert lab.commit(0, 2).only(Opened).round == 2
    assert lab.federation.get_round().ran == 0


def test_retire__a_halted_chain__retires_nobody(lab: Lab) -> None:
    lab.agree(1)
    watch(lab)
    lab.next_at(lab.now + 10**8)
    with lab.refused("seats: too few rounds missed"):
        retire(lab)
    # The round that was open at the watch is counted with the next opening, and is one too few.
    lab.commit(0, 2)
    with lab.refused("seats: too few rounds missed"):
        retire(lab)


@pytest.mark.slow
def test_retire__the_count_of_rounds_wraps__missed_ones_are_still_told(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same contract, but with 2**16 - 2 rounds behind it."""
    artifact = compile_with(
        "    ATTEST_SECONDS = p.attest_seconds\n",
        "    ATTEST_SECONDS = p.attest_seconds\n    self._word = (2**16 - 2) << 240\n",
    )
    monkeypatch.setattr("chain.deployment.load_artifact", lambda: artifact)
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    event = watch(lab)
    assert event.ran == 2**16 - 2
    for number, ran in ((2, 2**16 - 1), (3, 0)):
        lab.commit_all(number, range(3))
        standing = lab.federation.get_round()
        assert (standing.number, standing.ran) == (number, ran)
        lab.let_lapse()
        if number == 2:
            with lab.refused("seats: too few rounds missed"):
                retire(lab)
            lab.clock.at = lab.commit_ends_at + lab.parameters.attest_seconds
    assert lab.federation.get_head()[:3] == (lab.head, 1, 1), "nothing else in the word was touched"
    retire(lab).only(Retired)


def compile_with(old: str, new: str) -> Artifact:
    """Return the artifact of the sources with one passage of `phase` changed."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "contracts"
        copytree(SOURCES, copy)
        phase = copy / "modules" / "phase.vy"
        text = phase.read_text()
        assert text.count(old) == 1
        phase.write_text(text.replace(old, new))
        return Artifact(**json.loads(compile_artifact(copy)))


def test_retire__twice__refused(lab: Lab) -> None:
    lab.agree(1)
    retire_silent(lab, 2)
    with lab.refused("seats: retired"):
        retire(lab)


def test_retire__an_early_commitment_named_the_next_round__counts_in_it_too(lab: Lab) -> None:
    lab.agree(1)
    watch(lab)
    for number in (2, 3):
        lab.agree(number, range(3))
    proposal = lab.open_votes(4, range(3))
    lab.propose(0, proposal)
    lab.commit(0, 5, proposal.key)
    assert retire(lab).only(Retired).counts_until == 6
    lab.commit(SILENT, 5, proposal.key)
    lab.attest(1, proposal.key)
    assert lab.attest(2, proposal.key).only(Opened).power_wei == 4 * ETHER


def test_retire__too_few_are_left__no_round_is_named_until_it_is_activated(
    open_lab: OpenLab,
) -> None:
    lab = open_lab(3, **QUICK)
    lab.agree(1, range(3))
    watch(lab, 2)
    for number in (2, 3, 4):
        lab.commit_all(number, range(3))
        lab.let_lapse()
    retire(lab, 2).only(Retired)
    with lab.refused("rounds: too few active seats"):
        lab.commit(0, 5)
    activate(lab, 2, by=2)
    assert lab.commit(0, 5).only(Opened).active == 3


# What a retired seat can do ---------------------------------------------------------------


def test_retire__still_on_a_rounds_roll__votes_and_stays_retired(lab: Lab) -> None:
    lab.agree(1)
    assert retire_silent(lab, 2).counts_until == 5
    since = state(lab).since
    lab.commit_all(4, (1, 2, SILENT))
    lab.close_commits()
    proposal = lab.make_proposal(4)
    lab.propose(0, proposal)
    lab.attest(SILENT, proposal.key)
    assert lab.federation.get_tally(proposal.key)[0] == 0b1001
    assert (state(lab).since, state(lab).is_retired) == (since, True)


def test_retire__ether_sent_along__refused(lab: Lab) -> None:
    lab.agree(1)
    with pytest.raises(Reverted):
        lab.act("retire", SILENT, by=ANYBODY, value_wei=1)
