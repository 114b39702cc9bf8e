"""What the events tell of disputes: who asked for what, what was shown, who is owed how much."""

from dataclasses import dataclass, field

from chain.types import (
    Answered,
    Challenged,
    Closed,
    Collected,
    Parameters,
    Refuted,
    Revealed,
    RoundId,
    Slashed,
    Wei,
)

OLD_MODEL, NEW_MODEL = 128, 129
"""`which` of a challenge, where it is no seat."""
MAX_LEAVES = 64
"""Of one challenge."""
LIE = 1
"""All of a stake, as the divisor of a slash; for silence it is less."""
ANSWER_GAS, LEAF_GAS, COMMITMENT_GAS = 120_000, 14_000, 2_500
"""What the contract takes an answer to cost."""

DisputeEvent = Slashed | Refuted | Challenged | Revealed | Answered | Closed | Collected


@dataclass(frozen=True)
class Leaves:
    """What a challenge asks for: `count` leaves from `first` on, of the update of seat `which`, or
    of the model before (128) or after (129) the result of a round."""

    round: RoundId
    which: int
    first: int
    count: int

    @property
    def words(self) -> tuple[int, int, int]:
        """As the contract takes them, behind the record of the result."""
        return self.which, self.first, self.count


@dataclass
class Disputes:
    """All disputes of a federation so far; a fold over its events."""

    asked: dict[Leaves, Challenged] = field(default_factory=dict)
    """Every challenge there was."""
    waiting: dict[Leaves, Challenged] = field(default_factory=dict)
    """Neither answered nor closed."""
    lost: dict[Leaves, Challenged] = field(default_factory=dict)
    """Answered, and the deposit has not come back."""
    shown: dict[tuple[RoundId, int], dict[int, bytes]] = field(default_factory=dict)
    """By round and `which`: leaf → chunk."""
    refuted: dict[RoundId, Refuted] = field(default_factory=dict)
    pots_wei: dict[RoundId, Wei] = field(default_factory=dict)
    """What there is to pay lost deposits from."""
    owed_wei: dict[str, Wei] = field(default_factory=dict)
    """By address in lower case."""
    slashed_wei: Wei = Wei(0)

    def apply(self, event: DisputeEvent) -> None:
        """Fold in the next event."""
        match event:
            case Slashed(number, _, divisor, taken, burned):
                self.slashed_wei = Wei(self.slashed_wei + taken)
                # What a refuter earns is told next; for silence nothing is kept.
                self.pots_wei[number] = Wei(taken - burned if divisor == LIE else 0)
            case Refuted(number, _, refuter, earned):
                self.refuted[number] = event
                self.pots_wei[number] = Wei(self.pots_wei[number] - earned)
                self._owe(refuter, earned)
            case Challenged():
                leaves = Leaves(event.round, event.which, event.first, event.count)
                self.asked[leaves] = self.waiting[leaves] = event
            case Revealed(number, which, leaf, chunk):
                self.shown.setdefault((number, which), {})[leaf] = chunk
            case Answered(number, which, first, count, answerer):
                leaves = Leaves(number, which, first, count)
                self.lost[leaves] = self.waiting.pop(leaves)
                self._owe(answerer, self.lost[leaves].bond_wei)
            case Closed(number, which, first, count, paid):
                self._close(Leaves(number, which, first, count), paid)
            case Collected(account, amount):
                self._owe(account, Wei(-amount))

    def owed(self, account: str) -> Wei:
        """Return what an account can collect, in wei."""
        return self.owed_wei.get(account.lower(), Wei(0))

    def _close(self, leaves: Leaves, paid: Wei) -> None:
        self._owe(self.asked[leaves].challenger, paid)
        if self.lost.pop(leaves, None) is not None:
            self.pots_wei[leaves.round] = Wei(self.pots_wei[leaves.round] - paid)
        self.waiting.pop(leaves, None)

    def _owe(self, account: str, amount: Wei) -> None:
        self.owed_wei[account.lower()] = Wei(self.owed(account) + amount)


def compute_deposit(parameters: Parameters, count: int, committed: int, base_fee_wei: int) -> Wei:
    """Return the least deposit for asking for `count` leaves where so many seats have committed, in
    wei, at a block's base fee."""
    gas = ANSWER_GAS + LEAF_GAS * count + COMMITMENT_GAS * committed
    return Wei(max(parameters.bond_wei, 2 * gas * base_fee_wei))
