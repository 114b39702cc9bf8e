"""A federation that somebody else runs, opened to be read: a kept run, or a node's endpoint."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chain.connect import (
    connect_devnet,
    open_endpoints,
    open_federation,
    open_kept_chain,
)
from chain.federation import Federation, find_creation
from chain.observer import Observer
from chain.types import Clock
from localnet import kept
from localnet.errors import SourceRefused
from node.blobs.disk import DiskBlobs
from node.contract import Contract


@dataclass(frozen=True)
class Source:
    """The contract and its history, and the blobs where they are at hand."""

    contract: Contract
    kept_blobs: DiskBlobs | None
    clock: Clock

    @property
    def blobs(self) -> DiskBlobs:
        """The blobs. Raises SourceRefused where none were given."""
        if self.kept_blobs is None:
            raise SourceRefused("blobs", "a folder of them beside the endpoint", "none")
        return self.kept_blobs

    def now(self) -> int:
        """Return the time that deadlines are compared with, in unix seconds."""
        block = self.contract.observer.block
        return max(self.clock(), block.timestamp if block else 0)


@contextmanager
def open_kept(directory: Path) -> Iterator[Source]:
    """Open a kept run to read, also while it goes on. Raises KeptRunRefused."""
    run = kept.read_run(directory)
    chain = open_kept_chain(
        kept.chain_path(directory), chain_id=run.chain_id, accounts=run.accounts
    )
    with chain:
        federation = open_federation(connect_devnet(chain), run.address)
        blobs = _open_blobs(kept.blobs_path(directory))
        # A simulated clock stands where the last block left it.
        yield _follow(federation, run.created_at, blobs, lambda: 0)


@contextmanager
def open_endpoint(
    endpoints: Sequence[str], address: str, blobs: Path | None, clock: Clock
) -> Iterator[Source]:
    """Open the federation at an address of a node's chain; two nodes are compared.

    Raises Unreachable, Disagreement, NoContract, NoHistory, or SourceRefused for a folder that is
    not there.
    """
    store = None if blobs is None else _open_blobs(blobs)
    with open_endpoints(endpoints) as web3:
        federation = open_federation(web3, address)
        yield _follow(federation, find_creation(federation), store, clock)


def _follow(
    federation: Federation, created_at: int, blobs: DiskBlobs | None, clock: Clock
) -> Source:
    observer = Observer(federation, created_at=created_at)
    return Source(Contract(federation, observer, federation.get_parameters()), blobs, clock)


def _open_blobs(directory: Path) -> DiskBlobs:
    if not directory.is_dir():
        raise SourceRefused("folder of blobs", "one that is there", directory)
    return DiskBlobs(directory)
