"""Little plots about rounds, each of which can begin in any state.

A random walk seldom gets to the end of a long chain of conditions; these lead there, and to either
side of the rules on the way. What they are for is counted, not asserted: see `federation_counters`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from federation_chorus import (
    agree,
    attest,
    attest_and_commit,
    commit,
    counting,
    end_round,
    join,
    open_votes,
    propose,
    seat_move,
    staff,
    vote_all,
)
from federation_lab import make_root
from federation_pair import Pair
from federation_records import Proposed

Story = Callable[[Pair], None]


def tell_of_wrong_owners(pair: Pair) -> None:
    """Whoever calls for a seat of somebody else, or for none, is sent away."""
    seat = staff(pair)[0]
    stranger = (pair.account_of(seat) + 1) % 12
    head, root = pair.model.head, make_root(9)
    for account, index in ((stranger, seat), (0, 128)):
        pair.move("commit", account, 1, index, head, root, 1, 1)
        pair.move("propose", account, 1, index, head, root, 1, root, b"")
        pair.move("attest", account, index, head)
        pair.move("attest_and_commit", account, index, head, 1, root, 1, 1)
        pair.move("set_endpoint", account, index, "elsewhere")
        for function in ("top_up", "leave", "withdraw", "activate"):
            pair.move(function, account, index)
    pair.move("retire", stranger, 128)
    pair.move("retire_withholder", stranger, 128, [])
    pair.move("set_endpoint", pair.account_of(seat), seat, "elsewhere")


def tell_of_wrong_commitments(pair: Pair) -> None:
    first, second, *_ = staff(pair)
    head, account = pair.model.head, pair.account_of(first)
    number = pair.model.number + 1
    pair.move("commit", account, number, first, head, bytes(32), 1, 1)
    commit(pair, first, number + 1, head)
    commit(pair, first, number, make_root(77))
    commit(pair, first, number, head)
    commit(pair, first, number, head)
    commit(pair, second, number + 1, head)
    join(pair, account)
    newcomer = max(pair.model.tenancies, key=lambda t: t.changed_from).seat
    commit(pair, newcomer, number, head)
    # The last moment of the commitments, and the first one after them.
    pair.at(pair.model.commit_end() - 1)
    commit(pair, second, number, head)
    pair.at(pair.model.commit_end())
    for seat in counting(pair, number)[2:]:
        commit(pair, seat, number, head)


def tell_of_wrong_proposals(pair: Pair) -> None:
    """A proposal that is right but for one thing, for each thing; then the right one, twice."""
    staff(pair)
    end_round(pair)
    number, head = pair.model.number + 1, pair.model.head
    seats = counting(pair, number)
    for seat in seats[:-1]:
        commit(pair, seat, number, head)
    _hand_in(pair, seats[0], pair.proposal(number, head))
    pair.at(pair.model.commit_end() - 1)
    _hand_in(pair, seats[0], pair.proposal(number, head))
    right = pair.proposal(number, head)
    pairs = [right.coefficients[i : i + 8] for i in range(0, len(right.coefficients), 8)]
    for changes in (
        {"round": number + 1},
        {"parent": make_root(5)},
        {"commitments": make_root(5)},
        {"included": right.included | 1 << seats[-1], "coefficients": bytes(8 * len(seats))},
        {"included": 1 << 200 | right.included},
        {"included": 1 << seats[0], "coefficients": pairs[0]},
        {"included": 0, "coefficients": b""},
        {"coefficients": right.coefficients + bytes(1)},
        {"coefficients": right.coefficients[:-8]},
        {"coefficients": _weigh(pairs, 2**16, 0)},
        {"coefficients": _weigh(pairs, 2**16, 2**25 // len(pairs) + 1)},
        {"coefficients": _weigh(pairs, 2**16 + 1, 1)},
        {"coefficients": _weigh(pairs, 2**16 - 1, 1)},
        {"coefficients": _weigh(pairs, 2**16, 2)},
        {"coefficients": _weigh(pairs[1:], 2**16, 1) + _weigh(pairs[:1], 2**16, 0)},
    ):
        _hand_in(pair, seats[0], replace(right, **cast(Any, changes)))
    _hand_in(pair, seats[0], right)
    _hand_in(pair, seats[1], right)
    attest(pair, seats[0], right.key)
    attest(pair, seats[1], make_root(6))
    pair.at(pair.model.votes_end() - 1)
    attest(pair, seats[-1], right.key)
    end_round(pair)
    _hand_in(pair, seats[0], replace(right, model_root=make_root(8)))
    vote_all(pair, right.key, seats)


def _hand_in(pair: Pair, seat: int, p: Proposed) -> None:
    words = (p.commitments, p.included, p.model_root, p.coefficients)
    pair.move("propose", pair.account_of(seat), p.round, seat, p.parent, *words)


def _weigh(pairs: list[bytes], clip: int, weight: int) -> bytes:
    return (clip.to_bytes(4, "big") + weight.to_bytes(4, "big")) * len(pairs)


def tell_of_a_lapse_for_want_of_commitments(pair: Pair) -> None:
    first, *others = staff(pair)
    number = pair.model.number + 1
    commit(pair, first, number, pair.model.head)
    pair.at(pair.model.commit_end())
    propose(pair, first)
    # Too few: the next round may open without waiting for votes that cannot come.
    for seat in others:
        commit(pair, seat, number + 1, pair.model.head)


def tell_of_a_lapse_for_want_of_votes(pair: Pair) -> None:
    """Early commitments hang on the result that nobody agreed to."""
    staff(pair)
    seats = open_votes(pair)
    number = pair.model.number
    key = propose(pair, seats[0])
    commit(pair, seats[0], number + 1, key)
    pair.at(pair.model.votes_end() - 1)
    commit(pair, seats[0], number + 1, pair.model.head)
    pair.at(pair.model.votes_end())
    for seat in seats[1:]:
        attest_and_commit(pair, seat, key, number + 1)
        commit(pair, seat, number + 1, pair.model.head)


def tell_of_competing_proposals(pair: Pair) -> None:
    """Two results, early commitments under both; one wins, and the last vote comes late."""
    for is_ahead in (False, True):
        _compete(pair, is_ahead)


def _compete(pair: Pair, is_ahead: bool) -> None:
    """Let the deciding votes come alone, or each with a commitment to what follows."""
    staff(pair)
    seats = open_votes(pair)
    if len(seats) < 3:
        # Other stories may have left too few: a full house, or one whose seats were slashed.
        return
    number = pair.model.number
    keys = [propose(pair, seat, model=seat) for seat in seats[:2]]
    attest_and_commit(pair, seats[2], keys[1], number + 1)
    commit(pair, seats[0], number + 1, keys[0])
    for seat in (*seats[3:], *seats[:2]):
        if pair.model.head not in keys and not is_ahead:
            attest(pair, seat, keys[0])
        elif pair.model.head not in keys:
            attest_and_commit(pair, seat, keys[0], number + 1)
    for seat in seats:
        attest(pair, seat, pair.model.head)
        attest(pair, seat, keys[1])


def tell_of_a_reorg(pair: Pair) -> None:
    """A round is agreed; the chain forgets it, and in its place another result is agreed."""
    staff(pair)
    seats = open_votes(pair)
    pair.mark()
    key = propose(pair, seats[0], model=1)
    vote_all(pair, key, seats[1:])
    pair.fork()
    other = propose(pair, seats[-1], model=2)
    attest(pair, seats[0], key)
    vote_all(pair, other, seats[:-1])
    pair.mark()
    agree(pair, model=3)
    seat_move(pair, "leave", seats[0])
    pair.fork()
    agree(pair, model=4)


STORIES: tuple[Story, ...] = (
    tell_of_wrong_owners,
    tell_of_wrong_commitments,
    tell_of_wrong_proposals,
    tell_of_a_lapse_for_want_of_commitments,
    tell_of_a_lapse_for_want_of_votes,
    tell_of_competing_proposals,
    tell_of_a_reorg,
)
