"""What became of one agreed result in dispute, put together from the events: for people to read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chain.disputes import LIE, DisputeEvent, Leaves
from chain.ledger import Ledger
from chain.types import (
    Agreed,
    Answered,
    Block,
    Challenged,
    Closed,
    Key,
    Logged,
    Refuted,
    RoundId,
    Seat,
    Slashed,
    Voided,
    Wei,
    seats_of,
)
from node.docket import find_end, is_canonical
from node.errors import InputRefused


@dataclass(frozen=True)
class Question:
    """A challenge, who answered it, and what its closing paid back; None: not yet."""

    leaves: Leaves
    asked: Challenged
    answerer: str | None = None
    paid_wei: Wei | None = None

    @property
    def is_open(self) -> bool:
        return self.answerer is None and self.paid_wei is None


@dataclass(frozen=True)
class Penalty:
    """Seats that lost all of their stake (`is_all`), or a part, for what they approved."""

    seats: tuple[Seat, ...]
    is_all: bool
    taken_wei: Wei
    burned_wei: Wei


@dataclass(frozen=True)
class Story:
    """An agreed result and its disputes. `window_ends_at` (unix seconds) None: not before more
    blocks have come; `voided_by`: the round whose result took it along, its own for instance."""

    round: RoundId
    key: Key
    height: int
    agreed_at: int
    voters: tuple[Seat, ...]
    included: tuple[Seat, ...]
    stands: bool
    window_ends_at: int | None
    questions: tuple[Question, ...] = ()
    refuted: Refuted | None = None
    penalties: tuple[Penalty, ...] = ()
    voided_by: RoundId | None = None

    def is_disputable(self, now: int) -> bool:
        """Whether it can be refuted, and challenged if it stands."""
        is_open = self.window_ends_at is None or now < self.window_ends_at
        return is_open and self.refuted is None


def find_agreement(ledger: Ledger, round_id: RoundId) -> Logged:
    """Return the agreement of a round, of a result that stands or is void. Raises InputRefused."""
    for logged in (*ledger.agreed, *ledger.voided):
        assert isinstance(logged.event, Agreed), "nothing else is agreed"
        if logged.event.round == round_id:
            return logged
    raise InputRefused("dispute: round", "one whose result was agreed", round_id)


def tell_story(ledger: Ledger, block: Block, history: Iterable[Logged], round_id: RoundId) -> Story:
    """Return what became of the agreed result of a round, as of a block. Raises InputRefused."""
    logged = find_agreement(ledger, round_id)
    event = logged.event
    assert isinstance(event, Agreed), "nothing else is agreed"
    stands = is_canonical(ledger, event)
    story = Story(
        round=event.round,
        key=event.key,
        height=event.height,
        agreed_at=logged.timestamp,
        voters=tuple(sorted(ledger.votes[event.key])),
        included=ledger.result(event.key).seats,
        stands=stands,
        window_ends_at=find_end(ledger, block, logged, is_canonical=stands),
    )
    questions: dict[Leaves, Question] = {}
    for each in history:
        if isinstance(each.event, Voided) and each.at > logged.at and story.voided_by is None:
            if each.event.height <= event.height:
                story = replace(story, voided_by=each.event.round)
        elif isinstance(each.event, DisputeEvent) and _round_of(each.event) == round_id:
            story = _add(story, questions, each.event)
    return replace(story, questions=tuple(questions.values()))


def read_penalty(event: Slashed) -> Penalty:
    """Return who lost how much."""
    is_all = event.divisor == LIE
    return Penalty(seats_of(event.voters), is_all, event.taken_wei, event.burned_wei)


def list_disputed(ledger: Ledger) -> Sequence[RoundId]:
    """Return the rounds whose results were refuted or challenged, ascending."""
    asked = {leaves.round for leaves in ledger.disputes.asked}
    return sorted(asked | set(ledger.disputes.refuted))


def _round_of(event: DisputeEvent) -> RoundId | None:
    return getattr(event, "round", None)


def _add(story: Story, questions: dict[Leaves, Question], event: DisputeEvent) -> Story:
    match event:
        case Challenged(number, _, which, first, count):
            leaves = Leaves(number, which, first, count)
            questions[leaves] = Question(leaves, event)
        case Answered(number, which, first, count, answerer):
            leaves = Leaves(number, which, first, count)
            questions[leaves] = replace(questions[leaves], answerer=answerer)
        case Closed(number, which, first, count, paid):
            leaves = Leaves(number, which, first, count)
            questions[leaves] = replace(questions[leaves], paid_wei=paid)
        case Slashed():
            return replace(story, penalties=(*story.penalties, read_penalty(event)))
        case Refuted():
            return replace(story, refuted=event)
    return story
