"""What a round costs: ten seats in the steady state, where all are honest and train ahead."""

from statistics import mean

import gas_snapshot
import pytest
from federation_lab import OpenLab
from gas_rounds import ROUNDS, SEATS, measure, play_ahead, play_apart

from benchmarks.gas_used import Costs
from chain.federation import FUNCTIONS

BARS = {"commit": 45_000, "attest": 45_000, "attest_and_commit": 65_000}
"""Gas of a transaction, in the steady state."""
BAR_PEER_ROUND = 75_000
"""Gas of all transactions of the rounds, by seats and rounds."""


def tabulate(costs: Costs) -> str:
    """Return a table of the costs, and print it."""
    lines = [f"{'':<34}{'calls':>6}{'least':>9}{'mean':>9}{'most':>9}"]
    for name, gas in sorted(costs.items()):
        lines.append(f"{name:<34}{len(gas):>6}{min(gas):>9}{mean(gas):>9.0f}{max(gas):>9}")
    lines.append(f"{'of a seat in a round':<40}{compute_each(costs):>18.0f}")
    table = "\n".join(lines)
    print(f"\n{table}")  # noqa: T201
    return table


def compute_each(costs: Costs) -> float:
    return sum(map(sum, costs.values())) / (SEATS * ROUNDS)


def test_gas__ten_seats_training_ahead__within_the_bars(open_lab: OpenLab) -> None:
    lab = open_lab(SEATS, max_seats=SEATS)
    lab.commit_all(1, range(SEATS))
    costs = measure(lab, play_ahead)
    table = tabulate(costs)
    # The first in a row pays for its storage.
    assert sorted(costs["attest_and_commit"])[-1 - ROUNDS] <= BARS["attest_and_commit"], table
    assert compute_each(costs) <= BAR_PEER_ROUND, table


def test_gas__ten_seats_in_separate_transactions__within_the_bars(open_lab: OpenLab) -> None:
    lab = open_lab(SEATS, max_seats=SEATS)
    costs = measure(lab, play_apart)
    table = tabulate(costs)
    assert max(costs["commit"]) <= BARS["commit"], table
    assert max(costs["attest"]) <= BARS["attest"], table


@pytest.mark.parametrize("weighting", [0, 1])
def test_gas__steady_state__reads_no_terms_of_seats(open_lab: OpenLab, weighting: int) -> None:
    """The flag that saves a cold read of 2,100 gas is set by the first commitment after a round
    that counts the change was agreed."""
    lab = open_lab(4, weighting=weighting)
    gas = []
    for number in range(1, 6):
        lab.commit(0, number)
        gas.append(lab.commit(1, number).gas_used)
        lab.commit_all(number, (2, 3))
        lab.close_commits()
        proposal = lab.make_proposal(number)
        for seat in range(3):
            if seat:
                lab.attest(seat, proposal.key)
            else:
                lab.propose(seat, proposal)
    # One byte of calldata, of the round's number, may be zero or not.
    assert abs(gas[3] - gas[4]) < 50
    assert gas[0] - gas[4] > 2_000, gas


def test_snapshot__every_function_that_changes_state__is_in_it() -> None:
    changing = {n for n, e in FUNCTIONS.items() if e["stateMutability"] not in ("view", "pure")}
    kept = {label.split(",")[0] for label in gas_snapshot.read()}
    assert kept == changing | {gas_snapshot.CREATION}


@pytest.mark.parametrize(
    ("now", "moves"),
    [
        (1000, []),
        (1020, []),
        (980, []),
        (1021, ["attest: 1,000 -> 1,021 gas (+2.1 %)"]),
        (979, ["attest: 1,000 -> 979 gas (-2.1 %)"]),
    ],
)
def test_find_moves__either_side_of_two_percent__told_from_what_to_what(
    now: int, moves: list[str]
) -> None:
    assert gas_snapshot.find_moves({"attest": 1000}, {"attest": now}) == moves


def test_find_moves__a_function_more_or_less__told() -> None:
    assert gas_snapshot.find_moves({"a": 1, "b": 2}, {"b": 2, "c": 3}) == [
        "a: 1 gas -> not measured",
        "c: not in the snapshot -> 3 gas",
    ]
