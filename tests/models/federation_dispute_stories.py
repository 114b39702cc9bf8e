"""Little plots about disputes, each of which can begin in any state; see `federation_stories`."""

from __future__ import annotations

from collections.abc import Iterator

from federation_chorus import (
    agree,
    answer,
    ask,
    attest,
    clear_out,
    close,
    commit_to_head,
    counting,
    end_round,
    join,
    open_votes,
    propose,
    refute,
    seat_move,
    staff,
    vote_all,
)
from federation_lab import ETHER, make_root
from federation_pair import ADDRESSES, Pair
from federation_stories import Story

LIE = 5
"""The coordinate at which `agree(pair, model=5)` is wrong."""


def _agree(pair: Pair, **how: int) -> bytes:
    """Play rounds until one is agreed, and return its key."""
    for _ in range(4):
        before = pair.model.head
        agree(pair, **how)  # type: ignore[arg-type]
        if pair.model.head != before:
            break
    return pair.model.head


def _members(pair: Pair, key: bytes) -> list[int]:
    result = pair.model.results.get(key)
    return sorted(result.votes) if result else [0]


def _put_right(pair: Pair) -> None:
    """Let whoever was slashed come back or go, and others take the empty places."""
    end_round(pair)
    for tenancy in list(pair.model.tenancies):
        if tenancy.end == "retired":
            missing = max(0, pair.model.parameters.min_stake_wei - tenancy.stake)
            seat_move(pair, "activate", tenancy.seat, value=missing)
    clear_out(pair)
    staff(pair)


def tell_of_a_lie(pair: Pair) -> None:
    """A wrong result, built upon, refuted; a right one stands; the same lie is slashed once."""
    staff(pair)
    right = _agree(pair)
    refute(pair, right, LIE)
    wrong = _agree(pair, model=LIE)
    above = _agree(pair)
    refute(pair, wrong, LIE, is_spoilt=True)
    _spoil(pair, wrong)
    refute(pair, wrong, LIE + 1)
    refute(pair, wrong, 310)
    refute(pair, above, LIE)
    seats = open_votes(pair)
    key = propose(pair, seats[0], model=LIE) if seats else wrong
    refute(pair, key, LIE)
    # A seat is ahead: the round that it names is never opened.
    if seats:
        pair.move(
            "commit",
            pair.account_of(seats[0]),
            pair.model.number + 1,
            seats[0],
            key,
            make_root(3),
            1,
            1,
        )
    refute(pair, wrong, LIE)
    refute(pair, wrong, LIE)
    attest(pair, _members(pair, right)[0], right)
    for seat in _members(pair, wrong)[:2]:
        seat_move(pair, "activate", seat)
        commit_to_head(pair, seat)
    for account in range(len(ADDRESSES)):
        join(pair, account)
    _agree(pair)
    pair.move("collect", 9)
    pair.move("collect", 9)
    _put_right(pair)


def _spoil(pair: Pair, key: bytes) -> None:
    """Show evidence that is wrong in one place: of the parent, of the seats, of the coordinate."""
    result = pair.model.results.get(key)
    if result is None:
        return
    data = pair.refutation(key, LIE)
    committed = len(pair.model.committed(result.parent, result.round))
    models = 2 * (256 + 32 * pair.model.size_of(129)[1])
    entries = 289 + 45 * committed + len(result.coefficients) + models
    for position in (100, entries):
        pair.move("refute", 9, result.round, LIE, pair.spoil(data, position))
    beyond = pair.spoil(data, 0)
    pair.move("refute", 9, result.round, 10**6, beyond)


def tell_of_a_cleared_seat(pair: Pair) -> None:
    """Who lost all does not keep his place: anybody sends him away, when it is safe."""
    staff(pair)
    wrong = _agree(pair, model=LIE)
    refute(pair, wrong, LIE)
    end_round(pair)
    for seat in _members(pair, wrong):
        pair.move("withdraw", 10, seat)
        tenancy = pair.model.holder(seat)
        if tenancy is not None and tenancy.free_at:
            pair.at(tenancy.free_at - 1)
            pair.move("withdraw", 10, seat)
            pair.at(tenancy.free_at)
            pair.move("withdraw", 10, seat)
    staff(pair)


def tell_of_late_refutations(pair: Pair) -> None:
    """The last second, and the one after it, without and with a challenge before."""
    p = pair.model.parameters
    for is_asked in (False, True):
        staff(pair)
        wrong = _agree(pair, model=LIE)
        if pair.model.chain:
            if is_asked:
                member = _members(pair, wrong)[0]
                ask(pair, wrong, 129, 0, 1)
                answer(pair, wrong, 129, 0, 1)
                ask(pair, wrong, member, 0, 1)
                answer(pair, wrong, member, 0, 1)
            agreed_at = pair.model.chain[-1].at
            ends_at = agreed_at + p.challenge_seconds + (2 * p.answer_seconds if is_asked else 0)
            pair.at(ends_at - 1)
            pair.mark()
            refute(pair, wrong, LIE)
            pair.fork()
            pair.at(ends_at)
            refute(pair, wrong, LIE)
            ask(pair, wrong, 128, 0, 1)
        _agree(pair)


