"""A whole federation out of a seed: `World(seed).play()` ends well, or with what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from eth_hash.auto import keccak
from federation_model import FederationModel

from chain.devnet.accounts import derive_accounts
from chain.keys import compute_genesis_key
from chain.ledger import Ledger
from chain.types import Key, Seat
from node.blobs.store import Blob
from node.result import Compute, Result, compute_result

from .byzantine import HONEST, Rogue
from .chain import SimulatedBlock, SimulatedChain
from .contract import ModelContract
from .counters import Counters
from .desk import Desk
from .disk import Disk
from .faults import Fault
from .node import CHAIN_ID
from .participant import Participant
from .plan import ETHER, Plan, draw_plan
from .schedule import START, Schedule
from .stories import Stories
from .task import GENESIS, SPEC
from .transactions import SimulatedSigner
from .troubles import Troubles
from .witness import Witness

ACCOUNTS = 10
JANITOR, DEPLOYER = 8, 9
WALLET_WEI = 100 * ETHER
TAIL_SECONDS = 900
"""In which one more round must be agreed, and everybody have taken part: ten lapses."""
IDLE_BLOCKS = 3
"""An empty block comes this much later than one with something in it."""


@lru_cache(1)
def addresses() -> tuple[str, ...]:
    """The development accounts, so that a real chain can play the same."""
    return tuple(account.address.lower() for account in derive_accounts(ACCOUNTS))


def contract_address(deployer: str) -> str:
    """Return the address of an account's second creation (Yellow Paper, section 7); the first is
    the judge."""
    return "0x" + keccak(b"\xd6\x94" + bytes.fromhex(deployer[2:]) + b"\x01")[12:].hex()


class World:
    """Everything that one seed decides. `folder`: where journals are kept; None: in memory."""

    def __init__(
        self,
        seed: int,
        *,
        folder: Path | None = None,
        is_traced: bool = False,
        draw: Callable[[int], Plan] = draw_plan,
    ) -> None:
        self.plan = draw(seed)
        self.rng = Random(f"world {seed}")
        self.schedule = Schedule(Random(f"order {seed}"))
        self.counters = Counters()
        self.lines: list[str] = []
        self._is_traced = is_traced
        self._folder = folder
        self._disks: list[Disk] = []
        self.address = contract_address(addresses()[DEPLOYER])
        self.genesis_key = compute_genesis_key(CHAIN_ID, self.address, self.plan.parameters.genesis)
        self._computed: dict[tuple[Any, ...], Result] = {}
        self.compute: Compute = self._compute
        self._is_mining = True
        self._found_at = START
        self.witness = Witness(self)
        self.desk = Desk(self)
        self._open_chain()
        self._seat_participants()
        self.troubles = Troubles(self)
        self.stories = Stories(self)

    # Playing ------------------------------------------------------------------------------

    def play(self) -> Counters:
        """Play the plan, heal, see that it goes on, and check what is left; once."""
        try:
            return self._play()
        finally:
            for disk in self._disks:
                disk.close()

    def keep(self, disk: Disk) -> Disk:
        """Return a disk that is closed at the end."""
        self._disks.append(disk)
        return disk

    def _play(self) -> Counters:
        for each in self.participants:
            self.schedule.after(self.rng.randrange(3), each.start)
        self.schedule.after(2, self._mine)
        self.troubles.begin()
        self.stories.begin()
        self.schedule.run(START + self.plan.seconds)
        self.troubles.end()
        self._play_tail()
        self._check()
        return self.counters

    def _play_tail(self) -> None:
        self._healed_at = self.schedule.now
        self._height = len(self.model().chain)
        self.schedule.run(self.schedule.now + TAIL_SECONDS, self._has_recovered)
        late = [each.index for each in self.honest() if not self._takes_part(each)]
        grown = len(self.model().chain) - self._height
        assert self._has_recovered(), (
            f"no recovery: {grown} rounds agreed, {late} take no part, "
            f"stories over: {self.stories.is_over}"
        )
        self._is_mining = False
        self.schedule.run(self.schedule.now + 8)

    def _has_recovered(self) -> bool:
        return (
            len(self.model().chain) >= self._height + 1
            and self.stories.is_over
            and all(self._takes_part(each) for each in self.honest())
        )

    def _takes_part(self, honest: Participant) -> bool:
        """Whether a peer has committed or voted since the healing, if it has a seat at all."""
        model = self.model()
        tenancy = next((t for t in model.tenancies if t.owner == honest.address), None)
        if tenancy is None or tenancy.end:
            return True
        rows = (commitment for row in model.rows.values() for commitment in row)
        return any(c.seat == tenancy.seat and c.at >= self._healed_at for c in rows)

    def _check(self) -> None:
        self.witness.check_history()
        self.witness.check_results()
        self.chain.load_head()
        head = Key(self.model().head)
        self.witness.check_agreement(head, self.chain.ballots[head][0].model_root)
        self.counters.note_history(self.chain.head, self.plan.parameters.min_updates)

    # Who takes part -----------------------------------------------------------------------

    def honest(self) -> list[Participant]:
        """Return the honest ones that have not stopped, and have a seat to work for."""
        seated = {t.owner for t in self.model().tenancies}
        return [
            each
            for each in self.participants
            if each.is_honest and not each.is_stopped and each.address in seated
        ]

    @property
    def hero(self) -> Participant:
        return self.participants[self.plan.hero]

    def newcomer(self) -> Participant:
        """Return the account that is to join late."""
        index = len(self.plan.stakes)
        if len(self.participants) == index:
            self._add(index)
        return self.participants[index]

    def favourite(self) -> Participant:
        """Return the one honest peer that a selective seat serves in this round."""
        honest = self.honest()
        return honest[self.model().number % len(honest)]

    def find(self, index: int | None) -> Participant | None:
        return None if index is None else self.participants[index]

    def known_seats(self) -> list[Seat]:
        return sorted(Seat(t.seat) for t in self.model().tenancies)

    def participant_of(self, seat: int) -> Participant | None:
        holder = self.model().holder(seat)
        owned = (each for each in self.participants if holder and each.address == holder.owner)
        return next(owned, None)

    # What happens -------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def note(self, fault: Fault) -> None:
        """Count a fault that had an effect."""
        self.counters[fault.name] += 1

    def strikes(self, fault: Fault, victim: Participant, probability: float) -> bool:
        """Whether a fault has its effect on somebody now."""
        active = self.troubles.active and self.troubles.active.get(fault)
        if not active or not any(i.victim in (None, victim.index) for i in active):
            return False
        if probability < 1 and self.rng.random() >= probability:
            return False
        self.note(fault)
        return True

    def is_cut(self, one: Participant, other: Participant) -> bool:
        """Whether two peers are on two sides of a partition, or one of them has no wires yet."""
        if max(one.unwired_until, other.unwired_until) > self.schedule.now:
            self.note(Fault.PARTITION)
            return True
        for incident in self.troubles.active.get(Fault.PARTITION, ()):
            if (one.index + incident.size) % 3 < 1 != (other.index + incident.size) % 3 < 1:
                self.note(Fault.PARTITION)
                return True
        return False

    def trace(self, who: Participant | None, words: str) -> None:
        if self._is_traced:
            at = self.schedule.now - START
            self.lines.append(f"{at:5d} {'-' if who is None else who.index} {words}")

    def new_folder(self, index: int) -> Path | None:
        if self._folder is None:
            return None
        folder = self._folder / f"{self.plan.seed}-{index}"
        folder.mkdir()
        return folder

    # The chain ----------------------------------------------------------------------------

    def model(self) -> FederationModel:
        """Return the federation as it is at the head."""
        self.chain.load_head()
        return self.chain.contract.model

    def ledger(self) -> Ledger | None:
        """Return what an honest peer that lives has read."""
        living = [each.daemon for each in self.honest() if each.daemon]
        return living[0].contract.observer.ledger if living else None

    def catch_up(self, participant: Participant) -> None:
        """Let a node hear of the head, unless it lags."""
        if not self.strikes(Fault.NODE_LAG, participant, 1.0):
            participant.node.see(self.chain.head)
            participant.rouse(self.schedule.now)

    # Within -------------------------------------------------------------------------------

    def _open_chain(self) -> None:
        wallets = dict.fromkeys(addresses(), WALLET_WEI)
        contract = ModelContract(
            self.plan.parameters, self.genesis_key, wallets, self.witness, self.witness.naming
        )
        self.wealth = contract.wealth
        self.chain = SimulatedChain(
            contract, self.plan.parameters, SPEC, START, Random(f"chain {self.plan.seed}")
        )
        self.janitor = SimulatedSigner(addresses()[JANITOR])
        for index, stake in enumerate(self.plan.stakes[: self.plan.joined]):
            self.desk.order(
                SimulatedSigner(addresses()[index]), "join", f"{index}", [], value=stake
            )
        self.chain.mine(START - 50, shuffles=False)
        for index, stake in list(enumerate(self.plan.stakes))[self.plan.joined :]:
            self.schedule.at(START, lambda i=index, s=stake: self._join(i, s))  # type: ignore[misc]
        self.chain.listeners.append(self._broadcast)

    def _join(self, index: int, stake: int) -> None:
        """Join, and once more where a re-org forgot it."""
        address = addresses()[index]
        if all(tenancy.owner != address for tenancy in self.model().tenancies):
            self.desk.order(SimulatedSigner(address), "join", f"{index}", [], value=stake)
        if self.schedule.now < START + self.plan.seconds:
            self.schedule.after(10, lambda: self._join(index, stake))

    def _seat_participants(self) -> None:
        self.participants: list[Participant] = []
        for index in range(len(self.plan.stakes)):
            self._add(index)

    def _add(self, index: int) -> None:
        fault = self.plan.rogues.get(index)
        conduct = HONEST if fault is None else Rogue(fault)
        added = Participant(self, index, addresses()[index], conduct)
        genesis = Blob(self.plan.parameters.genesis, len(GENESIS))
        added.disk.payloads[genesis] = GENESIS
        self.witness.archive(genesis, GENESIS)
        self.participants.append(added)

    def _mine(self) -> None:
        if not self._is_mining:
            return
        seconds = self.plan.block_seconds
        chain, now = self.chain, self.schedule.now
        if chain.pool and not chain.has_work():
            self.note(Fault.FEE_SPIKE)
        # Others use the chain too, and pay more: its blocks come, whether these are in them or not.
        if chain.pool or now >= chain.head.timestamp + IDLE_BLOCKS * seconds:
            shuffles = bool(self.troubles.active.get(Fault.TX_REORDER))
            if shuffles and len(chain.pool) > 1:
                self.note(Fault.TX_REORDER)
            chain.mine(now, shuffles=shuffles)
        self.schedule.after(seconds, self._mine)

    def _broadcast(self, head: SimulatedBlock) -> None:
        for block in (head,):
            for logged in block.events:
                self.trace(None, f"block {block.number}: {logged.event!r:.110}")
        for each in self.participants:
            self.schedule.after(self.rng.randrange(2), lambda who=each: self.catch_up(who))  # type: ignore[misc]

    def _compute(self, *inputs: Any) -> Result:
        """The rule, once for the same inputs to the bit: they are the same for all peers."""
        rule, roll, members, head, updates, _ = inputs
        name = (rule, roll, tuple(members), head.tobytes(), tuple(u.tobytes() for u in updates))
        if name not in self._computed:
            self._computed[name] = compute_result(*inputs)
        return self._computed[name]
