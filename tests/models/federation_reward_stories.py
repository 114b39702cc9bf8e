"""Little plots about rewards, each of which can begin in any state; see `federation_stories`."""

from __future__ import annotations

from federation_chorus import (
    agree,
    attest,
    claim,
    counting,
    end_round,
    fund,
    join,
    refute,
    seat_move,
    staff,
)
from federation_dispute_stories import LIE
from federation_lab import ETHER, make_root
from federation_pair import Pair
from federation_stories import Story

SOME = ETHER // 10
PLENTY = 3 * ETHER


def _agree(pair: Pair, *, silent: tuple[int, ...] = (), model: int = 0) -> bytes:
    """Play a round of all who count, and return the head's key."""
    agree(pair, silent=silent, model=model)
    return pair.model.head


def _let_all_settle(pair: Pair) -> None:
    p = pair.model.parameters
    pair.at(pair.lab.now + p.challenge_seconds + 2 * p.answer_seconds)
    for _ in range(p.challenge_blocks):
        pair.move("set_endpoint", 0, 0, "a block more")


def tell_of_wages(pair: Pair) -> None:
    """Seats are paid once, for what is settled, in order, and only where they voted."""
    seats = staff(pair)
    for value in (0, SOME, PLENTY):
        fund(pair, value)
    first, second = _agree(pair), _agree(pair, silent=(seats[-1],))
    _agree(pair)
    paid, idle = pair.account_of(seats[0]), seats[-1]
    pair.move("claim", paid, seats[0], [first])
    _let_all_settle(pair)
    pair.move("claim", paid, seats[0], [make_root(7)])
    pair.move("claim", paid, seats[0], [second, first])
    pair.move("claim", paid, seats[0], [])
    pair.move("claim", paid, seats[1], [first])
    pair.move("claim", pair.account_of(idle), idle, [second])
    claim(pair, seats[0], most=1)
    for seat in (*seats, seats[0]):
        claim(pair, seat)
    pair.move("claim", paid, seats[0], [second])
    join(pair, 7)
    newcomer = next((t for t in pair.model.tenancies if t.stakes[0][0] > pair.model.named), None)
    if newcomer is not None:
        pair.move("claim", pair.account_of(newcomer.seat), newcomer.seat, [first])


def tell_of_an_empty_pool(pair: Pair) -> None:
    """Results take what there is; what those who did not vote leave comes back to the next."""
    seats = staff(pair)
    fund(pair, SOME)
    for silent in ((seats[-1],), (), (seats[0],), ()):
        # Ten times as long as a result needs to earn it all.
        pair.at(pair.lab.now + pair.model.parameters.commit_seconds)
        _agree(pair, silent=silent)


def tell_of_late_wages(pair: Pair) -> None:
    """Who votes late has a share too, even if the result is settled by then; not after a cut."""
    staff(pair)
    fund(pair, PLENTY)
    for is_cut in (False, True):
        right = _agree(pair)
        late = [s for s in counting(pair, pair.model.number) if s not in _voters(pair, right)]
        if is_cut:
            refute(pair, _agree(pair, model=LIE), LIE)
        else:
            _let_all_settle(pair)
        for seat in _voters(pair, right)[:1]:
            claim(pair, seat)
        for seat in late:
            attest(pair, seat, right)
            claim(pair, seat)
        _agree(pair)
    for seat in counting(pair, pair.model.named + 1):
        seat_move(pair, "activate", seat)
    _let_all_settle(pair)


def _voters(pair: Pair, key: bytes) -> list[int]:
    result = pair.model.results.get(key)
    return sorted(result.votes) if result else []


def tell_of_void_wages(pair: Pair) -> None:
    """What was earned with a lie, and upon it, is in the pool again; the honest keep theirs."""
    staff(pair)
    fund(pair, PLENTY)
    right = _agree(pair)
    members = _voters(pair, right)
    wrong = _agree(pair, model=LIE)
    _agree(pair)
    refute(pair, wrong, LIE)
    end_round(pair)
    for seat in members:
        seat_move(pair, "activate", seat, value=ETHER)
    _agree(pair)
    _let_all_settle(pair)
    for seat in members[:2]:
        pair.move("claim", pair.account_of(seat), seat, [wrong])
        claim(pair, seat)
    # Whoever takes the place of one who has gone is not paid for what that one did.
    for seat in members[2:3]:
        seat_move(pair, "leave", seat)
        end_round(pair)
        seat_move(pair, "withdraw", seat)
        _let_all_settle(pair)
        seat_move(pair, "withdraw", seat)
        for account in (6, 7, 8):
            join(pair, account)
        pair.move("claim", pair.account_of(seat), seat, [right])
    staff(pair)


REWARD_STORIES: tuple[Story, ...] = (
    tell_of_an_empty_pool,
    tell_of_wages,
    tell_of_late_wages,
    tell_of_void_wages,
)
