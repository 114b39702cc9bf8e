"""What a walk through the contract has met: counted, and asked for by name at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from federation_model import FederationModel
from federation_records import RETIRED

from chain.errors import REASONS, ParametersRefused
from chain.types import (
    Activated,
    Agreed,
    Attested,
    Claimed,
    Closed,
    Event,
    Joined,
    Opened,
    Proposed,
    Refuted,
    Retired,
    Revealed,
    Unbonding,
    Voided,
    Watched,
    Withdrawn,
)

AFTER_CREATION = [reason for reason, kind in REASONS.items() if kind is not ParametersRefused]
"""Why a federation that there is refuses a call."""
DEADLINES = {
    "commitments": ("commit", "propose"),
    "votes": ("commit", "propose", "attest", "attest_and_commit", "withdraw", "activate"),
    "unbonding": ("withdraw",),
    "a watch": ("retire",),
}
"""What ends, and the calls that can tell."""

WANTED = (
    "an agreement",
    "an agreement that opens the next round",
    "a late approval of the head",
    "a lapse for want of commitments",
    "a lapse for want of votes",
    "competing proposals in one round",
    "an early commitment whose key lost",
    "an early commitment whose round lapsed",
    "a leaver who withdrew",
    "an index that was used again",
    "a seat that was watched",
    "a watch that an approval ended",
    "a seat retired for silence",
    "a seat retired as a withholder",
    "a retired seat that approves",
    "a retired seat that returned",
    "a retired seat that withdrew",
    "a join with a proof",
    "a lie that was refuted",
    "a void result that was refuted",
    "a result void for want of an answer",
    "a deposit that went back",
    "leaves that were shown",
    "a named round that never opened",
    "a slashed seat that returned",
    "a slashed seat that was cleared away",
    "a reward that was paid",
    "a pool that did not cover a result",
    "a share of who did not vote back in the pool",
    "shares of a void result back in the pool",
    "a re-org",
    "a re-org across an agreement",
    "another agreement in place of a lost one",
    *(f"{side} of {name}" for name in DEADLINES for side in ("the end", "a second before the end")),
)


@dataclass(frozen=True)
class Scene:
    """What is to be remembered of the state before a move."""

    deadlines: dict[str, frozenset[int]]
    watched: frozenset[int]
    retired: frozenset[int]
    slashed: frozenset[int]
    height: int
    number: int
    named: int
    earned: int

    @staticmethod
    def of(model: FederationModel) -> Scene:
        watches = {t.seat: model.watch_of(t) for t in model.tenancies}
        silence = model.parameters.retire_seconds
        return Scene(
            {
                "commitments": frozenset({model.commit_end()}),
                "votes": frozenset({model.votes_end()}),
                "unbonding": frozenset(t.free_at for t in model.tenancies),
                "a watch": frozenset(w.at + silence for w in watches.values() if w),
            },
            frozenset(seat for seat, watch in watches.items() if watch),
            frozenset(t.seat for t in model.tenancies if t.end == RETIRED),
            frozenset(t.seat for t in model.tenancies if t.stake < model.parameters.min_stake_wei),
            len(model.chain),
            model.number,
            model.named,
            model.earned,
        )


class Counters(Counter[str]):
    """How often each thing happened, refusals by their reason included."""

    def missing(self, reasons: Iterable[str]) -> list[str]:
        """Return what should have happened and did not."""
        return [name for name in (*WANTED, *reasons) if self[name] == 0]

    def count_time(self, function: str, now: int, scene: Scene) -> None:
        for name, functions in DEADLINES.items():
            if function in functions:
                self[f"the end of {name}"] += now in scene.deadlines[name]
                self[f"a second before the end of {name}"] += now + 1 in scene.deadlines[name]

    def count_done(
        self,
        function: str,
        events: tuple[Event, ...],
        scene: Scene,
        model: FederationModel,
        withdrawn: set[int],
    ) -> None:
        """Count what a move that succeeded brought; `model` is the state after it."""
        for event in events:
            self.update(_name(function, event, scene, model, withdrawn))
        if any(isinstance(e, Agreed) for e in events) and any(
            isinstance(e, Opened) for e in events
        ):
            self["an agreement that opens the next round"] += 1
        attested = [e.key for e in events if isinstance(e, Attested)]
        if model.head in attested and not any(isinstance(e, Agreed) for e in events):
            self["a late approval of the head"] += 1


def _name(
    function: str, event: Event, scene: Scene, model: FederationModel, withdrawn: set[int]
) -> Iterator[str]:
    match event:
        case Agreed(number, key):
            yield "an agreement"
            if any(n == number + 1 and parent != key for parent, n in model.rows):
                yield "an early commitment whose key lost"
            yield from _name_rewards(event, scene, model)
        case Opened(number) if number > 1 and model.rounds[number - 2].agreed is None:
            has_run = model.has_run(model.rounds[number - 2])
            yield f"a lapse for want of {'votes' if has_run else 'commitments'}"
            if any(n == number and parent != model.head for parent, n in model.rows):
                yield "an early commitment whose round lapsed"
        case Proposed(number):
            if sum(r.round == number for r in model.results.values()) > 1:
                yield "competing proposals in one round"
        case Attested(_, seat):
            if seat in scene.watched:
                yield "a watch that an approval ended"
            if seat in scene.retired:
                yield "a retired seat that approves"
        case Joined(seat):
            if seat in withdrawn:
                yield "an index that was used again"
            if model.admitted:
                yield "a join with a proof"
        case Withdrawn(_, _, amount):
            yield "a leaver who withdrew"
            if amount == 0:
                yield "a slashed seat that was cleared away"
        case Unbonding(seat):
            if seat in scene.retired:
                yield "a retired seat that withdrew"
        case Watched():
            yield "a seat that was watched"
        case Retired():
            is_silent = function == "retire"
            yield f"a seat retired {'for silence' if is_silent else 'as a withholder'}"
        case Activated(seat):
            yield "a retired seat that returned"
            if seat in scene.slashed:
                yield "a slashed seat that returned"
        case Refuted():
            yield "a lie that was refuted"
            if not scene.height > len(model.chain):
                yield "a void result that was refuted"
        case Voided():
            if function == "close":
                yield "a result void for want of an answer"
            if scene.named > scene.number:
                yield "a named round that never opened"
            if scene.earned > model.earned:
                yield "shares of a void result back in the pool"
        case Claimed():
            yield "a reward that was paid"
        case Closed():
            yield "a deposit that went back"
        case Revealed():
            yield "leaves that were shown"


def _name_rewards(event: Agreed, scene: Scene, model: FederationModel) -> Iterator[str]:
    earned = event.share_wei * len(model.results[event.key].credited)
    if earned and model.chain[-1].is_short:
        yield "a pool that did not cover a result"
    if model.earned - earned < scene.earned:
        yield "a share of who did not vote back in the pool"
