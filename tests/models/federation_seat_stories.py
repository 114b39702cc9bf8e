"""Little plots about seats, each of which can begin in any state; see `federation_stories`."""

from __future__ import annotations

from federation_chorus import (
    accuse,
    agree,
    attest,
    clear_out,
    commit,
    commit_to_head,
    counting,
    end_round,
    join,
    open_votes,
    propose,
    seat_move,
    staff,
    vote_all,
)
from federation_lab import ETHER
from federation_pair import ADDRESSES, Pair
from federation_seats import WEI_LIMIT
from federation_stories import Story


def tell_of_stakes(pair: Pair) -> None:
    """Too little, too much, nothing, and a second change before the first one counts."""
    seat = staff(pair)[0]
    join(pair, 11, ETHER - 1)
    join(pair, 10, ETHER + 1)
    join(pair, 10, 2**95)
    seat_move(pair, "top_up", seat)
    seat_move(pair, "top_up", seat, value=2**95)
    agree(pair)
    room = WEI_LIMIT - sum(stake for _, stake in pair.model.present.values())
    for value in (room, room - 1):
        pair.mark()
        seat_move(pair, "top_up", seat, value=value)
        pair.fork()
        pair.mark()
        join(pair, 10, value)
        pair.fork()
    open_votes(pair)
    seat_move(pair, "top_up", seat, value=ETHER)
    seat_move(pair, "top_up", seat, value=1)
    end_round(pair)
    open_votes(pair)
    seat_move(pair, "top_up", seat, value=ETHER)
    agree(pair)


def tell_of_changes_and_late_votes(pair: Pair) -> None:
    """A late vote for the head has the stake of the head's round, whatever was committed since."""
    seat = staff(pair)[-1]
    agree(pair, silent=(seat,))
    seat_move(pair, "top_up", seat, value=1)
    join(pair, 6)
    newcomers = [t.seat for t in pair.model.tenancies if t.changed_from > pair.model.named]
    end_round(pair)
    for each in newcomers:
        commit_to_head(pair, each)
    for each in newcomers:
        attest(pair, each, pair.model.head)
    agree(pair)


def tell_of_a_full_house(pair: Pair) -> None:
    staff(pair)
    for account in range(pair.lab.parameters.max_seats + 1):
        join(pair, account)
    # With equal stakes, four of six are two thirds exactly.
    agree(pair)


def tell_of_a_leaver(pair: Pair) -> None:
    """A seat goes, waits, is paid, and somebody else takes its index."""
    seat = staff(pair)[-1]
    account = pair.account_of(seat)
    seat_move(pair, "withdraw", seat)
    agree(pair)
    open_votes(pair)
    # Topped up and gone in one and the same round, which still counts what there was before.
    seat_move(pair, "top_up", seat, value=1)
    seat_move(pair, "leave", seat)
    seat_move(pair, "leave", seat)
    seat_move(pair, "top_up", seat, value=ETHER)
    seat_move(pair, "activate", seat)
    pair.move("retire", 0, seat)
    pair.move("retire_withholder", 0, seat, [])
    pair.at(pair.model.votes_end() - 1)
    seat_move(pair, "withdraw", seat)
    end_round(pair)
    commit_to_head(pair, seat)
    seat_move(pair, "withdraw", seat)
    tenancy = pair.model.holder(seat)
    if tenancy is not None:
        pair.at(tenancy.free_at - 1)
        pair.move("withdraw", account, seat)
        pair.at(tenancy.free_at)
        pair.move("withdraw", account, seat)
    pair.move("withdraw", account, seat)
    pair.move("retire", account, seat)
    join(pair, (account + 5) % len(ADDRESSES))
    staff(pair)


def tell_of_an_empty_house(pair: Pair) -> None:
    """With fewer seats than a round needs updates, no round is named."""
    seats = staff(pair)
    agree(pair)
    end_round(pair)
    for seat in seats[1:]:
        seat_move(pair, "leave", seat)
    for seat in counting(pair, pair.model.number + 1):
        commit(pair, seat, pair.model.number + 1, pair.model.head)
    clear_out(pair)
    staff(pair)


