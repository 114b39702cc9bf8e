"""Rewards by hand: paying into a federation's pool, and being paid from it."""

from collections.abc import Iterator
from dataclasses import dataclass

from chain.rewards import find_claim
from chain.sender import Receipt, Sender, Signer
from chain.types import Clock, Seat, Wei
from node.contract import Contract
from node.earnings import find_settled

MAX_KEYS = 128
"""Results in one claim."""
MAX_SETTLED = 64
"""Results that one call can note as settled."""
_SETTLED = 4
"""Place in what `head` answers."""


@dataclass(frozen=True)
class Paid:
    """A claim that was mined: what it paid, for how many results."""

    receipt: Receipt
    amount_wei: Wei
    results: int


def fund(contract: Contract, account: Signer, amount_wei: Wei) -> Receipt:
    """Add ether to the pool. Raises RewardRefused where no rewards are paid."""
    call = contract.federation.call("fund", value_wei=amount_wei)
    return Sender(contract.federation.web3, account).send(call)


def claim(contract: Contract, account: Signer, seat: Seat, clock: Clock) -> Iterator[Paid]:
    """Claim all that a seat can claim, with as many transactions as that needs; none where there is
    nothing. Raises NotOwner."""
    federation, observer = contract.federation, contract.observer
    sender = Sender(federation.web3, account)
    while True:
        observer.poll()
        assert observer.block is not None, "its creation is mined"
        now = max(clock(), observer.block.timestamp)
        settled = find_settled(observer.ledger, observer.block, now)
        found = find_claim(observer.ledger, seat, settled, MAX_KEYS)
        if not found.amount_wei:
            return
        note_settled(contract, sender, settled)
        receipt = sender.send(federation.call("claim", int(seat), found.keys))
        yield Paid(receipt, found.amount_wei, len(found.keys))


def note_settled(contract: Contract, sender: Sender, height: int) -> None:
    """Have the contract note that all up to `height` is settled, but for what a claim or a
    withdrawal notes by the way. Nothing is sent where that is enough."""
    federation = contract.federation
    noted = federation.read("head")[_SETTLED]
    while height > noted + MAX_SETTLED:
        sender.send(federation.call("settle"))
        before, noted = noted, federation.read("head")[_SETTLED]
        if noted == before:
            # The chain's clock is behind ours: it would be asked for ever.
            return
