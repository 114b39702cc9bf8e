"""`refute`: one transaction proves a coordinate wrong, and takes the stake of who approved it."""

from __future__ import annotations

from dataclasses import astuple, replace
from random import Random

import pytest
from dispute_lab import ONE, WATCHER, Case, Court, move, open_court, payload_of
from federation_lab import ETHER, OpenLab

from chain.errors import Reverted
from chain.federation import INPUTS, SELECTORS, Call, encode_call
from chain.types import Opened, Refuted, Slashed, Voided
from node.evidence import Commitment, build_absence
from node.merkle import MODEL_TAG, absent_node, compute_leaves, compute_root, fold_level
from node.rule.coefficients import Coefficient

RIGHT = "disputes: the coordinate is right"


@pytest.fixture
def court(open_lab: OpenLab) -> Court:
    return open_court(open_lab)


def lie_at(coordinate: int, by: int = 1):
    def lie(model: list[int]) -> None:
        value = model[coordinate]
        model[coordinate] = value + by if value + by < 2**31 else value - by

    return lie


def test_refute__a_wrong_coordinate__takes_every_stake_and_brings_the_parent_back(
    court: Court,
) -> None:
    lab, genesis = court.lab, court.lab.head
    case = court.agree(1, lie=lie_at(42))
    mined = court.refute(case, 42)
    earned = lab.parameters.challenger_cap_wei
    assert mined.events == (
        Voided(1, 1),
        Slashed(1, 0b0111, 1, 3 * ETHER, 3 * ETHER - earned),
        Refuted(1, 42, lab.address(WATCHER), earned),
    )
    assert lab.federation.get_head()[:3] == (genesis, 0, 0)
    assert [lab.read_seat(s)[1] for s in range(4)] == [0, 0, 0, ETHER]
    assert lab.balance_wei == ETHER + earned
    assert lab.federation.read("owed", lab.address(WATCHER)) == earned


def test_refute__any_other_coordinate_of_a_wrong_result__is_right(court: Court) -> None:
    case = court.agree(1, lie=lie_at(42))
    for coordinate in (0, 41, 43, 63, 64, 99, 100, 127):
        with court.lab.refused(RIGHT):
            court.refute(case, coordinate)
    court.refute(case, 42).only(Refuted)


def test_refute__built_upon__all_of_it_is_void_and_only_its_own_voters_pay(court: Court) -> None:
    lab, genesis = court.lab, court.lab.head
    case = court.agree(1, lie=lie_at(3))
    court.agree(2, seats=(1, 2, 3))
    court.agree(3, seats=(1, 2, 3))
    lab.commit(3, 4)
    court.refute(case, 3)
    assert lab.federation.get_head()[:3] == (genesis, 0, 0)
    assert lab.read_seat(3)[1] == ETHER
    assert lab.federation.get_round().commit_ends_at == 0
    with lab.refused("rounds: too few active seats"):
        lab.commit(3, 5)


