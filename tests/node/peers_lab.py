"""Peers on a real contract on a chain in memory, with a toy to learn and every effect in reach."""

from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from chain.connect import connect_devnet
from chain.deployment import deploy
from chain.devnet.devnet import Devnet
from chain.mining import Mining
from chain.observer import Observer
from chain.sender import Sender
from chain.types import Parameters
from localnet.byzantine import Lying
from localnet.clock import SimulatedClock
from localnet.exchange import OUTSIDE, LocalExchange
from node.blobs.store import Blob, MemoryBlobs
from node.contract import Contract
from node.encoding import Layout, encode_model, to_payload
from node.journal import Journal
from node.merkle import MODEL_TAG, compute_root
from node.peer import Peer
from node.result import compute_result
from node.round import Wait
from node.spec import Spec, rule_of, write_spec
from node.training import Course, train
from node.watchtower import Watchtower

ETHER = 10**18
COORDINATES = 300  # an update of three leaves, a model of five
LAYOUT = Layout(("w",), ((COORDINATES,),), ("float64",))
SPEC = write_spec(Spec("toy", 5, "toy", {}, "none", None, "iid", 0.2, LAYOUT))
GENESIS = to_payload(encode_model(np.linspace(-1, 1, COORDINATES), 20))
PARAMETERS = {
    "coordinates": COORDINATES,
    "genesis": compute_root(GENESIS, MODEL_TAG),
    "update_bytes": 2,
    "update_bits": 14,
    "model_bits": 20,
    "weighting": 0,
    "selection": 1,
    "trim_bps": 0,
    "faults_bps": 2000,
    "clip": 50_000,
    "min_updates": 3,
    "min_stake_wei": ETHER,
    "max_seats": 8,
    "commit_seconds": 600,
    "grace_seconds": 30,
    "attest_seconds": 300,
    "challenge_seconds": 3600,
    "answer_seconds": 900,
    "retire_seconds": 3600,
    "max_missed": 10,
    "admission": bytes(32),
    "challenge_blocks": 0,
    "max_unsettled": 1024,
    "bond_wei": ETHER // 100,
    "challenger_cap_wei": ETHER // 10,
    "reward_wei_per_second": 0,
}


RECORDS = ("record_trained", "record_recomputed", "record_intention", "record_sending")


class Toy:
    """Moves towards a point of the seat's own."""

    def __init__(self, seat):
        self._aim = np.cos(np.arange(COORDINATES) + seat / 7)

    def fit(self, parameters, config):
        return [parameters[0] + 0.1 * (self._aim - parameters[0])], 10, {"steps": 1}


class InlineTrainer:
    """Trains where it is started; `entropy` stands for a learner that is no pure function."""

    def __init__(self, parameters, entropy=0):
        self._rule = rule_of(parameters)
        self._entropy = entropy
        self._fits = {}

    def start(self, seat, parent, job):
        course = Course(LAYOUT, self._rule, 5, 1000 * self._entropy + seat)
        self._fits.setdefault((seat, parent, job.round_id), train(Toy(seat), course, job))

    def find(self, seat, parent, round_id):
        return self._fits.pop((seat, parent, round_id), None)


class Crash(Exception):
    """The process is gone."""


@dataclass
class Fuse:
    """Raises Crash at the `at`-th touch; 0: never."""

    at: int = 0
    touches: int = 0

    def touch(self):
        self.touches += 1
        if self.touches == self.at:
            raise Crash


class Fused:
    """Something with effects, and a fuse touched before and after each of the named ones."""

    def __init__(self, target, fuse, *names):
        self._target = target
        self._fuse = fuse
        self._names = names

    def __getattr__(self, name):
        method = getattr(self._target, name)
        if name not in self._names:
            return method

        def call(*arguments):
            self._fuse.touch()
            result = method(*arguments)
            self._fuse.touch()
            return result

        return call


class Recording:
    """A sender that keeps what it was given."""

    def __init__(self, sender, sent):
        self._sender = sender
        self._sent = sent
        self.address = sender.address

    def submit(self, call, note):
        self._sent.append(call)
        return self._sender.submit(call, note)

    def find(self, pending):
        return self._sender.find(pending)

    def renew(self, pending, note):
        return self._sender.renew(pending, note)


@dataclass
class Lives:
    """What outlives a peer's process."""

    journal: object
    sent: list = field(default_factory=list)
    count: int = 0
    opened: object = None
    """The journal, as the latest life has it open."""


