"""What a peer does next about agreed results and challenges: a pure function, like `node.round`.

Nobody is believed: a result that this peer has not recomputed itself is examined as long as it can
be disputed. It is refuted if it is wrong, and challenged if what it was made from is not to be had.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from chain.disputes import Leaves
from chain.types import Key
from node.action import (
    Action,
    Answer,
    Challenge,
    Close,
    Collect,
    DisputeAction,
    Examine,
    Gather,
    Refute,
    Wait,
)
from node.docket import Docket, Doubt


@dataclass(frozen=True)
class Finding:
    """What is known of a result in doubt.

    `coordinate`: it is wrong there. `missing`: what is needed and not here (a seat's update, or
    128 or 129 for a model) → when to ask others for it, in unix seconds. `coming`: what is on its
    way. `leaves`: which leaves to ask for on the chain, of what others were asked for in vain;
    None: all were asked for, or nothing was in vain.
    """

    coordinate: int | None = None
    missing: Mapping[int, int] = field(default_factory=dict)
    coming: frozenset[int] = frozenset()
    leaves: Leaves | None = None


@dataclass(frozen=True)
class Knowledge:
    """What the peer knows by itself.

    `held`: challenges that it could answer; `lacking`: others, and when to ask for what they are
    about (unix seconds), unless that is on its way. `put_off`: what the chain would not have a
    moment ago.
    """

    findings: Mapping[Key, Finding] = field(default_factory=dict)
    held: frozenset[Leaves] = frozenset()
    lacking: Mapping[Leaves, int] = field(default_factory=dict)
    put_off: frozenset[Action] = frozenset()


def next_plea(docket: Docket, known: Knowledge, now: int) -> DisputeAction | None:
    """Return what must come before anything else: stake or the head depends on it."""
    pleas: Iterator[DisputeAction] = chain(
        _answers(docket, known, now),
        _refutations(docket, known, now),
        _closings(docket, known, now),
    )
    return next(pleas, None)


def next_errand(docket: Docket, known: Knowledge, now: int) -> DisputeAction | Wait:
    """Return what can be done where nothing else is; `Wait` when there is nothing."""
    for charge in docket.charges:
        is_due = known.lacking.get(charge.leaves, now + 1) <= now
        if charge.is_canonical and is_due and now < charge.give_up_at:
            # It may be here no more, and with another one of those who approved the result.
            return Gather(charge.key, (charge.leaves.which,))
    for doubt in docket.doubts:
        action = _look_into(doubt, known.findings.get(doubt.key, Finding()), now)
        if action is not None and doubt.is_open(now):
            return action
    question = _find_question(docket, known, now)
    if question is not None:
        return question
    for key, leaves in docket.returns:
        if Close(key, leaves) not in known.put_off:
            return Close(key, leaves)
    if docket.owed_wei and Collect() not in known.put_off:
        return Collect()
    return Wait(min((time for time in _times(docket, known, now) if time > now), default=None))


def next_watch(docket: Docket, known: Knowledge, now: int) -> DisputeAction | Wait:
    """Return the next thing for whoever has no part in the rounds."""
    return next_plea(docket, known, now) or next_errand(docket, known, now)


def is_head_wrong(docket: Docket, known: Knowledge, now: int) -> bool:
    """Whether the head, or a result under it, is known to be wrong and will be void soon."""
    return any(
        doubt.is_canonical and doubt.is_open(now) and _coordinate(doubt, known) is not None
        for doubt in docket.doubts
    )


def _answers(docket: Docket, known: Knowledge, now: int) -> Iterator[Answer]:
    for charge in docket.charges:
        answer = Answer(charge.key, charge.leaves)
        is_time = charge.answer_at <= now < charge.give_up_at
        can_answer = charge.is_canonical and charge.leaves in known.held
        if can_answer and is_time and answer not in known.put_off:
            yield answer


def _refutations(docket: Docket, known: Knowledge, now: int) -> Iterator[Refute]:
    for doubt in docket.doubts:
        coordinate = _coordinate(doubt, known)
        if coordinate is None or now < doubt.refute_at or not doubt.is_open(now):
            continue
        if Refute(doubt.key, coordinate) not in known.put_off:
            yield Refute(doubt.key, coordinate)


def _closings(docket: Docket, known: Knowledge, now: int) -> Iterator[Close]:
    """Unanswered challenges that void a result, and own deposits on what is void already."""
    for charge in docket.charges:
        is_time = charge.close_at <= now if charge.is_canonical else charge.is_own
        # Whoever has what was asked for knows that nobody lied; he does not bring the slash about.
        is_silent = not charge.is_canonical or charge.leaves not in known.held
        close = Close(charge.key, charge.leaves)
        if is_time and is_silent and close not in known.put_off:
            yield close


def _look_into(doubt: Doubt, finding: Finding, now: int) -> Gather | Examine | None:
    if finding.coordinate is not None:
        return None
    if not finding.missing:
        return Examine(doubt.key)
    due = (which for which, at in finding.missing.items() if at <= now)
    asked = tuple(which for which in due if which not in finding.coming)
    return Gather(doubt.key, asked) if asked else None


def _find_question(docket: Docket, known: Knowledge, now: int) -> Challenge | None:
    """Return what to ask for on the chain: of the lowest result that stands and is in doubt, since
    what was built on it falls with it."""
    for doubt in docket.doubts:
        if not (doubt.is_canonical and doubt.is_open(now)):
            continue
        leaves = known.findings.get(doubt.key, Finding()).leaves
        if doubt.is_asked:
            return None
        if leaves is not None and doubt.may_ask:
            challenge = Challenge(doubt.key, leaves)
            is_time = doubt.challenge_at <= now and challenge not in known.put_off
            return challenge if is_time else None
    return None


def _times(docket: Docket, known: Knowledge, now: int) -> Iterator[int]:
    """Yield when waiting may end."""
    for doubt in docket.doubts:
        finding = known.findings.get(doubt.key, Finding())
        yield from (doubt.refute_at, doubt.challenge_at)
        yield from finding.missing.values()
    for charge in docket.charges:
        if charge.is_canonical:
            yield charge.answer_at if charge.leaves in known.held else charge.close_at
            if now < charge.give_up_at:
                yield known.lacking.get(charge.leaves, now)


def _coordinate(doubt: Doubt, known: Knowledge) -> int | None:
    return known.findings.get(doubt.key, Finding()).coordinate
