"""What a federation of programs does, seen from outside: rounds as they end, and how good the head
is."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.connection import wait
from time import perf_counter, time
from types import TracebackType
from typing import Self

from chain.connect import open_endpoint, open_federation
from chain.federation import find_creation
from chain.heads import HeadListener
from chain.observer import Observer
from chain.rpc import ask
from chain.types import Root, RoundId, Seat
from localnet.chronicle import Chronicle
from localnet.errors import FleetRefused
from localnet.fleet.fleet import Charter, Fleet
from localnet.fleet.judging import Judges
from localnet.report import Progress, RoundEnded, Summary
from node.blobs.disk import DiskBlobs
from node.blobs.store import Blob
from node.contract import Contract
from node.daemon.bell import Bell
from node.learning.process import Answer
from node.round import Phase
from node.settings import BLOBS
from node.spec import parse_spec
from node.view import build_view, find_missing

POLL_SECONDS = 0.5
"""Between two looks, where no block is told of."""
PATIENCE_SECONDS = 5.0
"""So long nothing may come of anybody before it is said whom a round waits for."""


class Following:
    """Reports a federation's rounds; a context manager. `began_at`: when it was begun to be built,
    by `perf_counter`."""

    def __init__(self, fleet: Fleet, charter: Charter, began_at: float) -> None:
        self._fleet = fleet
        self._charter = charter
        self._began_at = began_at
        self._opened = ExitStack()
        self._counted = 0
        self._waiting: tuple[RoundId, Phase, tuple[Seat, ...]] | None = None
        self._waiting_since = 0.0

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            web3 = opened.enter_context(open_endpoint(self._charter.socket_url))
            federation = open_federation(web3, self._charter.contract)
            observer = Observer(federation, created_at=find_creation(federation))
            observer.poll()
            self.contract = Contract(federation, observer, federation.get_parameters())
            assert observer.block is not None, "the creation was mined"
            self._counted = observer.block.number
            self._bell = Bell()
            opened.callback(self._bell.close)
            opened.enter_context(HeadListener(self._charter.url, self._bell.ring))
            self._judges = opened.enter_context(
                Judges(
                    self._fleet,
                    self._charter.scenario,
                    self.contract,
                    parse_spec(observer.ledger.spec),
                )
            )
            self._chronicle = Chronicle(
                lambda: observer.ledger, self._judge, self._elapsed, self._now
            )
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def run(self, rounds: int | None) -> Iterator[Progress | RoundEnded]:
        """Watch until so many rounds have ended since the beginning; None: for ever.

        Raises Unreachable where the chain is gone.
        """
        chronicle = self._chronicle
        chronicle.start()
        while True:
            self.look()
            yield from chronicle.take()
            if rounds is not None and chronicle.rounds_ended >= rounds:
                break
            yield self._progress()
            wait([self._bell.connection, *self._judges.connections()], POLL_SECONDS)
            self._bell.mute()
        self._judge_all()
        yield from chronicle.take()

    def summary(self) -> Summary:
        """Return what has come of it so far."""
        self._judge_all()
        return self._chronicle.summarise()

    def look(self) -> None:
        """Read the chain as far as it is."""
        observer, chronicle = self.contract.observer, self._chronicle
        observer.poll()
        assert observer.block is not None, "it was polled before"
        while self._counted < observer.block.number:
            self._counted += 1
            web3 = self.contract.federation.web3
            block = ask(web3, "eth_getBlockByNumber", hex(self._counted), False)
            chronicle.add_gas(int(block["gasUsed"], 16))
        chronicle.note()
        self._judges.poll()

    def _judge(self, model_root: Root) -> Answer:
        """Ask how good a model is; whoever voted for it has it."""
        blob = self.contract.naming.model_blob(model_root)
        return self._judges.judge(self._find(blob))

    def _find(self, blob: Blob) -> bytes:
        for seat in range(self._charter.scenario.peers):
            store = DiskBlobs(self._fleet.peer_folder(seat) / BLOBS)
            if store.has(blob):
                return store.get(blob)
        raise FleetRefused(f"model 0x{blob.root.hex()}", "one in a peer's folder", "none")

    def _judge_all(self) -> None:
        self._judges.wait(self._chronicle.pending())

    def _progress(self) -> Progress:
        ledger = self.contract.observer.ledger
        phase = build_view(ledger, Seat(0)).phase(self._now())
        progress = self._chronicle.describe_progress(phase)
        waiting = progress.round, phase, find_missing(ledger, phase)
        if waiting != self._waiting:
            self._waiting, self._waiting_since = waiting, progress.seconds
        has_waited = progress.seconds - self._waiting_since >= PATIENCE_SECONDS
        return replace(progress, waits_for=waiting[-1]) if has_waited else progress

    def _elapsed(self) -> float:
        return perf_counter() - self._began_at

    def _now(self) -> int:
        block = self.contract.observer.block
        return max(int(time()), block.timestamp if block else 0)
