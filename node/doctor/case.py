"""What the checks of a peer share: the peer, and what the checks before have established."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.ledger import SeatRecord
from chain.types import Clock
from node.contract import Contract
from node.data.dataset import Dataset
from node.settings import Settings


class Fault(Exception):
    """What is wrong, in a line, and what to do about it where that is not what the check says."""

    def __init__(self, found: str, remedy: str = "") -> None:
        super().__init__(found)
        self.remedy = remedy


class Unread(Exception):
    """What there is to say of data that only the learner's process can read."""


@dataclass
class Case:
    """One peer under examination. `rounds`: for how many of them ether should last;
    `disk_rounds`: the disk.

    A check that needs another one runs after it, and only if that found nothing; so what that one
    established is there. `web3` is a connection to the node, `opened` is closed when all is over.
    """

    folder: Path
    password: Callable[[], str]
    clock: Clock
    rounds: int
    disk_rounds: int
    opened: ExitStack = field(default_factory=ExitStack)
    settings: Settings = field(init=False)
    address: str = field(init=False)
    web3: Any = field(init=False)
    contract: Contract = field(init=False)
    record: SeatRecord = field(init=False)
    dataset: Dataset = field(init=False)

    @property
    def is_reached(self) -> bool:
        """Whether the federation was read, and so what it declares."""
        return hasattr(self, "contract")