def test_refute__a_lie_that_an_unanswered_challenge_voided__is_slashed_all_the_same(
    court: Court,
) -> None:
    lab = court.lab
    case = court.agree(1, lie=lie_at(7))
    lab.act("challenge", astuple(case.record), 129, 0, 1, by=10, value_wei=ETHER)
    lab.next_at(lab.now + 900)
    lab.act("close", astuple(case.record), 129, 0, 1, by=10)
    assert [lab.read_seat(s)[1] for s in range(4)] == [ETHER * 4 // 5] * 3 + [ETHER]
    court.refute(case, 7)
    assert [lab.read_seat(s)[1] for s in range(4)] == [0, 0, 0, ETHER]


def test_refute__twice__refused(court: Court) -> None:
    case = court.agree(1, lie=lie_at(7))
    court.refute(case, 7)
    with court.lab.refused("disputes: refuted before"):
        court.refute(case, 7)


@pytest.mark.parametrize("late", [0, 1])
def test_refute__the_last_second_and_the_one_after__slashes_or_refuses(
    court: Court, late: int
) -> None:
    case = court.agree(1, lie=lie_at(7))
    court.lab.next_at(court.lab.now + 3599 + late)
    if late:
        with court.lab.refused("disputes: too late"):
            court.refute(case, 7)
    else:
        court.refute(case, 7).only(Refuted)


def test_refute__window_over_in_seconds_but_not_in_blocks__slashes(open_lab: OpenLab) -> None:
    court = open_court(open_lab, challenge_blocks=3)
    case = court.agree(1, lie=lie_at(7))
    court.lab.next_at(court.lab.now + 10_000)
    court.refute(case, 7).only(Refuted)


def test_refute__a_result_that_nobody_agreed_on__refused(court: Court) -> None:
    case = court.agree(1, lie=lie_at(7))
    with court.lab.refused("disputes: not an agreed result"):
        court.lab.act("refute", 2, 7, _retag(court, case, 2), by=WATCHER)


def _retag(court: Court, case: Case, number: int) -> bytes:
    """Return evidence of updates under the tags of another round: right in itself."""
    inputs = case.inputs
    roots = {s: compute_root(p, court.tag(number, s)) for s, p in case.updates.items()}
    other = replace(
        inputs,
        commitments=tuple(Commitment(roots[c.seat], c.seat, c.weight) for c in inputs.commitments),
        tag_of=lambda seat: court.tag(number, seat),
    )
    moved = Case(case.key, case.record, other, case.old, case.new, case.updates)
    return moved.refutation(7)


def test_refute__a_tail_that_is_not_zero__slashes(court: Court) -> None:
    """100 coordinates end in the middle of the second leaf."""

    def lie(model: list[int]) -> None:
        model += [0] * 27 + [1]

    case = court.agree(1, lie=lie)
    case.new = payload_of([*court.models[case.key][:100], *([0] * 27), 1], 4)
    with court.lab.refused(RIGHT):
        court.lab.act("refute", 1, 126, _tail(case), by=WATCHER)
    court.lab.act("refute", 1, 127, _tail(case), by=WATCHER).only(Refuted)


def _tail(case: Case) -> bytes:
    """Return evidence that shows the last leaf of the model alone."""
    leaves = compute_leaves(case.new, MODEL_TAG)
    return build_absence(case.inputs, case.new[256:512], [leaves[0]])


@pytest.mark.parametrize("is_lie", [True, False])
def test_refute__an_absent_leaf__must_be_zero(open_lab: OpenLab, is_lie: bool) -> None:
    """160 coordinates are three leaves of four."""
    court = open_court(open_lab, coordinates=160)
    there = b"\1" * 32 if is_lie else absent_node(0)
    payload = payload_of(_next(court, vectors := {s: court.draw_update(9) for s in range(4)}), 4)
    leaves = [*compute_leaves(payload, MODEL_TAG), there]
    (root,) = fold_level(fold_level(leaves, 0), 1)
    case = court.agree(1, updates=vectors, root=root)
    pair = fold_level(leaves[:2], 0)[0]
    data = build_absence(case.inputs, there, [leaves[2], pair])
    with court.lab.refused("evidence: no such coordinate"):
        court.lab.act("refute", 1, 256, data, by=WATCHER)
    forged = build_absence(case.inputs, b"\2" * 32, [leaves[2], pair])
    with court.lab.refused("merkle: not a leaf of the tree"):
        court.lab.act("refute", 1, 192, forged, by=WATCHER)
    if is_lie:
        court.lab.act("refute", 1, 192, data, by=WATCHER).only(Refuted)
    else:
        with court.lab.refused(RIGHT):
            court.lab.act("refute", 1, 192, data, by=WATCHER)


def _next(court: Court, vectors: dict[int, list[int]]) -> list[int]:
    coefficients = tuple(Coefficient(ONE, 1) for _ in vectors)
    return move(court.lab, court.models[court.lab.head], list(vectors.values()), coefficients)


def test_refute__evidence_that_was_tampered_with__refused(court: Court) -> None:
    case = court.agree(1)
    whole = case.refutation(5)
    at = 288 + 1 + 45 * 4
    models = at + 8 * 4
    entries = models + 2 * (256 + 32)
    size = 1 + 256
    for position, reason in (
        (0, "evidence: not the parent's record"),
        (models, "merkle: not a leaf of the tree"),
        (models + 288, "merkle: not a leaf of the tree"),
        (entries + 1, "merkle: not a leaf of the tree"),
        (entries, "evidence: not each seat once, in ascending order"),
    ):
        bad = bytearray(whole)
        bad[position] ^= 0x40
        with court.lab.refused(reason):
            court.refute(case, 5, bytes(bad))
    twice = bytearray(whole)
    twice[entries + size : entries + 2 * size] = whole[entries : entries + size]
    with court.lab.refused("evidence: not each seat once, in ascending order"):
        court.refute(case, 5, bytes(twice))


def test_refute__trimmed_and_out_of_order__refused(open_lab: OpenLab) -> None:
    court = open_court(open_lab, trim_bps=2500)
    case = court.agree(1)
    whole = case.refutation(5)
    size = 1 + 256
    at = 288 + 1 + 45 * 4 + 8 * 4 + 2 * (256 + 32)
    entries = [whole[at + i * size : at + (i + 1) * size] for i in range(4)]
    swapped = whole[:at] + b"".join((entries[1], entries[0], *entries[2:])) + whole[at + 4 * size :]
    with court.lab.refused("evidence: not each seat once, in ascending order"):
        court.refute(case, 5, swapped)
    with court.lab.refused(RIGHT):
        court.refute(case, 5)


def test_refute__cut_short__reverts(court: Court) -> None:
    case = court.agree(1, lie=lie_at(5))
    whole = case.refutation(5)
    for size in (0, 31, 288, 500, len(whole) - 257):
        with pytest.raises(Reverted):
            court.refute(case, 5, whole[:size])
    court.refute(case, 5).only(Refuted)


def test_refute__two_offsets__a_right_coordinate_never_falls(court: Court) -> None:
    """The same calldata read at two places would be two pieces of evidence: one whose hashes hold,
    one whose numbers suit the caller. The contract reads behind a fixed position alone."""
    case = court.agree(1)
    whole, generator = case.refutation(5), Random(3)
    wrong = bytearray(whole)
    for _ in range(200):
        wrong[generator.randrange(288, len(wrong))] ^= 1 << generator.randrange(8)
    head = SELECTORS["refute"] + (1).to_bytes(32, "big") + (5).to_bytes(32, "big")
    assert INPUTS["refute"] == ["uint256", "uint256", "bytes"]

    def block(data: bytes) -> bytes:
        return len(data).to_bytes(32, "big") + data.ljust(-(-len(data) // 32) * 32, b"\0")

    first, second = block(bytes(wrong)), block(whole)
    tried = 0
    for one, other in ((first, second), (second, first)):
        for offset in (0, 32, 64, 95, 96, 97, 128, 96 + len(one), 96 + len(one) + 32, 2**255):
            data = head + offset.to_bytes(32, "big") + one + other
            with pytest.raises(Reverted):
                court.lab.send(Call("refute", court.lab.federation.address, data), WATCHER)
            tried += 1
    assert tried == 20
    assert court.lab.head == case.key
    plain = head + (96).to_bytes(32, "big") + second
    assert plain == encode_call("refute", (1, 5, whole))


def test_refute__afterwards__the_next_round_is_a_new_one_without_the_liars(court: Court) -> None:
    lab = court.lab
    case = court.agree(1, lie=lie_at(0))
    lab.commit_all(2, range(4))
    lab.close_commits()
    lab.propose(0, proposal := lab.make_proposal(2))
    lab.commit(0, 3, proposal.key)
    court.refute(case, 0)
    opened = lab.federation.get_round()
    assert (opened.number, opened.named, opened.commit_ends_at) == (3, 3, 0)
    for account in (5, 6, 7):
        lab.join(account)
    assert lab.commit(3, 4).only(Opened).power_wei == 4 * ETHER
    with lab.refused("rounds: the seat does not count in this round"):
        lab.commit(0, 4)


def test_refute__a_slashed_seat__comes_back_with_new_stake_or_is_cleared_away(court: Court) -> None:
    lab = court.lab
    case = court.agree(1, lie=lie_at(0))
    court.refute(case, 0)
    with lab.refused("seats: stake below the minimum"):
        lab.act("activate", 0, by=0)
    lab.act("activate", 0, by=0, value_wei=ETHER)
    assert lab.read_seat(0)[1] == ETHER
    lab.withdraw(1, by=9)
    with lab.refused("seats: still unbonding"):
        lab.withdraw(1, by=9)
    lab.next_at(lab.now + 5400)
    lab.withdraw(1, by=9)
    assert lab.read_seat(1)[1:] == (0, 0, 0, 0, 0)
    with lab.refused("seats: not the owner"):
        lab.withdraw(3, by=9)


def test_refute__late_approval_of_the_head__is_slashed_too(court: Court) -> None:
    case = court.agree(1, lie=lie_at(0))
    court.lab.attest(3, case.key)
    assert court.refute(case, 0).only(Slashed).voters == 0b1111


def test_refute__the_head_that_came_back__takes_no_late_approval(court: Court) -> None:
    first = court.agree(1)
    case = court.agree(2, lie=lie_at(0))
    court.refute(case, 0)
    assert court.lab.head == first.key
    with court.lab.refused("rounds: the vote on this result is over"):
        court.lab.attest(3, first.key)
