"""Gas of the round transactions at ten seats in the steady state, beside other systems.

Quoted figures of other systems are as handed down with the project's design, undated; they are
constants, not reproduced here.
"""

from statistics import median

from benchmarks.gas_used import read_gas
from benchmarks.table import print_table
from localnet.network import Localnet
from localnet.scenario import Scenario

QUOTED = [
    ["BlockLearning, 10 peers (quoted)", "450,000", "majority vote on result ids"],
    ["2CP (quoted)", "194,000", "no agreement"],
    ["Gensyn rl-swarm (quoted)", "222,000 to 913,000", ""],
]


def main() -> None:
    """Print the table."""
    scenario = Scenario(peers=10, rounds=20, learner="softmax", dataset="breast_cancer")
    with Localnet(scenario) as net:
        for _ in net.run():
            pass
        per_round = net.summary().gas_per_peer_round
        used = read_gas(net.setting.contract.federation)
    rows = [
        [name, f"{median(values):,.0f}", f"{len(values)} transactions"]
        for name, values in sorted(used.items())
    ]
    rows.append(["all, per peer and round", f"{per_round:,}", "bar 75,000"])
    print_table("Gas, 10 seats, 20 rounds", ["transaction", "gas", ""], rows + QUOTED)
