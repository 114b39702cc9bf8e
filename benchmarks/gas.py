"""Gas of the round transactions at ten seats in the steady state, beside other systems.

Quoted figures are from the respective papers and repositories as of 2026; constants, not reproduced.
"""

from collections import defaultdict
from statistics import median

from benchmarks.table import print_table
from chain.sender import Receipt, Sender
from localnet.network import Localnet
from localnet.scenario import Scenario

QUOTED = [
    ["BlockLearning, 10 peers (quoted)", "450,000", "majority vote on result ids"],
    ["2CP (quoted)", "194,000", "no agreement"],
    ["Gensyn rl-swarm (quoted)", "222,000 to 913,000", ""],
]


def main() -> None:
    """Print the table."""
    used: defaultdict[str, list[int]] = defaultdict(list)
    scenario = Scenario(peers=10, rounds=20, learner="softmax", dataset="breast_cancer")
    with Localnet(scenario) as net:
        _listen(used)
        for _ in net.run():
            pass
        per_round = net.summary().gas_per_peer_round
    rows = [
        [name, f"{median(values):,.0f}", f"{len(values)} transactions"]
        for name, values in sorted(used.items())
    ]
    rows.append(["all, per peer and round", f"{per_round:,}", "bar 75,000"])
    print_table("Gas, 10 seats, 20 rounds", ["transaction", "gas", ""], rows + QUOTED)


def _listen(used: defaultdict[str, list[int]]) -> None:
    """Note what every transaction of this process costs from now on."""
    find = Sender.find

    def noting(self: Sender, *arguments: object) -> Receipt | None:
        receipt = find(self, *arguments)  # type: ignore[arg-type]
        if receipt is not None:
            used[receipt.function].append(receipt.gas_used)
        return receipt

    Sender.find = noting  # type: ignore[method-assign]
