"""Moves drawn from a generator, one after the other: the widest walk for its number of steps.

Hypothesis likes to repeat what it did, with few kinds of moves in each example; it finds small
programs that fail. This finds odd states. Both make the same moves, and print the same journal.
"""

from __future__ import annotations

from random import Random

from federation_chorus import (
    accuse,
    agree,
    answer,
    ask,
    attest,
    attest_and_commit,
    claim,
    close,
    commit,
    commit_all,
    commit_to_head,
    counting,
    end_round,
    fund,
    join,
    open_votes,
    propose,
    refute,
    seat_move,
)
from federation_lab import ETHER
from federation_pair import ADDRESSES, Pair

LAZY = 3
"""The seat that seldom votes and is often left out, so that somebody is ever to be retired."""
SEAT_MOVES = (
    *("join", "join", "top_up", "leave", "withdraw", "withdraw", "activate"),
    *("retire", "retire", "retire", "accuse", "retire_withholder"),
)


def wander(pair: Pair, generator: Random, moves: int) -> None:
    """Make so many moves of one seat, of all together, of time and of the chain."""
    for _ in range(moves):
        kind = generator.random()
        if kind < 0.30:
            _move_a_seat(pair, generator)
        elif kind < 0.65:
            _move_in_a_round(pair, generator)
        elif kind < 0.70:
            _dispute(pair, generator)
        elif kind < 0.74:
            _pay(pair, generator)
        elif kind < 0.82:
            _move_together(pair, generator)
        elif kind < 0.93:
            _move_time(pair, generator)
        elif kind < 0.97 and len(pair.marks) < 3:
            pair.mark()
        elif pair.marks:
            pair.fork()


def _seat(pair: Pair, generator: Random) -> int:
    return generator.randrange(pair.lab.parameters.max_seats)


def _move_a_seat(pair: Pair, generator: Random) -> None:
    seat = generator.choice((LAZY, _seat(pair, generator), _seat(pair, generator)))
    function = generator.choice(SEAT_MOVES)
    if function == "join":
        join(pair, generator.randrange(len(ADDRESSES)), generator.choice((ETHER, 2 * ETHER)))
    elif function == "top_up":
        seat_move(pair, function, seat, value=generator.choice((0, 1, ETHER)))
    elif function == "activate":
        seat_move(pair, function, seat, value=generator.choice((0, 0, ETHER // 5, ETHER)))
    elif function == "accuse":
        accuse(pair, seat)
    elif function == "retire_withholder":
        records = [result.record for result in pair.model.records()]
        first, count = generator.choice((0, 0, 1)), generator.randrange(6)
        pair.move(function, 0, seat, records[first : first + count])
    else:
        seat_move(pair, function, seat)


def _move_in_a_round(pair: Pair, generator: Random) -> None:
    seat, number = _seat(pair, generator), pair.model.number
    keys = pair.keys
    key = keys[min(generator.choice((0, 0, 1, 1, 2, 3)), len(keys) - 1)]
    kind = generator.randrange(6)
    if kind == 0:
        commit_to_head(pair, seat)
    elif kind == 1:
        commit(pair, seat, number + 1, key)
    elif kind == 2:
        propose(pair, seat, drop=generator.choice((0, 1, 2, 4)), model=generator.randrange(3))
    elif kind == 3:
        attest_and_commit(pair, seat, key, number + 1)
    else:
        attest(pair, seat, key)


def _move_together(pair: Pair, generator: Random) -> None:
    some = [seat for seat in counting(pair, pair.model.number + 1) if generator.random() < 0.3]
    silent = generator.choice(((LAZY,), (LAZY,), some[:1]))
    kind = generator.randrange(5)
    if kind == 0:
        commit_all(pair, absent=some)
    elif kind == 1:
        open_votes(pair, absent=some)
    elif kind == 2:
        agree(pair, silent=silent, model=generator.randrange(3))
    else:
        agree(pair, silent=silent, drop=sum(1 << seat for seat in silent))


def _dispute(pair: Pair, generator: Random) -> None:
    """Ask, answer, close or refute, of what was agreed or only proposed."""
    keys = [agreement.key for agreement in pair.model.archive.values()][-4:]
    keys += list(pair.model.results)[-1:]
    if not keys:
        return
    key = generator.choice(keys)
    result = pair.model.results[key]
    asked = [a for a in pair.model.archive.values() if a.key == key and a.asked]
    function = generator.choice(("ask", "answer", "answer", "close", "refute", "collect"))
    leaves = (generator.choice((_seat(pair, generator), 128, 129)), 0, generator.choice((1, 2, 4)))
    if asked and function != "ask":
        last = generator.choice(asked[0].asked)
        leaves = (last.which, last.first, last.count)
    if function == "ask":
        ask(pair, key, *leaves)
    elif function == "answer":
        answer(pair, key, *leaves)
    elif function == "close":
        close(pair, key, *leaves)
    elif function == "collect":
        pair.move("collect", generator.randrange(6, 10))
    elif result.coefficients:
        refute(pair, key, generator.choice((1, 1, 2, 99, 305)))


def _pay(pair: Pair, generator: Random) -> None:
    """Pay in, or claim: what there is, one result, or results that may be anything."""
    seat, kind = _seat(pair, generator), generator.randrange(4)
    if kind == 0:
        fund(pair, generator.choice((0, 1, ETHER // 10, ETHER)))
    elif kind == 1:
        claim(pair, seat)
    elif kind == 2:
        claim(pair, seat, most=1)
    else:
        keys = generator.choices(pair.keys, k=generator.randrange(3))
        pair.move("claim", pair.account_of(seat), seat, keys)


def _move_time(pair: Pair, generator: Random) -> None:
    model, parameters = pair.model, pair.lab.parameters
    watches = [watch.at for t in model.tenancies if (watch := model.watch_of(t))]
    edges = [
        model.commit_end(),
        model.votes_end(),
        max((t.free_at for t in model.tenancies), default=0),
        max((a.until for each in model.archive.values() for a in each.asked), default=0),
        model.chain[-1].at + parameters.challenge_seconds if model.chain else 0,
        max(watches, default=0) + parameters.retire_seconds,
        pair.lab.now + generator.randrange(1, 700),
    ]
    if generator.random() < 0.3:
        end_round(pair)
    else:
        pair.at(generator.choice(edges) + generator.choice((-1, 0, 0, 1)))
