"""Many federations out of seeds: nothing breaks in any, and together they meet all that there is.

A seed that fails ends with the command that plays it again.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from .counters import Counters
from .faults import Fault
from .overrun import OVERRUN_SCENES, Overrun
from .plan import draw_plan
from .replay import replay_on_contract
from .world import World

SEEDS_IN_PART = {"quick": 250, "slow": 500}
"""So many meet every fault, every boundary and every scene, most of them many times."""
PARTS = [
    *range(0, 500, SEEDS_IN_PART["quick"]),
    *(pytest.param(n, marks=pytest.mark.slow) for n in range(500, 20_000, SEEDS_IN_PART["slow"])),
]
"""The first seed of each: 500 seeds in every run of the tests, 20,000 in the long one."""
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of peers in trouble have much to say."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def play(seed: int, **options: object) -> tuple[World, Counters]:
    """Play a seed; whatever goes wrong ends with how to repeat it."""
    try:
        world = World(seed, **options)  # type: ignore[arg-type]
        return world, world.play()
    except BaseException as error:
        error.add_note(f"To repeat it: python -m tests.simulator {seed} --trace")
        raise


@pytest.mark.parametrize("first", PARTS)
def test_play__many_seeds__nothing_breaks_and_everything_is_met(first: int) -> None:
    counters = Counters()
    count = SEEDS_IN_PART["quick" if first < 500 else "slow"]
    for seed in range(first, first + count):
        counters.update(play(seed)[1])
    # What is rarest need not be in each part of the long run; the first seeds are known to have it.
    assert first >= 500 or counters.missing() == []


OVERRUN = [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(20, 4000, 40))]


@pytest.mark.parametrize("first", OVERRUN)
def test_play__more_than_two_thirds_lie_or_hide__void_and_the_honest_lose_nothing(
    first: int,
) -> None:
    counters = Counters()
    for seed in range(first, first + (40 if first else 20)):
        try:
            counters.update(Overrun(seed).play())
        except BaseException as error:
            error.add_note(f"To repeat it: python -m tests.simulator {seed} --overrun --trace")
            raise
    assert counters.lacking(OVERRUN_SCENES) == []


def test_play__journals_in_files__ends_as_with_journals_in_memory(tmp_path: Path) -> None:
    for seed in (3, 15, 21):
        kept, _ = play(seed, folder=tmp_path)
        assert kept.chain.head.hash == play(seed)[0].chain.head.hash


def digest(seed: int) -> str:
    world, _ = play(seed, is_traced=True)
    return sha256("\n".join(world.lines).encode()).hexdigest()


DIGEST = "from tests.simulator.test_simulator import digest; print(*map(digest, {seeds}))"


def test_play__in_another_process_with_another_order_of_sets__does_the_same() -> None:
    """A seed that fails in one process must fail in the next."""
    seeds = [1, 22]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "-c", DIGEST.format(seeds=seeds)],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.split() == [digest(seed) for seed in seeds]


def test_draw_plan__any_seed__leaves_two_thirds_of_the_stake_to_honest_peers() -> None:
    for seed in range(2000):
        plan = draw_plan(seed)
        bad = {*plan.rogues, *plan.ruined}
        good = sum(stake for index, stake in enumerate(plan.stakes) if index not in bad)
        assert 3 * good >= 2 * sum(plan.stakes)
        assert len(bad) <= 1


def test_draw_plan__as_many_seeds_as_faults__every_fault_leads_once() -> None:
    count = len(Fault)
    met = {fault for seed in range(2 * count) for fault in draw_plan(seed).faults}
    assert met == set(Fault)


@pytest.mark.parametrize(
    "first", [2, *(pytest.param(first, marks=pytest.mark.slow) for first in range(100, 140, 4))]
)
def test_replay_on_contract__what_a_seed_mined__the_contract_tells_the_same(first: int) -> None:
    for seed in range(first, first + 4):
        replay_on_contract(play(seed)[0])
