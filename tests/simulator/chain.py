"""A chain as a tree of blocks: a pool, a miner, and re-orgs that take blocks back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from eth_hash.auto import keccak
from federation_records import Refused

from chain.types import Created, Logged, Parameters, Position, Proposed

from .contract import ModelContract, State, name_reason
from .transactions import Transaction, read_call

BASE_FEE_WEI = 10**9
TIP_WEI = 10**8


@dataclass(eq=False)
class SimulatedBlock:
    """A block, what stands in it, and the state after it. `outcomes`: transaction → why it was
    refused, None where it was not."""

    number: int
    hash: bytes
    parent: SimulatedBlock | None
    timestamp: int
    base_fee: int
    state: State
    nonces: dict[str, int]
    transactions: tuple[Transaction, ...] = ()
    outcomes: dict[bytes, str | None] = field(default_factory=dict)
    events: tuple[Logged, ...] = ()

    def branch(self) -> Iterator[SimulatedBlock]:
        """This block, its parent, and so on."""
        block: SimulatedBlock | None = self
        while block is not None:
            yield block
            block = block.parent

    def ancestor(self, number: int) -> SimulatedBlock | None:
        """Return the block of a number on this branch."""
        return next((block for block in self.branch() if block.number == number), None)


Ballot = tuple[Proposed, tuple[tuple[int, bytes, int, int], ...], int, int]
"""A proposal, the row it was made of (seat, root, weight, stake), power and seats of its round."""


class SimulatedChain:
    """Mines what it is given; `listeners` hear of every new head."""

    def __init__(
        self, contract: ModelContract, parameters: Parameters, spec: bytes, now: int, rng: Random
    ) -> None:
        self.contract = contract
        self._generator = rng
        self.base_fee = BASE_FEE_WEI
        self.pool: dict[tuple[str, int], Transaction] = {}
        self.mined_in: dict[bytes, list[SimulatedBlock]] = {}
        self.ballots: dict[bytes, Ballot] = {}
        """All that was ever proposed, on whatever branch."""
        self.listeners: list[Callable[[SimulatedBlock], None]] = []
        state = contract.save()
        first = SimulatedBlock(0, keccak(b"genesis"), None, now - 100, BASE_FEE_WEI, state, {})
        created = Logged(Created(spec, parameters), Position(1, 0, bytes(32)), now - 99)
        self.head = SimulatedBlock(
            1, keccak(b"creation"), first, now - 99, BASE_FEE_WEI, state, {}, events=(created,)
        )
        self._loaded: State | None = None

    # Asking -------------------------------------------------------------------------------

    def try_call(
        self, block: SimulatedBlock, now: int, sender: str, data: bytes, value: int
    ) -> str | None:
        """Return why a call would be refused after `block`; None: it would not."""
        self._load(block.state)
        self._loaded = None
        try:
            function, arguments = read_call(data)
            self.contract.apply(now, sender, function, arguments, value)
        except Refused as refused:
            return name_reason(function, refused.reasons)
        return None

    def load_head(self) -> None:
        """Let the model be what it is at the head, for whoever wants to read it."""
        self._load(self.head.state)

    def count_pending(self, sender: str, nonce: int) -> int:
        """Return the next nonce after those that wait, given that after those mined."""
        while (sender, nonce) in self.pool:
            nonce += 1
        return nonce

    # Sending and mining -------------------------------------------------------------------

    def receive(self, transaction: Transaction) -> str | None:
        """Take a transaction into the pool; return why not, in geth's words."""
        place = transaction.sender, transaction.nonce
        if transaction.nonce < self.head.nonces.get(transaction.sender, 0):
            return "nonce too low"
        other = self.pool.get(place)
        if other is not None:
            if other.raw == transaction.raw:
                return "already known"
            if 10 * transaction.max_fee < 11 * other.max_fee:
                return "replacement transaction underpriced"
        self.pool[place] = transaction
        return None

    def has_work(self) -> bool:
        """Whether a block would not be empty."""
        return bool(self._choose(self.head, shuffles=False))

    def mine(self, now: int, *, shuffles: bool) -> None:
        """Put all that can be mined into a block."""
        self._announce(self._build(self.head, now, self._choose(self.head, shuffles=shuffles)))

    def reorg(self, depth: int, now: int, *, forgets: Callable[[], bool]) -> int:
        """Take `depth` blocks back and put one more in their place, in which what they held stands
        otherwise or is forgotten; return how many were taken."""
        removed = [b for b, _ in zip(self.head.branch(), range(depth), strict=False)]
        removed = [block for block in removed if block.number > 2][::-1]
        if not removed:
            return 0
        parent = removed[0].parent
        assert parent is not None, "the creation stays"
        for block in removed:
            for transaction in block.transactions:
                if not forgets():
                    self.pool.setdefault((transaction.sender, transaction.nonce), transaction)
        times = [block.timestamp + self._generator.randrange(2) for block in removed] + [now]
        for place, wanted in enumerate(times):
            chosen = self._choose(parent, shuffles=True)
            if place < len(removed):
                chosen = self._keep_some(chosen)
            parent = self._build(parent, max(parent.timestamp + 1, wanted), chosen)
        self._announce(parent)
        return len(removed)

    # Within -------------------------------------------------------------------------------

    def _load(self, state: State) -> None:
        if self._loaded is not state:
            self.contract.load(state)
            self._loaded = state

    def _choose(self, parent: SimulatedBlock, *, shuffles: bool) -> list[Transaction]:
        """Return what waits and can be mined on `parent`: by arrival, or in any order."""
        chosen = []
        waiting = list(self.pool.items())
        if shuffles:
            self._generator.shuffle(waiting)
        for (sender, _), _ in waiting:
            done = sum(1 for each in chosen if each.sender == sender)
            nonce = parent.nonces.get(sender, 0) + done
            transaction = self.pool.get((sender, nonce))
            if transaction is not None and transaction.max_fee >= self.base_fee:
                chosen.append(transaction)
        return chosen

    def _keep_some(self, chosen: list[Transaction]) -> list[Transaction]:
        kept: list[Transaction] = []
        left_out: set[str] = set()
        for transaction in chosen:
            if transaction.sender in left_out or self._generator.random() < 0.4:
                left_out.add(transaction.sender)
            else:
                kept.append(transaction)
        return kept

    def _build(
        self, parent: SimulatedBlock, now: int, transactions: list[Transaction]
    ) -> SimulatedBlock:
        timestamp, number = max(parent.timestamp + 1, now), parent.number + 1
        self._load(parent.state)
        self._loaded = None
        nonces, outcomes, logged = dict(parent.nonces), {}, []
        for transaction in transactions:
            nonces[transaction.sender] = transaction.nonce + 1
            function, arguments = transaction.call
            sender, value = transaction.sender, transaction.value
            outcomes[transaction.hash] = None
            try:
                events = self.contract.apply(timestamp, sender, function, arguments, value)
            except Refused as refused:
                outcomes[transaction.hash] = name_reason(function, refused.reasons)
                continue
            for event in events:
                at = Position(number, len(logged), transaction.hash)
                logged.append(Logged(event, at, timestamp))
                if isinstance(event, Proposed):
                    self._note_ballot(event)
        salt = self._generator.randbytes(8)
        state = self.contract.save()
        self._loaded = state
        block = SimulatedBlock(
            number,
            keccak(parent.hash + salt + b"".join(outcomes)),
            parent,
            timestamp,
            self.base_fee,
            state,
            nonces,
            tuple(transactions),
            outcomes,
            tuple(logged),
        )
        for name in outcomes:
            self.mined_in.setdefault(name, []).append(block)
        return block

    def _note_ballot(self, proposed: Proposed) -> None:
        model = self.contract.model
        row = model.rows[proposed.parent, proposed.round]
        members = tuple((c.seat, c.root, c.weight, c.stake) for c in row)
        opened = model.rounds[-1]
        self.ballots[proposed.key] = proposed, members, opened.power, opened.active

    def _announce(self, head: SimulatedBlock) -> None:
        self.head = head
        for sender, nonce in list(self.pool):
            if nonce < head.nonces.get(sender, 0):
                del self.pool[sender, nonce]
        for listener in self.listeners:
            listener(head)
