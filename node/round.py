"""What a peer does next: a pure function of what the chain says, what the peer has, and the time.

    IDLE ── enough seats ──▶ READY ── first commitment ──▶ COMMIT ──▶ ATTEST ── agreement ──▶ READY
                               ▲                             │           │
                               └───────────── LAPSED ◀───────┴───────────┘

READY and LAPSED ask for the same: a commitment opens the next round on the head.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from chain.states import Head
from chain.types import Committed, Key, RoundId, Seat
from node.action import (
    Action,
    Activate,
    Attest,
    AttestAndCommit,
    Commit,
    Compute,
    Fetch,
    Propose,
    Pull,
    Retire,
    Target,
    Train,
    Wait,
)
from node.dispute import Knowledge, is_head_wrong, next_errand, next_plea
from node.docket import Docket

NOTHING_OPEN, NOTHING_KNOWN = Docket(), Knowledge()


class Phase(Enum):
    """Where the federation stands; follows from deadlines, see the contract's `phase`."""

    IDLE = "idle"
    READY = "ready"
    COMMIT = "commit"
    ATTEST = "attest"
    LAPSED = "lapsed"


@dataclass(frozen=True)
class Candidate:
    """A proposed result of the round."""

    key: Key
    included: frozenset[Seat]


@dataclass(frozen=True)
class View:
    """The chain at one block, as one seat sees it. Times are unix seconds."""

    seat: Seat
    head: Head
    round: RoundId
    commit_ends_at: int
    attest_seconds: int
    has_enough_seats: bool
    min_updates: int
    row: tuple[Committed, ...]
    turns: tuple[Seat, ...]
    candidates: tuple[Candidate, ...]
    counted: frozenset[RoundId]
    committed: frozenset[Target]
    approved: frozenset[Key]
    is_retired: bool = False
    to_retire: Seat | None = None
    """Whom it is this seat's turn to retire, for doing nothing."""
    docket: Docket = NOTHING_OPEN

    @property
    def attest_ends_at(self) -> int:
        """End of the votes; 0 where no round is open."""
        return self.commit_ends_at + self.attest_seconds if self.commit_ends_at else 0

    def phase(self, now: int) -> Phase:
        """Return the phase at `now`; phases are half-open, [start, deadline)."""
        if now < self.commit_ends_at:
            return Phase.COMMIT
        if self.commit_ends_at and len(self.row) >= self.min_updates and now < self.attest_ends_at:
            return Phase.ATTEST
        if not self.has_enough_seats:
            return Phase.IDLE
        return Phase.LAPSED if self.commit_ends_at else Phase.READY

    def takes_next(self, target: Target) -> bool:
        """Whether this seat may commit to the next round on a result, should it be agreed."""
        return self.has_enough_seats and target[1] in self.counted and target not in self.committed

    def third(self, now: int) -> int:
        """Return which third of ATTEST it is: 0, 1 or 2."""
        return min(2, 3 * (now - self.commit_ends_at) // self.attest_seconds)

    def patience_ends_at(self) -> int:
        """Return until when to wait for updates that are on their way: a slow source must not hold
        up the votes."""
        return self.commit_ends_at + self.attest_seconds // 12

    def turn_at(self) -> int:
        """Return when this seat's turn to propose has come: one after the other, in a sixth."""
        place = self.turns.index(self.seat) if self.seat in self.turns else len(self.turns)
        return self.commit_ends_at + place * self.attest_seconds // (6 * max(1, len(self.turns)))


@dataclass(frozen=True)
class Memory:
    """What the peer has and knows by itself. Times are unix seconds; 0 is at once.

    `held`: the seats of the round's row whose updates are here; `fetching`: whose are on their way;
    `retry_at`: when to ask for others. `has_model`: the head's model is here; `is_pulling`: it
    comes. `results` are of the row: included seats → key, None
    where the rule refuses them.
    """

    has_model: bool = False
    model_retry_at: int = 0
    is_pulling: bool = False
    held: frozenset[Seat] = frozenset()
    retry_at: Mapping[Seat, int] = field(default_factory=dict)
    fetching: frozenset[Seat] = frozenset()
    trained: frozenset[Target] = frozenset()
    training: frozenset[Target] = frozenset()
    results: Mapping[frozenset[Seat], Key | None] = field(default_factory=dict)
    recomputed: frozenset[Key] = frozenset()
    is_sending: bool = False
    wants_back: bool = False
    """Retired before this life of the peer began: an absence that is over."""
    disputes: Knowledge = NOTHING_KNOWN
    takes_part: bool = True


def next_action(view: View, memory: Memory, now: int) -> Action:
    """Return the one thing to do now; `Wait` when there is nothing."""
    if memory.is_sending:
        return Wait(None)
    plea = next_plea(view.docket, memory.disputes, now)
    if plea is not None:
        return plea
    action = _take_part(view, memory, now)
    if not isinstance(action, Wait):
        return action
    errand = next_errand(view.docket, memory.disputes, now)
    if not isinstance(errand, Wait):
        return errand
    times = (time for time in (action.until, errand.until) if time is not None)
    return Wait(min(times, default=None))


def _take_part(view: View, memory: Memory, now: int) -> Action:
    """Return what the round asks for."""
    # What is built on a wrong head will be void.
    if not memory.takes_part or is_head_wrong(view.docket, memory.disputes, now):
        return Wait(None)
    if view.is_retired and memory.wants_back:
        return Activate()
    match view.phase(now):
        case Phase.IDLE:
            return Wait(None)
        case Phase.COMMIT:
            action = _contribute(view, memory, now, view.round, view.commit_ends_at)
            has_committed = (view.head.key, view.round) in view.committed
            if isinstance(action, Wait) and has_committed and view.to_retire is not None:
                return Retire(view.to_retire)
            return action
        case Phase.READY | Phase.LAPSED:
            return _contribute(view, memory, now, RoundId(view.round + 1), None)
        case Phase.ATTEST:
            return _judge(view, memory, now)


def _contribute(
    view: View, memory: Memory, now: int, round_id: RoundId, until: int | None
) -> Action:
    head = view.head
    target = (head.key, round_id)
    if round_id not in view.counted:
        return _finish(view, memory, now, until)
    if target in view.committed:
        return Wait(until)
    if not memory.has_model:
        return _pull(memory, now, until)
    if target not in memory.trained:
        return Wait(until) if target in memory.training else Train(target)
    is_late_vote = head.key not in view.approved and head.round in view.counted
    if is_late_vote and head.key in memory.recomputed:
        return AttestAndCommit(head.key, round_id)
    return Commit(target)


def _finish(view: View, memory: Memory, now: int, until: int | None) -> Action:
    """Return what is left of the last round that the seat counts in, when that was agreed on: its
    model, and a vote that nothing else will take along."""
    head = view.head
    if head.round != view.round or head.round not in view.counted:
        return Wait(until)
    if not memory.has_model:
        return _pull(memory, now, until)
    if head.key in memory.recomputed and head.key not in view.approved:
        return Attest(head.key)
    return Wait(until)


def _pull(memory: Memory, now: int, until: int | None) -> Action:
    if memory.is_pulling:
        return Wait(until)
    return Pull() if memory.model_retry_at <= now else Wait(memory.model_retry_at)


def _judge(view: View, memory: Memory, now: int) -> Action:
    if not memory.has_model and not memory.is_pulling and memory.model_retry_at <= now:
        return Pull()
    missing = tuple(c.seat for c in view.row if c.seat not in memory.held)
    asked = tuple(seat for seat in missing if seat not in memory.fetching)
    due = tuple(seat for seat in asked if memory.retry_at.get(seat, 0) <= now)
    if due:
        return Fetch(due)
    if len(asked) < len(missing) and now < view.patience_ends_at():
        # With what is on its way a larger set could be proposed, which all others hold too.
        return Wait(view.patience_ends_at())
    held = frozenset(c.seat for c in view.row) - frozenset(missing)
    if not held or not memory.has_model:
        return Wait(_next_change(view, memory, now))
    if held not in memory.results:
        return Compute(held)
    if view.round in view.counted:
        action = _vote(view, memory, now, held)
        if action is not None:
            return action
    return Wait(_next_change(view, memory, now))


def _vote(view: View, memory: Memory, now: int, held: frozenset[Seat]) -> Action | None:
    """Return what to approve, propose, or learn meanwhile."""
    fresh = [c for c in view.candidates if c.key not in view.approved]
    for candidate in fresh:
        if _is_acceptable(candidate, held, view.third(now)):
            if candidate.included not in memory.results:
                return Compute(candidate.included)
            if memory.results[candidate.included] == candidate.key:
                return _approve(view, memory, now, candidate.key)
    own = memory.results.get(held)
    if own is None:
        return None
    ahead = _learn_ahead(view, memory, own)
    is_mine_to_propose = own not in {c.key for c in view.candidates} and view.turn_at() <= now
    # Training takes longest and goes on by itself, so it begins before anything is sent.
    if not is_mine_to_propose or isinstance(ahead, Train):
        return ahead
    # Before a proposal, since nobody has named the next round yet: from that one on the seat counts
    # no more, whoever is quick.
    return Propose(held) if view.to_retire is None else Retire(view.to_retire)


def _is_acceptable(candidate: Candidate, held: frozenset[Seat], third: int) -> bool:
    """What the peer itself would propose; in the last third anything that it can recompute.

    `held` grows while missing updates are asked for again, so a larger set that others have becomes
    one's own. Were votes moved instead of added, two seats that each serve a different honest peer
    could make every round lapse.
    """
    if third < 2:
        return candidate.included == held
    return candidate.included <= held


def _approve(view: View, memory: Memory, now: int, key: Key) -> Action:
    """Approve, together with the next commitment where that is ready or soon will be."""
    target = (key, RoundId(view.round + 1))
    is_first = not view.approved & {c.key for c in view.candidates}
    if not is_first or not view.takes_next(target):
        return Attest(key)
    if target in memory.trained:
        return AttestAndCommit(key, target[1])
    if target not in memory.training:
        return Train(target)
    # A vote does not wait for slow training longer than the first third.
    vote_by = view.commit_ends_at + view.attest_seconds // 3
    return Wait(vote_by) if now < vote_by else Attest(key)


def _learn_ahead(view: View, memory: Memory, own: Key) -> Action | None:
    """Train on the own result before it is agreed, and commit to it once that is approved."""
    target = (own, RoundId(view.round + 1))
    if not view.takes_next(target):
        return None
    if target not in memory.trained:
        return None if target in memory.training else Train(target)
    return Commit(target) if own in view.approved else None


def _next_change(view: View, memory: Memory, now: int) -> int:
    """Return when waiting may end: a turn, a third, a retry, the deadline."""
    times = [view.commit_ends_at + third * view.attest_seconds // 3 for third in (1, 2)]
    times += [view.turn_at(), view.attest_ends_at, memory.model_retry_at]
    times += [memory.retry_at[c.seat] for c in view.row if c.seat in memory.retry_at]
    return min((time for time in times if time > now), default=view.attest_ends_at)
