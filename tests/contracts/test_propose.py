"""`propose`: a result, bound to all that it was computed from, with the proposer's vote."""

from dataclasses import replace

import pytest
from federation_lab import ETHER, PAIR, Lab, OpenLab

from chain.types import Agreed, Attested, Opened, Proposed, Root


def pairs(*values: tuple[int, int]) -> bytes:
    return b"".join(c.to_bytes(4, "big") + a.to_bytes(4, "big") for c, a in values)


def test_propose__well_formed__stores_tells_and_votes(lab: Lab) -> None:
    proposal = lab.open_votes(1, (0, 1, 3))
    given = replace(proposal, coefficients=pairs((65536, 7), (100, 0), (0, 2**24)))
    mined = lab.propose(3, given)
    assert mined.events == (
        Proposed(
            round=1,
            key=given.key,
            seat=3,
            parent=given.parent,
            commitments=given.commitments,
            included=0b1011,
            credited=0b1001,
            model_root=given.model_root,
            coefficients=given.coefficients,
        ),
        Attested(given.key, 3),
    )
    assert lab.federation.get_tally(given.key) == (0b1000, 1, ETHER)


def test_propose__not_the_owner__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    with lab.refused("seats: not the owner"):
        lab.propose(0, proposal, by=1)
    with lab.refused("seats: no such seat"):
        lab.propose(128, proposal, by=1)


def test_propose__another_round__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    for number in (0, 2):
        with lab.refused("rounds: not the open round"):
            lab.propose(0, replace(proposal, round=number))


def test_propose__while_commitments_are_open__refused(lab: Lab) -> None:
    lab.commit_all(1, [0, 1, 2])
    proposal = lab.make_proposal(1)
    lab.next_at(lab.commit_ends_at - 1)
    with lab.refused("rounds: commitments are still open"):
        lab.propose(0, proposal)
    lab.next_at(lab.commit_ends_at)
    lab.propose(0, proposal)


@pytest.mark.parametrize("late", [0, 1])
def test_propose__at_the_end_of_the_votes__refused(lab: Lab, late: int) -> None:
    proposal = lab.open_votes(1)
    lab.next_at(lab.commit_ends_at + 299 + late)
    if late:
        with lab.refused("rounds: the round is over"):
            lab.propose(0, proposal)
    else:
        lab.propose(0, proposal)


def test_propose__after_the_agreement__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    other = lab.make_proposal(1, model=1)
    lab.propose(0, proposal)
    for seat in (1, 2):
        lab.attest(seat, proposal.key)
    with lab.refused("rounds: the round is over"):
        lab.propose(3, other)


def test_propose__before_any_round__refused(lab: Lab) -> None:
    proposal = lab.make_proposal(0)
    with lab.refused("rounds: the round is over"):
        lab.propose(0, proposal)


def test_propose__another_parent_than_the_head__refused(lab: Lab) -> None:
    genesis = lab.head
    lab.agree(1)
    proposal = lab.open_votes(2)
    with lab.refused("rounds: the parent is not the head"):
        lab.propose(0, replace(proposal, parent=genesis))


def test_propose__other_commitments__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    for running in (bytes(32), bytes(31) + b"\1"):
        with lab.refused("rounds: not the commitments of this round"):
            lab.propose(0, replace(proposal, commitments=running))


@pytest.mark.parametrize("extra", [3, 4, 127, 128, 255])
def test_propose__includes_a_seat_that_has_not_committed__refused(lab: Lab, extra: int) -> None:
    proposal = lab.open_votes(1, (0, 1, 2))
    given = replace(proposal, included=0b111 | 1 << extra, coefficients=PAIR * 4)
    with lab.refused("rounds: an included seat has not committed"):
        lab.propose(0, given)


@pytest.mark.parametrize(
    ("seats", "changes", "least"),
    [
        (5, {}, 3),
        (5, {"min_updates": 1}, 1),
        # f = 7 * 3000 // 10000 = 2
        (7, {"weighting": 1, "faults_bps": 3000}, 5),
        (7, {"selection": 2, "faults_bps": 3000}, 7),
        (7, {"weighting": 1, "faults_bps": 2857}, 3),
    ],
)
def test_propose__fewer_updates_than_the_rule_needs__refused(
    open_lab: OpenLab, seats: int, changes: dict[str, int], least: int
) -> None:
    lab = open_lab(seats, **changes)
    proposal = lab.open_votes(1, range(seats))
    for count in (0, least - 1):
        given = replace(proposal, included=(1 << count) - 1, coefficients=PAIR * count)
        with lab.refused("rounds: too few updates"):
            lab.propose(0, given)
    lab.propose(0, replace(proposal, included=(1 << least) - 1, coefficients=PAIR * least))


