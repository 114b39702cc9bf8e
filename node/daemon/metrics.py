"""The numbers of a peer at work for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

Served over plain HTTP without any guard, so for loopback or an inner network. Nothing secret is
among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from chain.types import Block, Clock, RoundId, Wei
from node.blobs.standing import Kind
from node.daemon.daemon import Daemon
from node.errors import MetricsRefused
from node.round import Phase

ETHER = 10**18


@dataclass(frozen=True)
class Standing:
    """Where the federation and the peer's account stood at the last look at the chain."""

    round: RoundId
    height: int
    phase: Phase
    block: Block
    balance_wei: Wei


class Metrics(Collector):
    """Serves a daemon's numbers at `host`:`port` (0: any free one); a context manager, to be left
    before the daemon is. Raises MetricsRefused."""

    def __init__(self, daemon: Daemon, address: str, clock: Clock, *, host: str, port: int) -> None:
        self._daemon = daemon
        self._address = address
        self._clock = clock
        self._host = host
        self.port = port
        # Another thread asks: replaced whole, so that it sees one look or the next.
        self._standing: Standing | None = None

    def __enter__(self) -> Self:
        registry = CollectorRegistry()
        registry.register(self)
        try:
            self._server, self._thread = start_http_server(self.port, self._host, registry)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MetricsRefused(
                f"metrics at {self._host}:{self.port}", "a free port", reason
            ) from error
        self.port = self._server.server_port
        self._daemon.watch = self._look
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def collect(self) -> Iterator[Metric]:
        """Return all numbers as they are now."""
        contract, peer = self._daemon.contract, self._daemon.peer
        seat = "none" if peer.seat is None else str(peer.seat)
        info = {"contract": contract.federation.address, "seat": seat}
        yield InfoMetricFamily(
            "holdfast_peer", "Which peer this is.", {**info, "key": self._address}
        )
        yield from self._collect_standing()
        yield from self._collect_sending()
        yield from self._collect_blobs()

    def _look(self) -> None:
        observer, last = self._daemon.contract.observer, self._standing
        ledger, block = observer.ledger, observer.block
        assert block is not None, "it was polled"
        if last is not None and last.block == block:
            balance_wei = last.balance_wei
        else:
            balance_wei = self._daemon.contract.federation.get_balance(self._address)
        phase, height = self._daemon.peer.phase(), ledger.head().height
        self._standing = Standing(ledger.round.number, height, phase, block, balance_wei)

    def _collect_standing(self) -> Iterator[Metric]:
        now = self._standing
        if now is None:
            return
        yield _gauge("round", "Number of the open round, or of the last one.", now.round)
        yield _gauge("height", "Height of the head: how many rounds were agreed.", now.height)
        phases = GaugeMetricFamily(
            "holdfast_phase", "1 for the phase that is now.", labels=["phase"]
        )
        for phase in Phase:
            phases.add_metric([phase.value], phase is now.phase)
        yield phases
        yield _gauge("block", "Number of the block that was read last.", now.block.number)
        age = self._clock() - now.block.timestamp
        yield _gauge("block_age_seconds", "This clock less the time of that block.", age)
        ether = now.balance_wei / ETHER
        yield _gauge("balance_ether", "What the account owns beside its stake.", ether)

    def _collect_sending(self) -> Iterator[Metric]:
        tallies, sending = self._daemon.tallies, self._daemon.tallies.sending
        yield _counter("commits", "Own commitments seen on the chain.", tallies.commits)
        yield _counter("votes", "Own votes seen on the chain.", tallies.votes)
        yield _counter("chain_failures", "Looks at the chain that failed.", tallies.chain_failures)
        yield _counter("transactions_sent", "Handed to the node, once each.", sending.sent)
        yield _counter("transactions_replaced", "Sent again with higher fees.", sending.replaced)
        yield _counter("transactions_mined", "Mined, and done.", sending.mined)
        yield _counter("transactions_reverted", "Mined, and refused.", sending.reverted)
        yield _counter("gas_used", "Gas of all that was mined.", sending.gas_used)

    def _collect_blobs(self) -> Iterator[Metric]:
        blobs, training = self._daemon.tallies.blobs, self._daemon.tallies.training
        yield _counter("served_bytes", "Bytes of blobs that others took.", blobs.served_bytes)
        yield _counter("fetched_bytes", "Bytes of blobs that came.", blobs.fetched_bytes)
        yield _counter("fetches", "Blobs that came whole and sound.", blobs.fetched)
        yield _counter("fetch_failures", "Blobs that nobody gave.", blobs.missed)
        sources = CounterMetricFamily(
            "holdfast_source_failures",
            "Sources that had no blob (absent), gave no answer (failed), or a wrong one (bad).",
            labels=["kind"],
        )
        for kind in Kind:
            sources.add_metric([kind.value], blobs.failures[kind.value])
        yield sources
        seconds = SummaryMetricFamily(
            "holdfast_training_seconds", "Trainings, and how long they took."
        )
        seconds.add_metric([], training.trained + training.failed, training.seconds)
        yield seconds
        yield _counter("training_failures", "Trainings that came to nothing.", training.failed)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"holdfast_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"holdfast_{name}", text, value)
