"""A peer's folder and its federation, opened and put together.

Everything that a peer needs is in its folder and on the chain.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from chain.connect import open_endpoints, open_federation
from chain.errors import WrongChain
from chain.federation import find_creation
from chain.observer import Observer
from chain.sender import Sender, Signer
from chain.signatures import Signatures
from chain.types import Clock, Reading, Seat
from node.blobs.access import MembersGate, Passport, PublicGate
from node.blobs.disk import DiskBlobs
from node.blobs.errors import StoreFailed
from node.blobs.fetching import Fetched, Fetcher
from node.blobs.holdings import Outcome
from node.blobs.serving import BlobServer, Certificate
from node.blobs.store import Blob
from node.blobs.tally import Tally
from node.contract import Contract
from node.daemon.bell import Bell
from node.daemon.daemon import Daemon
from node.daemon.shelves import Shelves
from node.daemon.tallies import Tallies
from node.data.dataset import Dataset
from node.data.partition import parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.errors import PeerRefused
from node.journal import Journal
from node.learning.process import LearnerProcess, Pending
from node.learning.trainer import ProcessTrainer
from node.peer import Peer
from node.settings import BLOBS, JOURNAL, Settings
from node.spec import Spec, parse_spec, rule_of
from node.training import Course


class Account(Signer, Protocol):
    """The key of a seat, as eth-account has it."""

    def sign_message(self, signable_message: Any) -> Any: ...


class _Exchange:
    """The fetcher as the peer's `Exchange`."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.start = fetcher.start

    def outcome(self, blob: Blob) -> Outcome | None:
        found = self._fetcher.outcome(blob)
        if found is None:
            return None
        if isinstance(found, StoreFailed):
            raise found
        return Outcome(None if isinstance(found, Fetched) else found)


@contextmanager
def open_daemon(
    folder: Path, settings: Settings, account: Account, *, clock: Clock, poll_seconds: float
) -> Iterator[Daemon]:
    """Open a peer's folder and bring its peer to work.

    Raises PeerRefused where this key has no seat, or the data are not what the federation learns
    from; WrongChain, Unreachable and the like.
    """
    with ExitStack() as opened:
        contract = opened.enter_context(open_contract(settings))
        seat = find_seat(contract, account.address)
        spec = parse_spec(contract.observer.ledger.spec)
        journal = opened.enter_context(Journal(folder / JOURNAL))
        store = DiskBlobs(folder / BLOBS)
        bell, shelves, tally = Bell(), Shelves(), Tally()
        shelves.update(contract, contract.observer.history, clock())
        opened.callback(bell.close)
        signatures = Signatures(contract.federation.chain_id, contract.federation.address)

        def sign(reading: Reading) -> bytes:
            return signatures.sign(account, reading)  # type: ignore[arg-type]

        host, port = settings.listen
        gate = MembersGate(
            seat,
            owner_of=lambda reader: shelves.owners.get(reader),
            recover=signatures.recover,
            clock=clock,
        )
        greeting = greet(account.address, contract.federation.address)
        opened.enter_context(
            BlobServer(
                store,
                PublicGate() if settings.is_public else gate,
                shelves.may_serve,
                host=host,
                port=port,
                limits=settings.limits.build(),
                certificate=name_certificate(settings),
                greeting=greeting,
                tally=tally,
            )
        )
        fetcher = opened.enter_context(
            Fetcher(
                store,
                endpoint_of=lambda other: _find_endpoint(contract, other),
                passport=Passport(seat, sign=sign, clock=clock),
                ca_file=None if settings.ca is None else Path(settings.ca),
                notify=bell.ring,
                tally=tally,
            )
        )
        # Deterministic, so that a killed peer rounds again as before; secret, as the key is.
        entropy = sha256(sign(Reading(seat, seat, "entropy", contract.federation.address, 0)))
        course = Course(
            spec.layout,
            rule_of(contract.parameters),
            spec.seed,
            int.from_bytes(entropy.digest()[:8], "big"),
        )
        train_on, test = split_data(settings, spec, seat)

        def enrol(process: LearnerProcess) -> list[Pending]:
            learner = spec.learner, dict(spec.options)
            return [
                process.ask("enrol", (int(seat), *learner, train_on, test)),
                process.ask("follow", (int(seat), course)),
            ]

        trainer = opened.enter_context(ProcessTrainer(enrol))
        sender = Sender(contract.federation.web3, account)
        peer = Peer(
            seat=seat,
            contract=contract,
            sender=sender,
            blobs=store,
            exchange=_Exchange(fetcher),
            journal=journal,
            trainer=trainer,
            clock=clock,
        )
        yield Daemon(
            contract,
            peer,
            journal,
            shelves,
            lambda: [trainer.connection],
            bell,
            Tallies(tally, sender.tally, trainer.tally),
            clock=clock,
            poll_seconds=poll_seconds,
        )


@contextmanager
def open_contract(settings: Settings) -> Iterator[Contract]:
    """Connect to the federation of a peer's settings, its history read.

    Raises PeerRefused where the settings name none, WrongChain, NoContract, Unreachable.
    """
    if settings.contract is None:
        raise PeerRefused("settings: chain.contract", "the federation's address", "none")
    with open_endpoints(settings.rpc) as web3:
        if web3.eth.chain_id != settings.chain_id:
            raise WrongChain(settings.chain_id, web3.eth.chain_id)
        federation = open_federation(web3, settings.contract)
        observer = Observer(federation, created_at=find_creation(federation))
        observer.poll()
        yield Contract(federation, observer, federation.get_parameters())


def name_certificate(settings: Settings) -> Certificate | None:
    """Return the files for https, where the settings name some."""
    if settings.certificate is None:
        return None
    certificate, key = settings.certificate
    return Certificate(Path(certificate), Path(key))


def greet(address: str, contract: str) -> str:
    """Return what the health page of a peer says: whose it is, of which federation."""
    return f"holdfast peer={address} contract={contract}".lower()


def find_seat(contract: Contract, address: str) -> Seat:
    """Return the seat of a key. Raises PeerRefused."""
    for seat, record in contract.observer.ledger.seats.items():
        if record.owner.lower() == address.lower():
            return seat
    raise PeerRefused(f"seat of {address}", "one (holdfast peer join)", "none")


def split_data(settings: Settings, spec: Spec, seat: Seat) -> tuple[Dataset, Dataset]:
    """Return what this peer trains on and what it judges on."""
    train_on, held_out = stratified_holdout(
        load(settings.source, label=settings.label), spec.held_out, seed=spec.seed
    )
    if settings.share is None:
        return train_on, held_out
    which, count = settings.share
    parts = parse_partition(spec.partition).split(
        train_on.labels, count, np.random.default_rng(spec.seed)
    )
    return train_on.take(parts[which - 1]), held_out


def _find_endpoint(contract: Contract, seat: Seat) -> str | None:
    record = contract.observer.ledger.seats.get(seat)
    return None if record is None else record.endpoint