def tell_of_a_silent_seat(pair: Pair) -> None:
    """Watched, heard of, watched again, retired for silence, and back again."""
    silent = staff(pair)[-1]
    join(pair, 7)
    for tenancy in pair.model.tenancies:
        pair.move("retire", 0, tenancy.seat)
    agree(pair)
    seat_move(pair, "top_up", silent, value=1)
    key = agree(pair)
    attest(pair, silent, key)
    pair.move("retire", 1, silent)
    _let_be_silent(pair, silent)
    for function in ("leave", "top_up"):
        seat_move(pair, function, silent, value=ETHER if function == "top_up" else 0)
    pair.move("retire", 1, silent)
    pair.move("retire_withholder", 1, silent, [])
    pair.at(pair.model.votes_end() - 1)
    seat_move(pair, "activate", silent)
    attest(pair, silent, pair.model.head)
    end_round(pair)
    commit_to_head(pair, silent)
    pair.move("activate", (pair.account_of(silent) + 1) % 12, silent)
    seat_move(pair, "activate", silent)
    seat_move(pair, "activate", silent)
    attest(pair, silent, pair.model.head)
    pair.move("retire", 1, silent)
    agree(pair)


def _let_be_silent(pair: Pair, silent: int) -> None:
    """Time passes first, then rounds, until a watched seat is retired, and votes once more."""
    since = _watched_since(pair, silent)
    pair.move("retire", 1, silent)
    pair.at(since + pair.lab.parameters.retire_seconds - 1)
    pair.move("retire", 1, silent)
    pair.at(since + pair.lab.parameters.retire_seconds)
    is_retired = pair.move("retire", 1, silent) is None
    is_agreed, seats = False, [silent]
    for _ in range(2 * pair.lab.parameters.max_missed):
        if is_retired or not seats:
            break
        seats = [seat for seat in open_votes(pair) if seat != silent]
        is_retired = pair.move("retire", 1, silent) is None
        # Rounds that lapse for want of votes have run as well as those that are agreed.
        is_agreed = not is_agreed
        if is_agreed and not is_retired and seats:
            vote_all(pair, propose(pair, seats[0]), seats[1:])
    if seats:
        attest(pair, silent, propose(pair, seats[0]))


def _watched_since(pair: Pair, seat: int) -> int:
    """Return when the watch of a seat began; 0: it is not watched."""
    tenancy = pair.model.holder(seat)
    watch = pair.model.watch_of(tenancy) if tenancy else None
    return watch.at if watch else 0


def tell_of_a_late_vote_that_counts(pair: Pair) -> None:
    """A late approval of the head ends a watch, however little it moves."""
    silent = staff(pair)[-1]
    key = agree(pair, silent=(silent,))
    pair.move("retire", 2, silent)
    attest(pair, silent, key)
    pair.move("retire", 2, silent)
    seat_move(pair, "top_up", silent, value=ETHER)
    seat_move(pair, "leave", silent)
    clear_out(pair)
    staff(pair)


