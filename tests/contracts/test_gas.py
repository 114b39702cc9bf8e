"""What a round costs: ten seats in the steady state, where all are honest and train ahead."""

from collections.abc import Callable
from statistics import mean

import pytest
from federation_lab import Lab, Mined, OpenLab

from chain.types import Agreed, Closing, Opened

SEATS = 10
WARM_ROUNDS = 3
ROUNDS = 3
BARS = {"commit": 45_000, "attest": 45_000, "attest_and_commit": 65_000}
"""Gas of a transaction, in the steady state."""
BAR_PEER_ROUND = 75_000
"""Gas of all transactions of the rounds, by seats and rounds."""

Costs = dict[str, list[int]]
"""Gas of the transactions by function, those that open or close a round or agree apart."""


def note(costs: Costs, name: str, mined: Mined) -> None:
    """Book a transaction under its function and what it brought about."""
    kinds = {type(event) for event in mined.events}
    effects = {Agreed: "agrees", Opened: "opens", Closing: "closes"}
    done = [effect for kind, effect in effects.items() if kind in kinds]
    costs.setdefault(", ".join([name, *done]), []).append(mined.gas_used)


def play_ahead(lab: Lab, number: int, costs: Costs) -> None:
    """Play a round whose votes carry the commitments to the next one; the proposer, who has voted
    already, commits by itself."""
    lab.close_commits()
    proposal = lab.make_proposal(number)
    note(costs, "propose", lab.propose(0, proposal))
    for seat in range(1, SEATS):
        note(costs, "attest_and_commit", lab.attest_and_commit(seat, proposal.key, number + 1))
    note(costs, "commit", lab.commit(0, number + 1))


def play_apart(lab: Lab, number: int, costs: Costs) -> None:
    """Play a round in which votes and commitments are transactions of their own."""
    for seat in range(SEATS):
        note(costs, "commit", lab.commit(seat, number))
    lab.close_commits()
    proposal = lab.make_proposal(number)
    note(costs, "propose", lab.propose(0, proposal))
    for seat in range(1, SEATS):
        note(costs, "attest", lab.attest(seat, proposal.key))


def play(lab: Lab, one_round: Callable[[Lab, int, Costs], None]) -> tuple[Costs, str]:
    """Return the costs of some rounds in the steady state, and a table of them."""
    for number in range(1, 1 + WARM_ROUNDS):
        one_round(lab, number, {})
    costs: Costs = {}
    for number in range(1 + WARM_ROUNDS, 1 + WARM_ROUNDS + ROUNDS):
        one_round(lab, number, costs)
    lines = [f"{'':<34}{'calls':>6}{'least':>9}{'mean':>9}{'most':>9}"]
    for name, gas in sorted(costs.items()):
        lines.append(f"{name:<34}{len(gas):>6}{min(gas):>9}{mean(gas):>9.0f}{max(gas):>9}")
    lines.append(f"{'of a seat in a round':<40}{compute_each(costs):>18.0f}")
    table = "\n".join(lines)
    print(f"\n{table}")  # noqa: T201
    return costs, table


def compute_each(costs: Costs) -> float:
    return sum(map(sum, costs.values())) / (SEATS * ROUNDS)


def test_gas__ten_seats_training_ahead__within_the_bars(open_lab: OpenLab) -> None:
    lab = open_lab(SEATS, max_seats=SEATS)
    lab.commit_all(1, range(SEATS))
    costs, table = play(lab, play_ahead)
    # The first in a row pays for its storage.
    assert sorted(costs["attest_and_commit"])[-1 - ROUNDS] <= BARS["attest_and_commit"], table
    assert compute_each(costs) <= BAR_PEER_ROUND, table


def test_gas__ten_seats_in_separate_transactions__within_the_bars(open_lab: OpenLab) -> None:
    lab = open_lab(SEATS, max_seats=SEATS)
    costs, table = play(lab, play_apart)
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