def tell_of_questions(pair: Pair) -> None:
    """Leaves of every blob are asked for and shown, by blocks of every size."""
    staff(pair)
    _agree(pair)
    key = _agree(pair)
    member = _members(pair, key)[0]
    for which, first, count in _blocks(member):
        is_asked = ask(pair, key, which, first, count) is None
        data = pair.answer(key, which, first, count)
        if is_asked and data:
            bad = pair.spoil(data, 1)
            pair.move("answer", 7, pair.record(key), which, first, count, bad)
        answer(pair, key, which, first, count)
        answer(pair, key, which, first, count)
    for which, first, count in ((130, 0, 1), (128, 5, 1), (128, 0, 3), (128, 1, 2), (129, 0, 16)):
        ask(pair, key, which, first, count)
    ask(pair, key, member, 0, 1)
    ask(pair, key, 129, 0, 1, value=1)
    pair.move("close", 6, pair.record(make_root(1)), 0, 0, 1)
    pair.move("challenge", 8, pair.record(make_root(1)), 0, 0, 1, value=ETHER)
    pair.move("answer", 7, pair.record(make_root(1)), 0, 0, 1, b"")
    close(pair, key, member, 0, 1)
    pair.move("collect", 7)
    pair.move("collect", 7)


def _blocks(member: int) -> Iterator[tuple[int, int, int]]:
    for which, sizes in ((member, (1, 2, 4)), (128, (1, 8)), (129, (4,))):
        for count in sizes:
            yield which, 0, count
    yield member, 2, 2
    yield 129, 4, 4
    yield 128, 4, 1


def tell_of_a_silence(pair: Pair) -> None:
    """Nobody answers: a result is void, a fifth is gone; later it turns out to have been a lie."""
    staff(pair)
    _agree(pair)
    wrong = _agree(pair, model=LIE)
    above = _agree(pair)
    member = _members(pair, wrong)[0]
    ask(pair, above, 129, 0, 1)
    ask(pair, wrong, 128, 0, 1)
    answer(pair, wrong, 128, 0, 1)
    ask(pair, wrong, member, 0, 1)
    ask(pair, wrong, 129, 0, 1)
    until = pair.lab.now + pair.model.parameters.answer_seconds
    pair.at(until - 2)
    close(pair, wrong, member, 0, 1)
    pair.at(until)
    answer(pair, wrong, member, 0, 1)
    seat_move(pair, "leave", member)
    close(pair, wrong, member, 0, 1)
    close(pair, wrong, member, 0, 1)
    close(pair, wrong, 129, 0, 1)
    answer(pair, above, 129, 0, 1)
    ask(pair, above, 128, 0, 1)
    close(pair, above, 129, 0, 1)
    close(pair, wrong, 128, 0, 1)
    for seat in _members(pair, wrong):
        seat_move(pair, "activate", seat)
        seat_move(pair, "activate", seat, value=ETHER // 5)
    end_round(pair)
    refute(pair, wrong, LIE)
    close(pair, wrong, 128, 0, 1)
    close(pair, wrong, 128, 0, 1)
    for account in (6, 7, 8, 9):
        pair.move("collect", account)
    _put_right(pair)


def tell_of_a_full_archive(pair: Pair) -> None:
    """As many results wait to be settled as may: the next round waits for the oldest."""
    if pair.model.parameters.max_unsettled > 5:
        return
    staff(pair)
    for _ in range(pair.model.parameters.max_unsettled + 1):
        _agree(pair)
    seats = open_votes(pair)
    if seats:
        key = propose(pair, seats[0])
        pair.move(
            "commit",
            pair.account_of(seats[0]),
            pair.model.number + 1,
            seats[0],
            key,
            make_root(3),
            1,
            1,
        )
        vote_all(pair, key, seats[1:])
    pair.at(pair.lab.now + pair.model.parameters.challenge_seconds)
    for seat in counting(pair, pair.model.number + 1)[:1]:
        commit_to_head(pair, seat)


DISPUTE_STORIES: tuple[Story, ...] = (
    tell_of_a_lie,
    tell_of_a_cleared_seat,
    tell_of_late_refutations,
    tell_of_questions,
    tell_of_a_silence,
    tell_of_a_full_archive,
)
