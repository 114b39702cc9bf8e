"""Rounds of ten seats in the steady state, whose cost is measured."""

from collections.abc import Callable

from federation_lab import Lab

from benchmarks.gas_used import Costs, read_gas

SEATS = 10
WARM_ROUNDS = 3
ROUNDS = 3


def play_ahead(lab: Lab, number: int) -> None:
    """Play a round whose votes carry the commitments to the next one; the proposer, who has voted
    already, commits by itself."""
    lab.close_commits()
    proposal = lab.make_proposal(number)
    lab.propose(0, proposal)
    for seat in range(1, SEATS):
        lab.attest_and_commit(seat, proposal.key, number + 1)
    lab.commit(0, number + 1)


def play_apart(lab: Lab, number: int) -> None:
    """Play a round in which votes and commitments are transactions of their own."""
    lab.commit_all(number, range(SEATS))
    lab.close_commits()
    proposal = lab.make_proposal(number)
    lab.propose(0, proposal)
    for seat in range(1, SEATS):
        lab.attest(seat, proposal.key)


def measure(lab: Lab, one_round: Callable[[Lab, int], None], first: int = 1) -> Costs:
    """Return the costs of some rounds from `first` on, once they are in the steady state."""
    steady = first + WARM_ROUNDS
    for number in range(first, steady):
        one_round(lab, number)
    before = lab.web3.eth.block_number
    for number in range(steady, steady + ROUNDS):
        one_round(lab, number)
    return read_gas(lab.federation, before + 1)
