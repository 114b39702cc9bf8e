"""A peer as a program: it follows the chain, serves and fetches blobs, and lets its peer act.

Everything that it needs is in its folder and on the chain. It may be killed at any line.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from chain.connect import open_endpoints, open_federation
from chain.errors import Gone, Refused, Unreachable, WrongChain
from chain.federation import find_creation
from chain.observer import Observer
from chain.sender import Sender, Signer
from chain.signatures import Signatures
from chain.types import Attested, Clock, Committed, Logged, Reading, Root, Seat
from node.blobs.access import MembersGate, Passport
from node.blobs.disk import DiskBlobs
from node.blobs.errors import StoreFailed
from node.blobs.fetching import Fetched, Fetcher
from node.blobs.holdings import Outcome
from node.blobs.serving import BlobServer
from node.blobs.store import Blob
from node.contract import Contract
from node.data.dataset import Dataset
from node.data.partition import parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.errors import PeerRefused
from node.journal import Journal
from node.learning.process import LearnerProcess, Pending
from node.learning.trainer import ProcessTrainer
from node.merkle import MODEL_TAG
from node.peer import Peer
from node.settings import BLOBS, JOURNAL, Settings
from node.spec import Spec, parse_spec, rule_of
from node.training import Course

LOG = logging.getLogger("holdfast.daemon")
POLL_SECONDS = 0.5
"""Between two looks at the chain; news of one's own learner and blobs are heard at once."""
LONGEST_PAUSE_SECONDS = 30.0
"""Between two tries at a node that does not answer."""


class Account(Signer, Protocol):
    """The key of a seat, as eth-account has it."""

    def sign_message(self, signable_message: Any) -> Any: ...


class _Bell:
    """Rung by other threads, heard by the loop."""

    def __init__(self) -> None:
        self._ear, self._rope = os.pipe()
        os.set_blocking(self._rope, False)
        self.connection = Connection(self._ear, writable=False)

    def ring(self) -> None:
        # A full pipe was rung often enough.
        with suppress(BlockingIOError):
            os.write(self._rope, b"\0")

    def mute(self) -> None:
        """Take the ringing so far as heard."""
        while self.connection.poll():
            os.read(self._ear, 4096)

    def close(self) -> None:
        self.connection.close()
        os.close(self._rope)


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


class Shelves:
    """What others may read: models always, updates once the commitments of their round are over.

    The server's thread asks; each `update` puts a whole new answer in place.
    """

    def __init__(self) -> None:
        self._waiting: list[Committed] = []
        self._served: frozenset[Root] = frozenset()
        self.owners: Mapping[Seat, str] = {}

    def update(self, contract: Contract, news: tuple[Logged, ...], now: int) -> None:
        """Take in what is new on the chain."""
        ledger = contract.observer.ledger
        self.owners = {seat: record.owner for seat, record in ledger.seats.items()}
        self._waiting += [n.event for n in news if isinstance(n.event, Committed)]
        number, ends_at = ledger.round.number, ledger.round.commit_ends_at
        is_over = {c for c in self._waiting if c.round < number}
        if now >= ends_at:
            is_over |= {c for c in self._waiting if c.round == number}
        if is_over:
            self._waiting = [c for c in self._waiting if c not in is_over]
            self._served |= {c.root for c in is_over}

    def may_serve(self, blob: Blob, reader: Seat | None) -> bool:
        """Whether anybody may have a blob now."""
        return blob.tag == MODEL_TAG or blob.root in self._served


class Daemon:
    """One peer at work. `run` goes on until it is told to stop."""

    def __init__(
        self,
        contract: Contract,
        peer: Peer,
        journal: Journal,
        shelves: Shelves,
        connections: Callable[[], list[object]],
        bell: _Bell,
        *,
        clock: Clock,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.contract = contract
        self.peer = peer
        self._journal = journal
        self._shelves = shelves
        self._connections = connections
        self._bell = bell
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._pause_seconds = poll_seconds
        self._owner = contract.observer.ledger.seats[peer.seat].owner
        for logged in contract.observer.history:
            self._check_own(logged)

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Follow the chain and act. Raises what another start would not cure: PeerRefused for a key
        that somebody else uses too, StoreFailed, JournalFailed, Disagreement."""
        while not should_stop():
            self._wait(self._look())

    def has_ended(self, rounds: int | None) -> bool:
        """Whether the chain is past so many rounds."""
        open_round = self.contract.observer.ledger.round
        return rounds is not None and open_round.number > rounds

    def stop(self) -> None:
        """Wake the loop, so that it sees that it should stop. From any thread or signal."""
        self._bell.ring()

    def _look(self) -> int | None:
        """Look at the chain and act; return until when there is nothing to do."""
        try:
            self._news(self.contract.observer.poll())
            until = self.peer.act()
        except (Unreachable, Gone, Refused) as error:
            LOG.warning("seat=%d act=wait error=%r", self.peer.seat, str(error))
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
            return None
        self._pause_seconds = self._poll_seconds
        return until

    def _news(self, news: tuple[Logged, ...]) -> None:
        for logged in news:
            self._check_own(logged)
        self._check_seat()
        self._shelves.update(self.contract, news, self._now())

    def _check_own(self, logged: Logged) -> None:
        """Stop where the chain has a vote of this seat that this folder knows nothing of."""
        event = logged.event
        if not isinstance(event, Attested) or event.seat != self.peer.seat:
            return
        if not self._journal.has_recomputed(event.key):
            raise PeerRefused(
                f"votes of seat {self.peer.seat}",
                "only for what this folder's journal has as recomputed here",
                f"one for 0x{event.key.hex()}: another process uses this key, or the folder is an "
                "old copy",
            )

    def _check_seat(self) -> None:
        """Stop where this key's seat is another one by now, after a re-org in which others joined
        first, or somebody else's. The next start looks for it."""
        seats, own = self.contract.observer.ledger.seats, self.peer.seat
        owner = seats[own].owner if own in seats else None
        held = sorted(seat for seat, record in seats.items() if record.owner == self._owner)
        if owner != self._owner and (owner is not None or held):
            raise PeerRefused(
                f"seat {own}",
                f"still that of {self._owner}",
                f"that of {owner}, and {held} for this key; start again",
            )

    def _now(self) -> int:
        block = self.contract.observer.block
        return max(self._clock(), block.timestamp if block else 0)

    def _wait(self, until: int | None) -> None:
        seconds = self._pause_seconds
        if until is not None:
            seconds = min(seconds, max(until - self._now(), 0.01))
        wait([self._bell.connection, *self._connections()], seconds)  # type: ignore[list-item]
        self._bell.mute()


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
        bell, shelves = _Bell(), Shelves()
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
        opened.enter_context(BlobServer(store, gate, shelves.may_serve, host=host, port=port))
        fetcher = opened.enter_context(
            Fetcher(
                store,
                endpoint_of=lambda other: _find_endpoint(contract, other),
                passport=Passport(seat, sign=sign, clock=clock),
                notify=bell.ring,
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
        peer = Peer(
            seat=seat,
            contract=contract,
            sender=Sender(contract.federation.web3, account),
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
