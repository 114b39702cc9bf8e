"""What a seed plays: who takes part, by which rule, and what goes wrong when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from random import Random

from chain.types import Parameters, Wei
from node.merkle import MODEL_TAG, compute_root

from .faults import BOUNDARIES, BYZANTINE, RUINOUS, Fault, Incident
from .task import COORDINATES, GENESIS, MODEL_BITS

ETHER = 10**18
STAKE, EQUAL, SAMPLES = range(3)
UNSELECTED, VOUCHED, KRUM = range(3)
RULES = (
    # weighting, selection, trim, faults, clip
    (STAKE, VOUCHED, 0, 2000, 3000),
    (STAKE, UNSELECTED, 2000, 2000, 3000),
    (EQUAL, UNSELECTED, 5000, 2000, 0),
    (EQUAL, VOUCHED, 0, 2000, 3000),
    (SAMPLES, UNSELECTED, 0, 0, 0),
    (EQUAL, KRUM, 0, 1000, 3000),
)
ATTEST_SECONDS = 48
COMMIT_SECONDS = 40
ANSWER_SECONDS = 75
"""Longer than any fault but a darkness lasts."""
BOND_WEI = Wei(10**16)
FAULTS = tuple(Fault)


class Story(Enum):
    """What people do with seats meanwhile."""

    LATE_JOIN = "somebody joins in the middle"
    SILENCE = "somebody is away, is retired, and returns"
    LEAVE = "somebody leaves and takes its stake"
    TOP_UP = "somebody adds to its stake"
    WITHHELD = "who never serves is retired for it"
    QUESTIONED = "somebody asks for what honest peers have, and calls right what is wrong"


@dataclass(frozen=True)
class Plan:
    """All that a seed decides in advance. `rogues`: account → Byzantine fault; `ruined` are honest
    accounts that may have to stop for good; `hero` is the account that a story is about."""

    seed: int
    parameters: Parameters
    stakes: tuple[int, ...]
    joined: int
    rogues: dict[int, Fault]
    ruined: frozenset[int]
    incidents: tuple[Incident, ...]
    stories: frozenset[Story]
    hero: int
    seconds: int
    block_seconds: int

    @property
    def faults(self) -> frozenset[Fault]:
        """All that is to go wrong."""
        return frozenset(self.rogues.values()) | {incident.fault for incident in self.incidents}


def draw_plan(seed: int) -> Plan:
    """Return the plan of a seed. Every kind of fault and every boundary comes round in a few dozen
    seeds; what else goes wrong is drawn, from nothing to much."""
    rng = Random(f"plan {seed}")
    rule = rng.choice(RULES)
    stories = _draw_stories(seed, rng, rule[0])
    leading = FAULTS[seed % len(FAULTS)]
    wanted = [leading, *(rng.choice(FAULTS) for _ in range(rng.choice((0, 0, 1, 2, 4, 7))))]
    if leading is Fault.REORG:
        wanted += [Fault.REORG, Fault.REORG]
    if seed % 19 == 18:
        wanted = []
    if leading is Fault.BLACKOUT:
        # Whoever approved must answer, and may not be away for longer than a window.
        stories.discard(Story.QUESTIONED)
    if Story.WITHHELD in stories:
        wanted.insert(0, Fault.WITHHOLD)
    is_crowded = bool(stories & {Story.SILENCE, Story.LEAVE, Story.WITHHELD})
    count = 6 if is_crowded else rng.choice((4, 4, 5))
    # With one seat away and one faulty the others are just enough, if all are equal.
    stakes = (ETHER,) * count if is_crowded else _draw_stakes(rng, count, rule[0])
    bad = rng.randrange(count)
    hero = rng.choice([index for index in range(count) if index != bad])
    faulty = [fault for fault in wanted if fault in BYZANTINE + RUINOUS]
    # In a long darkness rounds are opened by one peer, and nobody comes to join it.
    is_dark = leading is Fault.BLACKOUT and bool(wanted)
    seconds = 150 if is_dark else rng.randrange(30, 60)
    return Plan(
        seed=seed,
        parameters=_parameters(rule, min_updates=rng.choice((2, 3))),
        stakes=stakes,
        joined=1 if leading is Fault.REORG else rng.choice((count, count, 1)),
        rogues={bad: faulty[0]} if faulty and faulty[0] in BYZANTINE else {},
        ruined=frozenset({bad} if faulty and faulty[0] in RUINOUS else ()),
        incidents=(
            *_draw_incidents(seed, rng, wanted, faulty, count, bad, seconds),
            *([Incident(Fault.BLACKOUT, rng.randrange(8, 16), 146, hero)] if is_dark else ()),
            # One that takes joinings back.
            *([Incident(Fault.REORG, 6, 7, 0, size=3)] if leading is Fault.REORG else ()),
        ),
        stories=frozenset(stories),
        hero=hero,
        seconds=seconds,
        block_seconds=rng.choice((3, 4, 6)),
    )


def _draw_stories(seed: int, rng: Random, weighting: int) -> set[Story]:
    stories = set()
    if seed % 6 == 0:
        stories.add(Story.LATE_JOIN)
    if seed % 17 == 5:
        stories.add(Story.SILENCE)
    if seed % 17 == 9:
        stories.add(Story.LEAVE)
    if seed % 17 == 13:
        stories.add(Story.WITHHELD)
    if seed % 5 == 3:
        stories.add(Story.QUESTIONED)
    if rng.random() < 0.2 and weighting != EQUAL:
        stories.add(Story.TOP_UP)
    return stories


def _draw_stakes(rng: Random, count: int, weighting: int) -> tuple[int, ...]:
    if weighting == EQUAL or rng.random() < 0.5:
        return (ETHER,) * count
    # None so large that the others could not do without it.
    return tuple(rng.choice((100, 110, 120)) * ETHER // 100 for _ in range(count))


def _draw_incidents(
    seed: int,
    rng: Random,
    wanted: list[Fault],
    faulty: list[Fault],
    count: int,
    bad: int,
    seconds: int,
) -> tuple[Incident, ...]:
    incidents = []
    for fault in wanted:
        if fault in BYZANTINE or (fault in RUINOUS and fault is not faulty[0]):
            continue
        at = rng.randrange(1, seconds - 10)
        if fault is Fault.OLD_FOLDER:
            # Early enough to be put back before all is healed, and late enough to be old.
            at = rng.randrange(1, seconds - 28)
        victim = bad if fault in RUINOUS else rng.randrange(count)
        if fault.name.startswith(("BLOB", "TX")) and rng.random() < 0.5:
            victim = None
        boundary = BOUNDARIES[seed % len(BOUNDARIES)]
        incidents.append(
            Incident(
                fault,
                at,
                at + rng.randrange(8, 24 if fault is Fault.OLD_FOLDER else 40),
                victim,
                boundary if fault is Fault.CRASH else None,
                rng.choice((1, 1, 2, 3)),
                rng.randrange(1, 5),
            )
        )
    if wanted:
        incidents += _draw_crashes(seed, rng, count, seconds)
    return tuple(incidents)


def _draw_crashes(seed: int, rng: Random, count: int, seconds: int) -> list[Incident]:
    """One boundary after the other, beside whatever else goes wrong."""
    number = rng.choice((1, 1, 2, 4))
    boundaries = [BOUNDARIES[seed % len(BOUNDARIES)], *rng.choices(BOUNDARIES, k=number - 1)]
    return [
        Incident(
            Fault.CRASH,
            rng.randrange(1, seconds),
            seconds,
            rng.randrange(count),
            boundary,
            rng.choice((1, 1, 2, 3)),
        )
        for boundary in boundaries
    ]


def _parameters(rule: tuple[int, int, int, int, int], min_updates: int) -> Parameters:
    weighting, selection, trim_bps, faults_bps, clip = rule
    return Parameters(
        coordinates=COORDINATES,
        genesis=compute_root(GENESIS, MODEL_TAG),
        update_bytes=2,
        update_bits=14,
        model_bits=MODEL_BITS,
        weighting=weighting,
        selection=selection,
        trim_bps=trim_bps,
        faults_bps=faults_bps,
        clip=clip,
        min_updates=max(min_updates, 3 if selection == KRUM else 2),
        min_stake_wei=Wei(ETHER),
        max_seats=8,
        commit_seconds=COMMIT_SECONDS,
        grace_seconds=6,
        attest_seconds=ATTEST_SECONDS,
        challenge_seconds=45,
        answer_seconds=ANSWER_SECONDS,
        retire_seconds=40,
        max_missed=2,
        admission=bytes(32),
        challenge_blocks=0,
        max_unsettled=1024,
        bond_wei=BOND_WEI,
        challenger_cap_wei=Wei(10**17),
        reward_wei_per_second=Wei(0),
    )
