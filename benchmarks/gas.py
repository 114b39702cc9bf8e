"""Gas of the round transactions at ten seats in the steady state, beside other systems.

Quoted figures of other systems are as handed down with the project's design, undated; they are
constants, not reproduced here.
"""

from collections import defaultdict
from statistics import median

from benchmarks.table import print_table
from chain.federation import SELECTORS, Federation
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


def read_gas(federation: Federation) -> dict[str, list[int]]:
    """Return what every transaction to the federation has cost, by function."""
    names = {selector: name for name, selector in SELECTORS.items()}
    used: defaultdict[str, list[int]] = defaultdict(list)
    eth = federation.web3.eth
    for number in range(1, eth.block_number + 1):
        for transaction in eth.get_block(number, full_transactions=True)["transactions"]:
            assert not isinstance(transaction, bytes)
            if transaction.get("to") == federation.address:
                receipt = eth.get_transaction_receipt(transaction["hash"])
                used[names[bytes(transaction["input"][:4])]].append(receipt["gasUsed"])
    return dict(used)
