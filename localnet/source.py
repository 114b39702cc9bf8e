"""A federation that somebody else runs, opened to be read: a kept run, the folder of `localnet up`,
or a node's endpoint."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time

from chain.connect import (
    connect_devnet,
    open_endpoints,
    open_federation,
    open_kept_chain,
)
from chain.errors import Unreachable
from chain.federation import Federation, find_creation
from chain.observer import Observer
from chain.types import Clock
from localnet import kept
from localnet.errors import KeptRunRefused, SourceRefused
from localnet.fleet.fleet import UP, Charter, chain_folder, has_charter, peer_folders, read_charter
from node.blobs.disk import DiskBlobs
from node.blobs.joint import JointBlobs
from node.contract import Contract
from node.settings import BLOBS, SETTINGS


@dataclass(frozen=True)
class Source:
    """The contract and its history, and the blobs where they are at hand."""

    contract: Contract
    kept_blobs: DiskBlobs | JointBlobs | None
    clock: Clock

    @property
    def blobs(self) -> DiskBlobs | JointBlobs:
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
    """Open a kept run, or the federation of `localnet up`, to read, also while it goes on. Raises
    KeptRunRefused, or SourceRefused for a peer's folder and a chain that nobody kept."""
    if has_charter(directory):
        with _open_up(directory, read_charter(directory)) as source:
            yield source
        return
    if (directory / SETTINGS).exists():
        whole = "one of a whole federation (localnet run --keep, localnet up)"
        raise SourceRefused(f"folder {directory}", whole, "a peer's, for holdfast peer")
    if not kept.has_run(directory):
        either = f"a {kept.RUN} in it (localnet run --keep), or an {UP} (localnet up)"
        raise KeptRunRefused("folder of a run", either, directory)
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
def _open_up(directory: Path, charter: Charter) -> Iterator[Source]:
    """Open what real programs left, or still write: what their chain wrote down needs nobody who
    serves it."""
    folders = [each / BLOBS for each in peer_folders(directory)]
    blobs = JointBlobs([DiskBlobs(each) for each in folders if each.is_dir()])
    if charter.anvil is None:
        with open_kept_chain(chain_folder(directory)) as chain:
            federation = open_federation(connect_devnet(chain), charter.contract)
            yield _follow(federation, find_creation(federation), blobs, _now)
        return
    try:
        with open_endpoints((charter.url,)) as web3:
            federation = open_federation(web3, charter.contract)
            yield _follow(federation, find_creation(federation), blobs, _now)
    except Unreachable as error:
        expected = "one that runs, since anvil keeps nothing"
        raise SourceRefused(f"chain of {directory}", expected, f"none ({error})") from error


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


def _now() -> int:
    return int(time())


def _follow(
    federation: Federation, created_at: int, blobs: DiskBlobs | JointBlobs | None, clock: Clock
) -> Source:
    observer = Observer(federation, created_at=created_at)
    return Source(Contract(federation, observer, federation.get_parameters()), blobs, clock)


def _open_blobs(directory: Path) -> DiskBlobs:
    if not directory.is_dir():
        raise SourceRefused("folder of blobs", "one that is there", directory)
    return DiskBlobs(directory)
