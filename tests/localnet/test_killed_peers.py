"""Peers killed at random moments of their lives: nothing is lost, and nothing is done twice."""

import pytest
from fleet_lab import check_laws, end_peers, harass, stand_quick

RUNS, KILLS = 20, 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 2 + RUNS))
def test_peers__killed_ten_times_a_run__end_on_one_head_with_all_stakes(tmp_path, seed):
    with stand_quick(tmp_path / "up") as standing:
        harass(standing, seed, KILLS)
        end_peers(standing)
        check_laws(standing)