def test_propose__twice__refused(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    with lab.refused("rounds: already proposed"):
        lab.propose(0, proposal)
    with lab.refused("rounds: already proposed"):
        lab.propose(1, proposal)


def test_propose__seat_that_does_not_count__refused(lab: Lab) -> None:
    lab.commit(0, 1)
    lab.join(4)
    proposal = lab.open_votes(1, (1, 2, 3))
    with lab.refused("rounds: the seat does not count in this round"):
        lab.propose(4, proposal)


def test_propose__seat_that_did_not_commit__may(lab: Lab) -> None:
    proposal = lab.open_votes(1, (0, 1, 2))
    assert lab.propose(3, proposal).only(Proposed).seat == 3


@pytest.mark.parametrize(
    ("coefficients", "reason"),
    [
        (b"", "rule: not 8 bytes for every included seat"),
        (PAIR * 2, "rule: not 8 bytes for every included seat"),
        (PAIR * 4, "rule: not 8 bytes for every included seat"),
        (PAIR * 3 + b"\0", "rule: not 8 bytes for every included seat"),
        ((PAIR * 3)[:-1], "rule: not 8 bytes for every included seat"),
        (pairs((0, 0), (65536, 0), (1, 0)), "rule: every weight is 0"),
        (pairs((0, 2**25), (0, 0), (0, 0)), "rule: weights of 2**25 or more"),
        (pairs((0, 2**24), (0, 2**24 - 1), (0, 1)), "rule: weights of 2**25 or more"),
        (
            pairs(
                (0, 2**32 - 1),
            )
            * 3,
            "rule: weights of 2**25 or more",
        ),
        (pairs((65537, 1), (0, 1), (0, 1)), "rule: a clip factor above 2**16"),
        (pairs((0, 1), (0, 1), (2**32 - 1, 1)), "rule: a clip factor above 2**16"),
    ],
)
def test_propose__malformed_coefficients__refused(
    lab: Lab, coefficients: bytes, reason: str
) -> None:
    proposal = lab.open_votes(1, (0, 1, 2))
    with lab.refused(reason):
        lab.propose(0, replace(proposal, coefficients=coefficients))


def test_propose__largest_weights__accepted(lab: Lab) -> None:
    proposal = lab.open_votes(1, (0, 1, 2))
    most = pairs((65536, 2**24), (0, 2**24 - 1), (0, 0))
    assert lab.propose(0, replace(proposal, coefficients=most)).only(Proposed).credited == 0b11


def test_propose__clipped_without_a_clip__refused(open_lab: OpenLab) -> None:
    lab = open_lab(3, selection=0, clip=0, trim_bps=2000)
    proposal = lab.open_votes(1, range(3))
    with lab.refused("rule: clipped without a clip"):
        lab.propose(0, replace(proposal, coefficients=pairs((65536, 1), (65535, 1), (65536, 1))))
    lab.propose(0, replace(proposal, coefficients=pairs((65536, 1), (65536, 0), (65536, 9))))


def test_propose__equal_weights_that_differ__refused(open_lab: OpenLab) -> None:
    lab = open_lab(3, weighting=1, selection=0, trim_bps=2000)
    proposal = lab.open_votes(1, range(3))
    for weight in (0, 2):
        with lab.refused("rule: equal weights are 1"):
            lab.propose(0, replace(proposal, coefficients=pairs((9, 1), (9, weight), (9, 1))))
    lab.propose(0, replace(proposal, coefficients=pairs((9, 1), (65536, 1), (0, 1))))


def test_propose__by_a_seat_with_two_thirds__agrees_at_once(open_lab: OpenLab) -> None:
    lab = open_lab((4 * ETHER, ETHER, ETHER))
    proposal = lab.open_votes(1, range(3))
    mined = lab.propose(0, proposal)
    assert [type(e) for e in mined.events] == [Proposed, Attested, Agreed]
    assert lab.head == proposal.key


def test_propose__competing_results_of_one_round__only_one_is_agreed(lab: Lab) -> None:
    first = lab.open_votes(1)
    second = replace(first, model_root=Root(b"\x07" * 32))
    lab.propose(0, first)
    lab.propose(1, second)
    lab.attest(2, second.key)
    lab.attest(0, second.key)
    assert lab.head == second.key
    with lab.refused("rounds: the vote on this result is over"):
        lab.attest(2, first.key)
    assert lab.federation.get_head()[1:3] == (1, 1)
    assert lab.commit(0, 2).only(Opened).parent == second.key
