"""Disputes in words and in JSON."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from cli.amounts import say

if TYPE_CHECKING:
    from chain.disputes import Leaves
    from chain.types import Seat
    from node.dispute_story import Penalty, Question, Story

MODELS = {128: "the model before", 129: "the model after"}


def say_time(unix_seconds: int) -> str:
    """Return a time as it stands in the log of `watch`."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def say_seats(seats: "tuple[Seat, ...]") -> str:
    """Return seats as a list."""
    return f"seats {', '.join(map(str, seats))}" if len(seats) != 1 else f"seat {seats[0]}"


def describe_leaves(leaves: "Leaves") -> str:
    """Return what a challenge asks for."""
    last = leaves.first + leaves.count - 1
    of = MODELS.get(leaves.which, f"the update of seat {leaves.which}")
    which = f"leaf {last}" if leaves.count == 1 else f"leaves {leaves.first} to {last}"
    return f"{which} of {of} of round {leaves.round}"


def describe_story(story: "Story", now: int) -> dict[str, Any]:
    """Return a round's disputes as one object."""
    refuted = story.refuted
    return {
        "event": "dispute",
        "round": story.round,
        "height": story.height,
        "key": "0x" + story.key.hex(),
        "agreed_at": story.agreed_at,
        "voters": list(story.voters),
        "included": list(story.included),
        "stands": story.stands,
        "voided_by": story.voided_by,
        "is_disputable": story.is_disputable(now),
        "window_ends_at": story.window_ends_at,
        "challenges": [_describe_question(question, now) for question in story.questions],
        "refuted": None
        if refuted is None
        else {
            "coordinate": refuted.coordinate,
            "refuter": refuted.refuter,
            "earned_wei": refuted.earned_wei,
        },
        "slashed": [
            {
                "seats": list(penalty.seats),
                "is_all": penalty.is_all,
                "taken_wei": penalty.taken_wei,
                "burned_wei": penalty.burned_wei,
            }
            for penalty in story.penalties
        ],
    }


def print_story(story: "Story", now: int) -> None:
    """Explain a round's disputes, a line each."""
    fate = "it stands"
    if story.voided_by is not None:
        own = story.voided_by == story.round
        fate = "it is void" if own else f"it is void, as round {story.voided_by} below it is"
    agreed = f"agreed as height {story.height}, {say_time(story.agreed_at)}"
    typer.echo(f"round {story.round:<8} {agreed}; {fate}")
    typer.echo(f"approved by    {say_seats(story.voters)}, made of {say_seats(story.included)}")
    typer.echo(f"window         {_say_window(story, now)}")
    for question in story.questions:
        asked = question.asked
        deposit = f"asked by {asked.challenger}, deposit {say(asked.bond_wei)}"
        typer.echo(f"challenge      {describe_leaves(question.leaves)}, {deposit}")
        typer.echo(f"               {_say_outcome(story, question, now)}")
    if story.refuted is not None:
        refuted = story.refuted
        earned = f"{refuted.refuter}, who earned {say(refuted.earned_wei)}"
        typer.echo(f"refuted        at coordinate {refuted.coordinate} by {earned}")
    for penalty in story.penalties:
        typer.echo(f"slashed        {say_penalty(penalty)}")


def say_penalty(penalty: "Penalty") -> str:
    """Return who lost how much."""
    lost = f"{'all' if penalty.is_all else 'a part'} of their stake"
    taken = f"{say(penalty.taken_wei)}, of which {say(penalty.burned_wei)} burned"
    return f"{say_seats(penalty.seats)} lost {lost}: {taken}"


def _say_window(story: "Story", now: int) -> str:
    if story.refuted is not None:
        return "over: it was refuted"
    verbs = "refuted and challenged" if story.stands else "refuted"
    if story.window_ends_at is None:
        return f"can be {verbs} until more blocks have come"
    ends_at = say_time(story.window_ends_at)
    return f"can be {verbs} until {ends_at}" if now < story.window_ends_at else f"over, {ends_at}"


def _say_outcome(story: "Story", question: "Question", now: int) -> str:
    paid = question.paid_wei
    if question.answerer is not None:
        back = "" if paid is None else f"; the challenger had {say(paid)} back"
        return f"answered by {question.answerer}, who has the deposit{back}"
    if paid is not None:
        return f"never answered: closed, {say(paid)} to the challenger"
    if not story.stands:
        return "not answered, and void by now: the deposit comes back (holdfast dispute close)"
    until = say_time(question.asked.answer_until)
    if now < question.asked.answer_until:
        return f"to be answered until {until} (holdfast dispute answer)"
    return f"not answered until {until}: the result can be voided (holdfast dispute close)"


def _describe_question(question: "Question", now: int) -> dict[str, Any]:
    asked = question.asked
    return {
        "which": question.leaves.which,
        "first": question.leaves.first,
        "count": question.leaves.count,
        "challenger": asked.challenger,
        "deposit_wei": asked.bond_wei,
        "answer_until": asked.answer_until,
        "is_late": question.is_open and now >= asked.answer_until,
        "answerer": question.answerer,
        "paid_wei": question.paid_wei,
    }
