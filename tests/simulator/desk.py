"""Where calls become transactions, and transactions come to the chain or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chain.federation import encode_call
from chain.keys import compute_result_key
from chain.types import Key, RoundId, Seat, bitmap_of

from .byzantine import WHOLE
from .chain import TIP_WEI
from .faults import Fault
from .transactions import SimulatedSigner, Transaction, read_transaction

if TYPE_CHECKING:
    from .participant import Participant
    from .world import World


class Desk:
    """Sends for peers, for people and for thieves. `stolen`: whose key voted for what."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._on_the_way: set[bytes] = set()
        self.stolen: list[tuple[Participant, int, bytes]] = []

    def is_waiting(self, name: bytes) -> bool:
        """Whether a transaction is on its way or in the pool."""
        waiting = self._world.chain.pool.values()
        return name in self._on_the_way or any(each.hash == name for each in waiting)

    def submit(self, sender: Participant, transaction: Transaction) -> str | None:
        """Bring a transaction to the chain, as far as nothing comes between."""
        self._world.trace(sender, f"sends {transaction.call[0]} nonce {transaction.nonce}")
        if not sender.conduct.lets_out(sender, transaction.data):
            return None
        if self._world.strikes(Fault.TX_DROP, sender, 0.4):
            return None
        delay = sender.clock.busy
        if self._world.strikes(Fault.TX_DELAY, sender, 0.5):
            delay += self._world.rng.randrange(5, 25)
        if self._world.strikes(Fault.TX_DUPLICATE, sender, 0.6):
            self._deliver_later(transaction, delay + self._world.rng.randrange(1, 15))
        if delay:
            self._deliver_later(transaction, delay)
            return None
        return self._world.chain.receive(transaction)

    def order(
        self, sender: Participant | SimulatedSigner, function: str, *arguments: Any, value: int = 0
    ) -> bool:
        """Let a person make a call, if the contract would let it pass."""
        address, chain = sender.address, self._world.chain
        data = encode_call(function, arguments)
        now = max(chain.head.timestamp + 1, self._world.schedule.now)
        if chain.try_call(chain.head, now, address, data, value) is not None:
            return False
        nonce = chain.count_pending(address, chain.head.nonces.get(address, 0))
        fees = {"maxFeePerGas": 50 * chain.base_fee, "maxPriorityFeePerGas": TIP_WEI}
        signed = SimulatedSigner(address).sign_transaction(
            {"data": data, "value": value, "gas": 3_000_000, "nonce": nonce, **fees}
        )
        return chain.receive(read_transaction(signed.raw_transaction)) is None

    def propose(
        self, sender: Participant, seat: int, included: int, root: bytes, coefficients: bytes
    ) -> bool:
        """Let somebody propose whatever it likes for the open round."""
        model = self._world.model()
        head, number = model.head, model.number
        running = model.running(head, number)
        arguments = (number, seat, head, running, included, root, coefficients)
        return self.order(sender, "propose", *arguments)

    def vote_for(self, victim: Participant) -> bool:
        """Let a thief propose nonsense with somebody's key."""
        model = self._world.model()
        tenancy = next((t for t in model.tenancies if t.owner == victim.address), None)
        if tenancy is None:
            return False
        head, number = model.head, model.number
        seats = tuple(sorted(Seat(seat) for seat in model.committed(head, number)))
        running, root = model.running(head, number), self._world.rng.randbytes(32)
        included, coefficients = bitmap_of(seats), WHOLE * len(seats)
        if not self.propose(victim, tenancy.seat, included, root, coefficients):
            return False
        key = compute_result_key(RoundId(number), Key(head), running, included, root, coefficients)
        victim.is_suspect = True
        self.stolen.append((victim, tenancy.seat, key))
        return True

    def _deliver_later(self, transaction: Transaction, seconds: int) -> None:
        name = transaction.hash
        self._on_the_way.add(name)

        def deliver() -> None:
            self._on_the_way.discard(name)
            self._world.chain.receive(transaction)

        self._world.schedule.after(seconds, deliver)
