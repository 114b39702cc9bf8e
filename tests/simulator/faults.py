"""What can go wrong: a closed list. Each is used by some seed, and counted where it took effect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """One kind of trouble; the value is what a trace calls it."""

    # Between peers
    BLOB_DROP = "an answer with a blob is lost"
    BLOB_DELAY = "an answer with a blob is late"
    BLOB_DUPLICATE = "an answer with a blob comes twice"
    BLOB_CORRUPT = "an answer with a blob is damaged"
    PARTITION = "two groups of peers cannot reach each other"
    # Between a peer and its node
    NODE_DOWN = "the node does not answer"
    ANSWER_LOST = "the node does as asked, and its answer is lost"
    NODE_LAG = "the node is behind"
    NODE_FLAP = "the node is several, of which some are behind"
    # On the chain
    TX_DROP = "a transaction is forgotten"
    TX_DELAY = "a transaction arrives late"
    TX_DUPLICATE = "a transaction arrives again"
    TX_REORDER = "transactions of a block in another order"
    FEE_SPIKE = "gas costs more than was offered"
    REORG = "the chain takes blocks back"
    # In a peer
    CRASH = "killed at an effect"
    KILL = "killed between two effects"
    BLACKOUT = "most peers killed at once"
    SLOW_DISK = "what is written takes seconds"
    FULL_DISK = "nothing can be written"
    ROT = "a blob rots on the disk"
    CLOCK_SKEW = "a clock is ahead or behind"
    SLOW_TRAINING = "training takes longer than a round"
    FICKLE_LEARNER = "learns otherwise after each start"
    OLD_FOLDER = "started from an old copy of its folder"
    STOLEN_KEY = "somebody else votes with its key"
    # Byzantine seats
    SELECTIVE = "serves one peer alone"
    LATE_RELEASE = "serves when the votes are nearly over"
    DIFFERENT_BLOBS = "serves other bytes to others"
    WITHHOLD = "serves nobody"
    WRONG_PROPOSAL = "proposes what does not recompute"
    SUBSET_PROPOSAL = "proposes fewer updates than there are"
    SILENT = "commits and never votes"
    COPIED_ROOT = "commits to another's update"
    LIE = "approves a wrong model"
    HIDE = "approves, and serves only its like"


SERVING = (Fault.SELECTIVE, Fault.LATE_RELEASE, Fault.DIFFERENT_BLOBS, Fault.WITHHOLD)
BYZANTINE = (
    *SERVING,
    Fault.WRONG_PROPOSAL,
    Fault.SUBSET_PROPOSAL,
    Fault.SILENT,
    Fault.COPIED_ROOT,
    Fault.LIE,
    Fault.HIDE,
)
"""A seat is one of these for ever; the healing does not mend it."""
UNGUARDED = (Fault.LIE, Fault.HIDE)
"""Such a seat has no part in disputes."""
RUINOUS = (Fault.OLD_FOLDER, Fault.STOLEN_KEY)
"""After these an honest peer may have to stop for good."""

EFFECTS = (
    "journal.record_trained",
    "journal.record_recomputed",
    "journal.record_intention",
    "journal.record_sending",
    "blobs.keep",
    "blobs.put",
    "exchange.start",
    "exchange.outcome",
    "trainer.start",
    "trainer.find",
    "node.send",
)
"""All that a peer does to the world outside its memory, and all news that it takes from there."""


@dataclass(frozen=True)
class Boundary:
    """A moment at which a process can be killed: just before or just after an effect."""

    effect: str
    is_after: bool

    def __str__(self) -> str:
        return f"{'after' if self.is_after else 'before'} {self.effect}"


BOUNDARIES = tuple(Boundary(effect, is_after) for effect in EFFECTS for is_after in (False, True))


@dataclass(frozen=True)
class Incident:
    """A fault from `at` to `until` (seconds after the start); `victim` None: everybody.

    `boundary` is where a crash strikes, at its `nth` touch; `size` is of the fault's own kind.
    """

    fault: Fault
    at: int
    until: int
    victim: int | None = None
    boundary: Boundary | None = None
    nth: int = 1
    size: int = 0
