"""What transactions to a federation have cost, read from its chain: the one place that sorts gas.

Used by the benchmark, by the bars in tests/contracts/test_gas.py, and by the snapshot.
"""

from collections import defaultdict

from chain.federation import SELECTORS, Federation, decode_event
from chain.types import Agreed, Closing, Event, Opened, Retired, Unbonding, Voided, Watched

EFFECTS: dict[type[Event], str] = {
    Agreed: "agrees",
    Opened: "opens",
    Closing: "closes",
    Watched: "watches",
    Retired: "retires",
    Unbonding: "unbonds",
    Voided: "voids",
}
"""What sets a transaction apart from others of its function, by the event that tells of it."""

Costs = dict[str, list[int]]
"""Gas of the transactions by function and effects, in the chain's order."""


def read_gas(federation: Federation, first: int = 1) -> Costs:
    """Return what every transaction to the federation from block `first` on has cost."""
    names = {selector: name for name, selector in SELECTORS.items()}
    used: defaultdict[str, list[int]] = defaultdict(list)
    eth = federation.web3.eth
    for number in range(first, eth.block_number + 1):
        for transaction in eth.get_block(number, full_transactions=True)["transactions"]:
            assert not isinstance(transaction, bytes)
            if transaction.get("to") != federation.address:
                continue
            receipt = eth.get_transaction_receipt(transaction["hash"])
            kinds = {
                type(decode_event([bytes(topic) for topic in log["topics"]], bytes(log["data"])))
                for log in receipt["logs"]
            }
            done = [effect for kind, effect in EFFECTS.items() if kind in kinds]
            name = names[bytes(transaction["input"][:4])]
            used[", ".join([name, *done])].append(receipt["gasUsed"])
    return dict(used)
