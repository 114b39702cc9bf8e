"""A peer's folder and its federation, opened and put together.

Everything that a peer needs is in its folder and on the chain.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from chain.connect import open_endpoints, open_federation
from chain.errors import Gone, WrongChain
from chain.federation import Federation, find_creation
from chain.heads import HeadListener
from chain.history import History
from chain.observer import Observer
from chain.rpc import get_block
from chain.sender import Sender, Signer
from chain.signatures import Signatures
from chain.states import Reading
from chain.types import Clock, Seat
from node.blobs.access import MembersGate, Passport, PublicGate
from node.blobs.disk import DiskBlobs
from node.blobs.errors import StoreFailed
from node.blobs.fetching import Fetched, Fetcher
from node.blobs.holdings import Outcome
from node.blobs.serving import BlobServer, Certificate
from node.blobs.store import Blob
from node.blobs.tally import Tally
from node.checkpoint import check_descent
from node.contract import Contract
from node.daemon.bell import Bell
from node.daemon.daemon import Daemon
from node.daemon.rounds import Rounds
from node.daemon.shelves import Shelves
from node.daemon.tallies import Tallies
from node.daemon.waiting import Waiting
from node.data.share import OWN, Share, choose_label
from node.errors import PeerRefused
from node.journal import Journal
from node.learning.hosting import Hosting, Place
from node.learning.pace import DEADLINE_SHARE, cap_budget
from node.learning.process import LearnerProcess, Pending
from node.learning.trainer import ProcessTrainer
from node.peer import Peer
from node.settings import BLOBS, HISTORY, JOURNAL, Settings
from node.spec import Spec, parse_spec, rule_of
from node.training import Course

LOG = logging.getLogger("holdfast.daemon")


class Account(Signer, Protocol):
    """The key of a seat or of a watchtower, as eth-account has it."""

    def sign_message(self, signable_message: Any) -> Any: ...


class FetcherExchange:
    """The fetcher as a peer's `Exchange`."""

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
        contract = opened.enter_context(
            open_contract(settings, kept=folder / HISTORY, confirmations=settings.confirmations)
        )
        seat = find_seat(contract, account.address)
        spec = parse_spec(contract.observer.ledger.spec)
        journal = opened.enter_context(Journal(folder / JOURNAL))
        store = DiskBlobs(folder / BLOBS)
        bell, shelves, tally = Bell(), Shelves(), Tally()
        # The clock of a development chain may be far ahead of ours.
        block = contract.observer.block
        now = max(clock(), block.timestamp if block else 0)
        shelves.update(contract, contract.observer.history, now)
        opened.callback(bell.close)
        signatures = _signatures_of(contract)
        sign = _signer(signatures, account)
        host, port = settings.listen
        gate = MembersGate(
            seat,
            owner_of=lambda reader: shelves.owners.get(reader),
            recover=signatures.recover,
            clock=clock,
        )
        greeting = greet(account.address, contract.federation.address)
        server = opened.enter_context(
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
        shelves.notify = server.recheck
        fetcher = opened.enter_context(
            open_fetcher(
                contract,
                store,
                account,
                seat,
                settings,
                clock=clock,
                notify=bell.ring,
                tally=tally,
            )
        )
        for endpoint in settings.rpc:
            opened.enter_context(HeadListener(endpoint, bell.ring))
        # Deterministic, so that a killed peer rounds again as before; secret, as the key is.
        entropy = sha256(sign(Reading(seat, seat, "entropy", contract.federation.address, 0)))
        course = Course(
            spec.layout,
            rule_of(contract.parameters),
            spec.seed,
            int.from_bytes(entropy.digest()[:8], "big"),
            kept=spec.kept,
            algorithm=spec.algorithm,
        )
        share = describe_share(settings, spec)
        hosting = settings.host(folder, count_round_seconds(contract))
        place = describe_place(settings, spec, contract, seat, folder.resolve())
        commit_seconds = contract.parameters.commit_seconds
        train_seconds = choose_train_seconds(settings, commit_seconds, hosting)
        place = replace(place, train_seconds=train_seconds)

        def enrol(process: LearnerProcess) -> list[Pending]:
            learner = spec.learner, dict(spec.options)
            return [
                process.ask("enrol_share", (int(seat), *learner, share, place)),
                process.ask("follow", (int(seat), course)),
            ]

        trainer = opened.enter_context(ProcessTrainer(enrol, hosting))
        sender = Sender(contract.federation.web3, account)
        peer = Peer(
            seat=seat,
            contract=contract,
            sender=sender,
            blobs=store,
            exchange=FetcherExchange(fetcher),
            journal=journal,
            trainer=trainer,
            clock=clock,
        )
        daemon = Daemon(
            contract,
            peer,
            journal,
            shelves,
            trainer.connections,
            bell,
            Tallies(tally, sender.tally, trainer.tally),
            clock=clock,
            poll_seconds=poll_seconds,
        )
        rounds, waiting = Rounds(seat, contract, store, trainer), Waiting(peer, contract, clock)
        daemon.heed, daemon.has_judged = rounds.look, rounds.has_judged
        daemon.note_wait = waiting.look
        yield daemon


def open_fetcher(
    contract: Contract,
    store: DiskBlobs,
    account: Account,
    seat: Seat | None,
    settings: Settings,
    *,
    clock: Clock,
    notify: Callable[[], None],
    tally: Tally | None = None,
) -> Fetcher:
    """Return what fetches the blobs of other seats, in this seat's name, or (None) in nobody's,
    where those serve who have public blobs; to be entered."""
    sign = _signer(_signatures_of(contract), account)
    return Fetcher(
        store,
        endpoint_of=lambda other: _find_endpoint(contract, other),
        passport=None if seat is None else Passport(seat, sign=sign, clock=clock),
        ca_file=None if settings.ca is None else Path(settings.ca),
        notify=notify,
        tally=tally,
    )


def _signatures_of(contract: Contract) -> Signatures:
    return Signatures(contract.federation.chain_id, contract.federation.address)


def _signer(signatures: Signatures, account: Account) -> Callable[[Reading], bytes]:
    return lambda reading: signatures.sign(account, reading)  # type: ignore[arg-type]


@contextmanager
def open_contract(
    settings: Settings, *, kept: Path | None = None, confirmations: int = 0
) -> Iterator[Contract]:
    """Connect to the federation of a peer's settings, its history read and checked.

    `kept`: the file of what was read in an earlier life; one process at a time may have it. Raises
    PeerRefused where the settings name no federation, CheckpointRefused, HistoryFailed, WrongChain,
    NoContract, Unreachable.
    """
    if settings.contract is None:
        raise PeerRefused("settings: chain.contract", "the federation's address", "none")
    with ExitStack() as opened:
        web3 = opened.enter_context(open_endpoints(settings.rpc))
        if web3.eth.chain_id != settings.chain_id:
            raise WrongChain(settings.chain_id, web3.eth.chain_id)
        federation = open_federation(web3, settings.contract)
        history = None if kept is None else opened.enter_context(History(kept))
        observer = Observer(
            federation,
            created_at=_find_creation(federation, history),
            confirmations=confirmations,
            kept=history,
        )
        observer.poll()
        if not observer.history:
            raise PeerRefused(
                f"federation {settings.contract}",
                f"one that was created {confirmations} blocks ago",
                "a younger one",
            )
        check_descent(observer.ledger, settings.checkpoint)
        yield Contract(federation, observer, federation.get_parameters())


def _find_creation(federation: Federation, history: History | None) -> int:
    """Return the block of the creation; the chain is searched once, if there is a history."""
    name = f"{federation.chain_id} {federation.address}"
    known = None if history is None else history.find_creation(name)
    if known is not None:
        block = get_block(federation.web3, known[0])
        if block is not None and block.hash == known[1]:
            return block.number
    number = find_creation(federation)
    if history is not None:
        creation = get_block(federation.web3, number)
        if creation is None:
            raise Gone(number)
        history.begin(name, creation)
    return number


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
    seat = find_own_seat(contract, address)
    if seat is None:
        raise PeerRefused(f"seat of {address}", "one (holdfast peer join)", "none")
    return seat


def find_own_seat(contract: Contract, address: str) -> Seat | None:
    """Return the seat of a key; None: it has none."""
    for seat, record in contract.observer.ledger.seats.items():
        if record.owner.lower() == address.lower():
            return seat
    return None


def describe_share(settings: Settings, spec: Spec) -> Share:
    """Return which data this peer trains on: its own, unless its learner brings them."""
    return Share(
        source=OWN if spec.source == OWN else settings.source,
        label=choose_label(settings.label, spec.label),
        part=settings.share,
        partition=spec.partition,
        held_out=spec.held_out,
        seed=spec.seed,
        schema=spec.schema,
    )


def describe_place(
    settings: Settings, spec: Spec, contract: Contract, seat: Seat, notes: Path | None
) -> Place:
    """Return which of the federation's learners this peer's is: by its share, or by its seat."""
    which, count = settings.share or (seat + 1, contract.parameters.max_seats)
    return Place(which - 1, count, notes, spec.seed)


def count_round_seconds(contract: Contract) -> int:
    """Return how long a round can last."""
    return contract.parameters.commit_seconds + contract.parameters.attest_seconds


def choose_train_seconds(settings: Settings, commit_seconds: int, hosting: Hosting) -> float | None:
    """Return into which time a training is fitted: what the settings say, but never so long that
    its update would miss the round. None: it is not fitted."""
    wanted = settings.learner_train_seconds
    if wanted is None:
        return None
    seconds = cap_budget(wanted, commit_seconds, hosting.seconds)
    if seconds < wanted:
        LOG.warning(
            "act=pace error='learner.train_seconds: expected at most %g (%g of commit_seconds %d "
            "and of learner.seconds %s), got %d: taken as %g'",
            *(seconds, DEADLINE_SHARE, commit_seconds, hosting.seconds, wanted, seconds),
        )
    return seconds


def _find_endpoint(contract: Contract, seat: Seat) -> str | None:
    record = contract.observer.ledger.seats.get(seat)
    return None if record is None else record.endpoint