class PeersLab:
    """A federation of `seats` equal seats; a context manager. `directory` holds the journals.

    Peers believe a block once `confirmations` others stand on it.
    """

    def __init__(self, seats=4, directory=None, kinds=None, store=None, confirmations=0, **changed):
        self.confirmations = confirmations
        self.kinds = kinds or {}
        self._stack = ExitStack()
        self.clock = SimulatedClock()
        self.devnet = self._stack.enter_context(Devnet(clock=self.clock, accounts=seats + 1))
        self.web3 = connect_devnet(self.devnet)
        self.senders = [
            Sender(self.web3, account, is_gas_free=True) for account in self.devnet.accounts
        ]
        self.parameters = Parameters(**PARAMETERS | changed)
        deployment = deploy(self.web3, self.senders[0], SPEC, self.parameters)
        self.federation, self.created_at = deployment.federation, deployment.block
        for seat, sender in enumerate(self.senders[:seats]):
            sender.send(self.federation.call("join", f"local:{seat}", [], value_wei=ETHER))
        self.store = MemoryBlobs() if store is None else store
        genesis = Blob(self.parameters.genesis, len(GENESIS))
        self.store.put(genesis, GENESIS)
        honest = [seat for seat in range(seats) if seat not in (kinds or {})]
        self.exchange = LocalExchange(self.store, kinds or {}, honest)
        for seat in range(seats):
            self.exchange.hold(seat, genesis)
        self.mining = Mining(self.web3)
        self.mining.hold()
        self._confirm()
        self.observer = self.observe()
        self.contract = Contract(self.federation, self.observer, self.parameters)
        self.lives = [
            Lives(None if directory is None else directory / f"{seat}.db")
            for seat in range(seats + 1)
        ]
        self.peers = {seat: self.start(seat) for seat in range(seats)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def observe(self):
        observer = Observer(
            self.federation, created_at=self.created_at, confirmations=self.confirmations
        )
        observer.poll()
        return observer

    def raise_watchtower(self, fuse=None):
        """Let one without a seat take part, with the account behind those of the seats."""
        effects = self._effects(len(self.lives) - 1, OUTSIDE, fuse)
        # It fetches for hours what is hidden, and nothing of that is kept over a restart.
        effects["exchange"] = self.exchange.shelf(OUTSIDE)
        self.peers[OUTSIDE] = Watchtower(**effects)

    def start(self, seat, fuse=None, *, is_pure=True, **parts):
        """Build a seat's peer on what outlives it."""
        fuse = fuse or Fuse()
        effects = self._effects(seat, seat, fuse)
        trainer = InlineTrainer(self.parameters, 0 if is_pure else self.lives[seat].count)
        effects["trainer"] = Fused(trainer, fuse, "start", "find")
        kind = self.kinds.get(seat)
        if kind is not None:
            effects["is_guarding"] = kind.is_guarding
            if kind.is_lying:
                effects["compute"] = Lying(compute_result)
        return Peer(seat=seat, **effects | parts)

    def _effects(self, account, holder, fuse):
        """Build what every life of an account begins with; `holder` names its shelf."""
        lives, fuse = self.lives[account], fuse or Fuse()
        lives.count += 1
        journal = self._stack.enter_context(Journal(lives.journal))
        lives.opened = journal
        shelf = self.exchange.shelf(holder)
        sender = Recording(self.senders[account], lives.sent)
        return {
            "contract": self.contract,
            "sender": Fused(sender, fuse, "submit", "find", "renew"),
            "blobs": Fused(shelf, fuse, "keep"),
            "exchange": Fused(shelf, fuse, "start", "outcome"),
            "journal": Fused(journal, fuse, *RECORDS),
            "clock": self.clock,
        }

    def turn(self, on_crash=None):
        """Let every peer do all it can, then mine, or let time pass; False: nothing can happen."""
        self.observer.poll()
        times = []
        for seat in list(self.peers):
            times.append(self._exhaust(seat, on_crash))
        if any(peer.is_sending for peer in self.peers.values()):
            self.mining.mine()
            self._confirm()
            return True
        times = [time for time in times if time is not None and time > self.clock()]
        if times:
            self.clock.advance_to(min(times))
        return bool(times)

    def _confirm(self):
        for _ in range(self.confirmations):
            self.mining.mine()

    def _exhaust(self, seat, on_crash):
        while True:
            try:
                return exhaust(self.peers[seat])
            except Crash:
                self.peers[seat] = on_crash(seat)

    def reach(self, phase):
        """Play until the federation is in a phase and nobody has acted in it yet."""
        for _ in range(50):
            if self.peers[0].phase() is phase:
                return
            assert self.turn(), "the federation stands still"
            self.observer.poll()
        raise AssertionError(f"the federation never comes to {phase}")

    def play(self, rounds, on_crash=None):
        """Play until so many results are agreed, and return the ledger."""
        for _ in range(80 * rounds):
            self.observer.poll()
            if len(self.observer.ledger.agreed) >= rounds:
                return self.observer.ledger
            assert self.turn(on_crash), "the federation stands still"
        raise AssertionError("the federation does not get on")


def exhaust(peer):
    while not isinstance(action := peer.step(), Wait):
        pass
    return action.until