def tell_of_a_withholder(pair: Pair) -> None:
    """A seat commits, and is left out of one result after another."""
    seat = staff(pair)[-1]
    agree(pair)
    missed = pair.lab.parameters.max_missed
    for _ in range(missed - 1):
        agree(pair, silent=(seat,), drop=1 << seat)
    # One round without it says nothing about it.
    agree(pair, absent=(seat,))
    records = [result.record for result in pair.model.records()]
    _accuse(pair, seat, records[:missed])
    agree(pair, silent=(seat,), drop=1 << seat)
    records = [result.record for result in pair.model.records()]
    _accuse(pair, seat, [])
    _accuse(pair, seat, records[1:])
    _accuse(pair, seat, [records[0], *records[2:]])
    _accuse(pair, seat, [*records[: missed + 1], records[0]])
    _accuse(pair, seat, records[: missed + 2])
    _accuse(pair, seat, records[:64])
    _accuse(pair, seat, [(*records[0][:3], records[0][3] ^ 1, *records[0][4:])])
    pair.mark()
    accuse(pair, seat)
    pair.fork()
    pair.move("retire", 3, seat)
    _accuse(pair, seat, records[: missed + 1])
    _accuse(pair, seat, records[: missed + 1])
    clear_out(pair)
    # What was before its return is forgiven; what comes after it, from the first round on, is not.
    _accuse(pair, seat, records[: missed + 1])
    for _ in range(missed):
        agree(pair, silent=(seat,), drop=1 << seat)
    records = [result.record for result in pair.model.records()]
    _accuse(pair, seat, records[: missed + 1])
    _accuse(pair, seat, records[:missed])
    clear_out(pair)


def tell_of_an_inherited_seat(pair: Pair) -> None:
    """Whoever takes over an index answers for nothing that its last owner did, topped up or not."""
    seat = staff(pair)[-1]
    for _ in range(pair.lab.parameters.max_missed):
        agree(pair, silent=(seat,), drop=1 << seat)
    seat_move(pair, "leave", seat)
    clear_out(pair)
    for account in range(len(ADDRESSES)):
        if pair.model.holder(seat) is None:
            join(pair, account)
    agree(pair, absent=(seat,))
    records = [result.record for result in pair.model.records()]
    seat_move(pair, "top_up", seat, value=ETHER)
    for count in range(2, pair.lab.parameters.max_missed + 5):
        _accuse(pair, seat, records[:count])


def _accuse(pair: Pair, seat: int, records: list[tuple[int | bytes, ...]]) -> None:
    pair.move("retire_withholder", 3, seat, records)


def tell_of_a_retired_seat_that_goes(pair: Pair) -> None:
    """Rounds pass first, then time; it asks for its stake without leaving, and cannot return."""
    seat = staff(pair)[-1]
    agree(pair, silent=(seat,))
    pair.move("retire", 4, seat)
    for model in range(pair.lab.parameters.max_missed + 1):
        agree(pair, silent=(seat,), model=model)
    enough = _watched_since(pair, seat) + pair.lab.parameters.retire_seconds
    pair.at(enough - 60)
    first = open_votes(pair)[0]
    # Whoever is ahead names the next round, which then counts the seat as well.
    commit(pair, first, pair.model.number + 1, propose(pair, first))
    pair.at(enough - 1)
    pair.move("retire", 4, seat)
    pair.at(enough)
    pair.move("retire", 4, seat)
    for _ in range(3):
        seat_move(pair, "withdraw", seat)
        end_round(pair)
        open_votes(pair)
    for function in ("activate", "leave", "top_up", "withdraw"):
        seat_move(pair, function, seat, value=ETHER if function == "top_up" else 0)
    pair.move("retire", 4, seat)
    clear_out(pair)
    staff(pair)


def tell_of_strangers(pair: Pair) -> None:
    """Those on the list come with their own proof; nobody comes with another's."""
    staff(pair)
    proofs = [pair.proof(account) for account in range(len(ADDRESSES))]
    for account, own in enumerate(proofs):
        for proof in ([], own[:-1], [*own, bytes(32)], own[::-1], proofs[account - 1]):
            if proof != own:
                pair.move("join", account, "here", proof, value=ETHER)
        if account > 2:
            break
    for account in (0, 11):
        join(pair, account)


SEAT_STORIES: tuple[Story, ...] = (
    tell_of_stakes,
    tell_of_changes_and_late_votes,
    tell_of_a_full_house,
    tell_of_a_leaver,
    tell_of_an_empty_house,
    tell_of_a_silent_seat,
    tell_of_a_late_vote_that_counts,
    tell_of_a_withholder,
    tell_of_an_inherited_seat,
    tell_of_a_retired_seat_that_goes,
    tell_of_strangers,
)
