"""What honest peers do together, in a few words and from any state a walk may have led to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple

from federation_lab import ETHER
from federation_pair import ADDRESSES, Pair
from federation_records import LEFT, RETIRED

from chain.retirement import find_withheld
from chain.rewards import find_claim
from chain.types import Seat

NOBODY_ABSENT: Collection[int] = ()
BOND = ETHER


def commit(pair: Pair, seat: int, number: int, parent: bytes, samples: int = 1) -> str | None:
    """Commit by the seat's own account."""
    root = pair.blobs.update_root(seat, number)
    account = pair.account_of(seat)
    return pair.move("commit", account, number, seat, parent, root, samples, 1)


def propose(pair: Pair, seat: int, *, drop: int = 0, model: int = 0) -> bytes:
    """Propose what was committed to the last round, by the seat's own account."""
    proposed = pair.proposal(pair.model.number, pair.model.head, drop, model)
    p = proposed
    pair.move(
        "propose",
        pair.account_of(seat),
        p.round,
        seat,
        p.parent,
        p.commitments,
        p.included,
        p.model_root,
        p.coefficients,
    )
    return p.key


def attest(pair: Pair, seat: int, key: bytes) -> str | None:
    return pair.move("attest", pair.account_of(seat), seat, key)


def attest_and_commit(pair: Pair, seat: int, key: bytes, number: int) -> str | None:
    root = pair.blobs.update_root(seat, number)
    return pair.move("attest_and_commit", pair.account_of(seat), seat, key, number, root, 1, 1)


def seat_move(pair: Pair, function: str, seat: int, *, value: int = 0) -> str | None:
    """Call a function of the seat alone, by its own account."""
    return pair.move(function, pair.account_of(seat), seat, value=value)


def join(pair: Pair, account: int, value: int = ETHER) -> str | None:
    return pair.move("join", account, "here", pair.proof(account), value=value)


def accuse(pair: Pair, seat: int) -> str | None:
    """Retire a seat by the results that the ledger finds against it, or by none."""
    found = find_withheld(pair.observer.ledger, Seat(seat))
    return pair.move("retire_withholder", 2, seat, [astuple(record) for record in found])


def counting(pair: Pair, number: int) -> list[int]:
    """Return the seats that count in a round, in no particular order."""
    return [t.seat for t in pair.model.tenancies if pair.model.stake_in(t.seat, number)]


def end_round(pair: Pair) -> None:
    """Let the time for votes run out, if a round is open."""
    pair.at(pair.model.votes_end())


def commit_all(pair: Pair, absent: Collection[int] = NOBODY_ABSENT) -> None:
    """Let all who count in the next round and are there commit to the head."""
    for seat in counting(pair, pair.model.number + 1):
        if seat not in absent:
            commit_to_head(pair, seat)


def commit_to_head(pair: Pair, seat: int) -> str | None:
    """Commit to the head, in the open round or, where none takes commitments, in the next."""
    is_open = pair.model.phase(pair.lab.now + 1) == "commit"
    number = pair.model.number + (0 if is_open else 1)
    return commit(pair, seat, number, pair.model.head)


def open_votes(pair: Pair, absent: Collection[int] = NOBODY_ABSENT) -> list[int]:
    """Open a round, end its commitments, and return who counts in it and is there."""
    end_round(pair)
    commit_all(pair, absent)
    pair.at(pair.model.commit_end())
    return [seat for seat in counting(pair, pair.model.number) if seat not in absent]


def vote_all(pair: Pair, key: bytes, seats: Collection[int]) -> None:
    """Approve a key until it is the head."""
    for seat in seats:
        if pair.model.head == key:
            return
        attest(pair, seat, key)


def agree(
    pair: Pair,
    *,
    absent: Collection[int] = NOBODY_ABSENT,
    silent: Collection[int] = NOBODY_ABSENT,
    drop: int = 0,
    model: int = 0,
) -> bytes:
    """Play a whole round; `silent` seats commit, yet do not vote."""
    seats = [seat for seat in open_votes(pair, absent) if seat not in silent]
    if not seats:
        return pair.model.head
    key = propose(pair, seats[0], drop=drop, model=model)
    vote_all(pair, key, seats[1:])
    return key


def clear_out(pair: Pair) -> None:
    """Let whoever has left take its stake, and whoever was retired return."""
    end_round(pair)
    for tenancy in list(pair.model.tenancies):
        if tenancy.end == RETIRED:
            seat_move(pair, "activate", tenancy.seat)
        if tenancy.end == LEFT and not tenancy.free_at:
            seat_move(pair, "withdraw", tenancy.seat)
        if tenancy.end == LEFT and tenancy.free_at:
            pair.at(tenancy.free_at)
            seat_move(pair, "withdraw", tenancy.seat)


def staff(pair: Pair, count: int = 4) -> list[int]:
    """See to it that so many seats count in the next round, and return them."""
    accounts = [a for a in range(len(ADDRESSES)) if not pair.model.admitted or pair.proof(a)]
    for _ in range(2):
        for account in accounts:
            if len(pair.model.present) < count:
                join(pair, account)
        # A round named earlier may have an older roll: with one more round all count.
        end_round(pair)
        if len(counting(pair, pair.model.number + 1)) >= count:
            break
        agree(pair)
        clear_out(pair)
    return counting(pair, pair.model.number + 1)


def refute(pair: Pair, key: bytes, coordinate: int, *, is_spoilt: bool = False) -> str | None:
    """Let a watcher without a seat show a coordinate of a result that was proposed once."""
    if key not in pair.model.results:
        return None
    data = pair.refutation(key, coordinate, is_spoilt)
    return pair.move("refute", 9, pair.model.results[key].round, coordinate, data)


def ask(
    pair: Pair, key: bytes, which: int, first: int, count: int, value: int = BOND
) -> str | None:
    """Challenge a result by an account without a seat."""
    return pair.move("challenge", 8, pair.record(key), which, first, count, value=value)


def answer(pair: Pair, key: bytes, which: int, first: int, count: int) -> str | None:
    data = pair.answer(key, which, first, count) or bytes(500)
    return pair.move("answer", 7, pair.record(key), which, first, count, data)


def fund(pair: Pair, value: int) -> str | None:
    """Pay into the pool by an account without a seat."""
    return pair.move("fund", 10, value=value)


def claim(pair: Pair, seat: int, most: int = 128) -> str | None:
    """Claim by the seat's own account what the ledger finds for it, or nothing."""
    is_behind, before = pair.is_behind, pair.model.rewarded
    next_at = max(pair.lab.now + 1, pair.lab.clock.at)
    settled = pair.model.settled(next_at)
    found = find_claim(pair.observer.ledger, Seat(seat), settled, most)
    reason = pair.move("claim", pair.account_of(seat), seat, list(found.keys))
    if reason is None and not is_behind:
        assert pair.model.rewarded - before == found.amount_wei
    return reason


def close(pair: Pair, key: bytes, which: int, first: int, count: int) -> str | None:
    return pair.move("close", 6, pair.record(key), which, first, count)
