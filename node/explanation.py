"""What became of one seat's update in one round, and why: from the chain's events and the blobs.

Nothing is said but what the record shows. Why a seat did not commit, or why others had not got its
update, the record does not show; what it does show is told, and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from chain.ledger import Ledger
from chain.types import (
    Agreed,
    Block,
    Committed,
    Joined,
    Key,
    Logged,
    Opened,
    RoundId,
    Seat,
    Slashed,
    Voided,
    Wei,
)
from node.blobs.errors import BlobError
from node.blobs.naming import Naming
from node.blobs.store import Blobs
from node.contributions import read_history, value_height
from node.dispute_story import Story, tell_story
from node.docket import is_canonical
from node.earnings import State, list_earned
from node.errors import ExplanationRefused
from node.rule.coefficients import Coefficient, decode_coefficients
from node.rule.contribution import Value
from node.rule.parameters import BPS, Member, Roll
from node.rule.treatment import Standing, Treatment, describe_standing, describe_treatment
from node.spec import rule_of


class Outcome(StrEnum):
    """What came of a round."""

    OPEN = "open"
    LAPSED = "lapsed"
    AGREED = "agreed"
    VOID = "void"
    """Agreed, and overturned since, or built on what was."""
    PASSED_OVER = "passed over"
    """Its number was named when a result became void; it never took place."""


class Fate(StrEnum):
    """What became of an update."""

    ABSENT = "absent"
    """The seat did not count in the round."""
    SILENT = "silent"
    """It counted and committed nothing."""
    ASTRAY = "astray"
    """It committed to this round on another result alone, which did not become the head."""
    COMMITTED = "committed"
    """To a round that has agreed on nothing."""
    LEFT_OUT = "left_out"
    WEIGHTLESS = "weightless"
    """Included, and the rule gave it no weight."""
    CREDITED = "credited"


class Absence(StrEnum):
    """Why a seat did not count in a round."""

    NOBODY = "nobody had it"
    EARLY = "it counted from a later round on"
    LEFT = "its owner had left"
    RETIRED = "it was retired for silence"
    SLASHED = "it was slashed"


@dataclass(frozen=True)
class Candidate:
    """A proposed result: by whom, of which seats, who approved it. `stake_bps`: of the power."""

    key: Key
    proposer: Seat
    included: tuple[Seat, ...]
    voters: tuple[Seat, ...]
    stake_bps: int


@dataclass(frozen=True)
class Pay:
    """A seat's share of a result; `state` None: it has none, having no weight in it. `settled`: up
    to which height nothing can be disputed any more."""

    share_wei: Wei
    state: State | None
    settled: int


@dataclass(frozen=True)
class Explanation:
    """All that there is to say. None: there is no such thing here, or, of `treatment` and `value`,
    a blob is `missing`; the newest height has no `value` yet.

    `until`: the round with which an absent seat ended, or from which on it counted; 0: neither.
    `agreed` is the one of `candidates` that was, `story` what became of it; `coefficient` is what
    it says of this update, out of `weights` in all. `has_rewards`: whether the federation pays any.
    """

    round: RoundId
    seat: Seat
    outcome: Outcome
    fate: Fate
    parent: Key | None = None
    height: int | None = None
    newest_height: int = 0
    absence: Absence | None = None
    until: RoundId = RoundId(0)
    commitment: Committed | None = None
    committed: tuple[Seat, ...] = ()
    min_updates: int = 0
    candidates: tuple[Candidate, ...] = ()
    agreed: Candidate | None = None
    story: Story | None = None
    coefficient: Coefficient | None = None
    weights: int = 0
    standing: Standing | None = None
    treatment: Treatment | None = None
    value: Value | None = None
    has_rewards: bool = False
    pay: Pay | None = None
    missing: BlobError | None = None


@dataclass(frozen=True)
class Past:
    """A federation so far: the ledger at the end of its history, in `block`. `settled`: up to which
    height nothing can be disputed any more."""

    ledger: Ledger
    block: Block
    history: Sequence[Logged]
    naming: Naming
    settled: int


def find_last_round(ledger: Ledger) -> RoundId:
    """Return the last round that was agreed on and stands; before the first one, the last that was
    opened. Raises ExplanationRefused where there was none."""
    if ledger.agreed:
        return ledger.head().round
    if ledger.round.number == 0:
        raise ExplanationRefused("round", "one that was opened", "none so far")
    return ledger.round.number


def explain(past: Past, blobs: Blobs | None, round_id: RoundId, seat: Seat) -> Explanation:
    """Return what became of a seat's update. Raises ExplanationRefused for a round that was not
    opened yet, or a seat that nobody ever had."""
    _check(past, round_id, seat)
    then = _fold_to(past, round_id)
    opening = then.openings.get(round_id)
    if opening is None:
        return Explanation(round_id, seat, Outcome.PASSED_OVER, Fate.SILENT)
    teller = _Teller(past, then, opening, seat)
    outcome, agreed = teller.find_outcome()
    told = teller.tell(outcome, agreed)
    if agreed is None or told.fate not in (Fate.WEIGHTLESS, Fate.CREDITED):
        return told
    return teller.tell_more(told, agreed, blobs)


class _Teller:
    """One round as one seat's update went through it. `then`: the ledger when the round had
    ended."""

    def __init__(self, past: Past, then: Ledger, opening: Opened, seat: Seat) -> None:
        self._past = past
        self._then = then
        self._opening = opening
        self._round = opening.round
        self._seat = seat
        self._row = then.commitments(opening.parent, opening.round)

    def find_outcome(self) -> tuple[Outcome, Agreed | None]:
        """Return what came of the round."""
        ledger = self._past.ledger
        for logged in (*ledger.agreed, *ledger.voided):
            event = logged.event
            if isinstance(event, Agreed) and event.round == self._round:
                stands = is_canonical(ledger, event)
                return (Outcome.AGREED if stands else Outcome.VOID), event
        is_last = ledger.round.number == self._round and ledger.round.commit_ends_at != 0
        return (Outcome.OPEN if is_last else Outcome.LAPSED), None

    def tell(self, outcome: Outcome, agreed: Agreed | None) -> Explanation:
        """Return what the chain alone says."""
        assert self._past.ledger.parameters is not None, "the creation is a history's first event"
        candidates = tuple(
            self._describe(key) for key in self._then.proposed_in.get(self._round, ())
        )
        fate = self._find_fate(agreed)
        absence, until = self._find_absence() if fate is Fate.ABSENT else (None, RoundId(0))
        own = [each for each in self._row if each.seat == self._seat]
        return Explanation(
            round=self._round,
            seat=self._seat,
            outcome=outcome,
            fate=fate,
            parent=self._opening.parent,
            height=None if agreed is None else agreed.height,
            newest_height=len(self._past.ledger.agreed),
            absence=absence,
            until=until,
            commitment=own[0] if own else None,
            committed=tuple(sorted(each.seat for each in self._row)),
            min_updates=self._past.ledger.parameters.min_updates,
            candidates=candidates,
            agreed=next((c for c in candidates if agreed and c.key == agreed.key), None),
            story=None if agreed is None else self._tell_story(),
            has_rewards=self._past.ledger.parameters.reward_wei_per_second > 0,
        )

    def tell_more(self, told: Explanation, agreed: Agreed, blobs: Blobs | None) -> Explanation:
        """Return what an included update's blobs say too, as far as they are there."""
        ledger, rule = self._past.ledger, rule_of(self._past.naming.parameters)
        result = ledger.result(agreed.key)
        position = result.seats.index(self._seat)
        coefficients = decode_coefficients(result.coefficients, len(result.seats))
        roll = Roll(self._opening.power_wei, self._opening.active)
        members = [
            Member(each.seat, self._then.stake_in(each.seat, self._round), each.samples)
            for each in sorted(self._row, key=lambda commitment: commitment.seat)
            if each.seat in result.seats
        ]
        told = replace(
            told,
            coefficient=coefficients[position],
            weights=sum(each.weight for each in coefficients),
            standing=describe_standing(rule, roll, members, position),
            pay=self._find_pay(told, agreed),
        )
        if blobs is None:
            return told
        try:
            told = replace(told, treatment=self._treat(agreed, blobs, position))
            return replace(told, value=self._value(told, blobs))
        except BlobError as error:
            return replace(told, missing=error)

    def _find_fate(self, agreed: Agreed | None) -> Fate:
        has_committed = any(each.seat == self._seat for each in self._row)
        if not has_committed:
            if not self._then.stake_in(self._seat, self._round):
                return Fate.ABSENT
            return Fate.ASTRAY if self._is_astray() else Fate.SILENT
        if agreed is None:
            return Fate.COMMITTED
        result = self._then.result(agreed.key)
        if self._seat not in result.seats:
            return Fate.LEFT_OUT
        return Fate.CREDITED if result.credited >> self._seat & 1 else Fate.WEIGHTLESS

    def _is_astray(self) -> bool:
        return any(
            number == self._round
            and any(each.seat == self._seat for each in self._then.commitments(parent, number))
            for parent, number in self._then.rows
        )

    def _find_absence(self) -> tuple[Absence, RoundId]:
        record = self._then.seats.get(self._seat)
        if record is None:
            return Absence.NOBODY, RoundId(0)
        if record.begun > self._round:
            return Absence.EARLY, record.begun
        if not record.is_retired:
            return Absence.LEFT, record.until
        reasons = [
            Absence.SLASHED
            for logged in self._past.history
            if isinstance(logged.event, Slashed)
            and logged.event.round < self._round
            and logged.event.voters >> self._seat & 1
        ]
        return (reasons or [Absence.RETIRED])[0], record.until

    def _describe(self, key: Key) -> Candidate:
        # Of the end of the history: votes on an agreed result may come late.
        ledger, result = self._past.ledger, self._then.result(key)
        stake = ledger.stake_behind(key)
        voters = tuple(sorted(ledger.votes[key]))
        return Candidate(
            key, result.seat, result.seats, voters, stake * BPS // self._opening.power_wei
        )

    def _tell_story(self) -> Story:
        past = self._past
        return tell_story(past.ledger, past.block, past.history, self._round)

    def _treat(self, agreed: Agreed, blobs: Blobs, position: int) -> Treatment:
        past = self._past
        (read,) = read_history(past.naming, blobs, past.ledger.genesis, past.history, {agreed.key})
        return describe_treatment(rule_of(past.naming.parameters), read.agreement, position)

    def _value(self, told: Explanation, blobs: Blobs) -> Value | None:
        if told.outcome is not Outcome.AGREED or told.height is None:
            return None
        past = self._past
        found = value_height(past.naming, blobs, past.ledger, past.history, told.height)
        return found.get(self._seat)

    def _find_pay(self, told: Explanation, agreed: Agreed) -> Pay | None:
        if told.outcome is not Outcome.AGREED:
            return None
        past = self._past
        earned = list_earned(past.ledger, past.history, past.settled)[agreed.height - 1]
        return Pay(
            share_wei=earned.share_wei,
            state=earned.states.get(self._seat),
            settled=past.settled,
        )


def _check(past: Past, round_id: RoundId, seat: Seat) -> None:
    last = past.ledger.round.number
    if not 1 <= round_id <= last:
        expected = f"1 to {last}" if last else "one that was opened; none was so far"
        raise ExplanationRefused("round", expected, round_id)
    seats = sorted({e.event.seat for e in past.history if isinstance(e.event, Joined)})
    if seat not in seats:
        raise ExplanationRefused("seat", f"one of {', '.join(map(str, seats))}", seat)


def _fold_to(past: Past, round_id: RoundId) -> Ledger:
    """Return the ledger when a round was agreed on; of one that was not, before the next began, or
    a result was overturned in its midst."""
    ledger = Ledger(past.ledger.genesis)
    for logged in past.history:
        event = logged.event
        if isinstance(event, Opened) and event.round > round_id:
            break
        if isinstance(event, Voided) and round_id in ledger.openings:
            break
        ledger.apply(logged)
        if isinstance(event, Agreed) and event.round == round_id:
            break
    return ledger
