"""What a peer at work counts, in plain numbers: written by its threads, read by any."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chain import sender
from chain.types import Attested, Committed, Logged, Seat
from node.blobs import tally
from node.learning import trainer


@dataclass
class Tallies:
    """All of it since the start of the peer. `chain_failures`: looks at the chain that failed."""

    blobs: tally.Tally = field(default_factory=tally.Tally)
    sending: sender.Tally = field(default_factory=sender.Tally)
    training: trainer.Tally = field(default_factory=trainer.Tally)
    commits: int = 0
    votes: int = 0
    chain_failures: int = 0

    def count(self, news: Iterable[Logged], seat: Seat | None) -> None:
        """Take in what the chain has of this seat; what comes again after a re-org counts again."""
        for logged in news:
            if isinstance(logged.event, Committed):
                self.commits += logged.event.seat == seat
            elif isinstance(logged.event, Attested):
                self.votes += logged.event.seat == seat
