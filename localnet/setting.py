"""Everything a simulation needs before its first round: the chain, the contract, the seats, the
peers."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chain.deployment import Deployment, deploy
from chain.federation import Federation
from chain.mining import Mining
from chain.observer import Observer
from chain.sender import Sender
from chain.types import Clock, Root, Seat
from localnet import kept
from localnet.byzantine import Byzantine, Lying
from localnet.clock import SimulatedClock
from localnet.cohort import Cohort, Task
from localnet.errors import KeptRunRefused
from localnet.exchange import OUTSIDE, LocalExchange
from localnet.ground import open_embedded, open_outside
from localnet.scenario import ETHER, Scenario
from node.blobs.disk import DiskBlobs
from node.blobs.store import Blob, Blobs, MemoryBlobs
from node.contract import Contract
from node.data.recipe_file import write_recipe
from node.encoding import Model, Update
from node.journal import Journal
from node.peer import Peer
from node.refutation import open_case
from node.result import Compute, Result, compute_result
from node.rule.parameters import Member, Roll, Rule
from node.training import Trainer
from node.watchtower import Watchtower
from node.whole_file import EVERYBODYS

REMEMBERED_RESULTS = 8


class SharedCompute:
    """One recomputation for all peers of this process: same inputs, same bits, so once is
    enough."""

    def __init__(self) -> None:
        self._results: dict[tuple[object, ...], Result] = {}

    def __call__(
        self,
        rule: Rule,
        roll: Roll,
        members: Sequence[Member],
        head: Model,
        updates: Sequence[Update],
        roots: Sequence[Root],
    ) -> Result:
        inputs = (rule, roll, tuple(members), tuple(roots))
        if inputs not in self._results:
            result = compute_result(rule, roll, members, head, updates, roots)
            while len(self._results) >= REMEMBERED_RESULTS:
                del self._results[next(iter(self._results))]
            self._results[inputs] = result
        return self._results[inputs]


@dataclass(frozen=True)
class Setting:
    """A federation ready for its next round."""

    task: Task
    contract: Contract
    observer: Observer
    mining: Mining
    clock: SimulatedClock
    cohort: Cohort
    store: Blobs
    peers: tuple[Peer, ...]
    watchtower: Watchtower | None
    created_at: int

    @property
    def actors(self) -> tuple[Peer | Watchtower, ...]:
        """All who act: the peers, and the watchtower if there is one."""
        return self.peers if self.watchtower is None else (*self.peers, self.watchtower)


def build_setting(
    scenario: Scenario,
    gather: Callable[[], Cohort],
    stack: ExitStack,
    *,
    directory: Path | None,
    endpoint: str | None,
    shares_compute: bool,
) -> Setting:
    """Create the federation, or reopen the one kept in `directory`; `stack` closes what is
    opened. `gather` brings the learners; they may keep notes in the folder, so not before that is
    ours. `endpoint` names a development node; None: the chain is embedded."""
    assert directory is None or endpoint is None, "a chain of others is not ours to keep"
    run = None
    if directory is not None and kept.has_run(directory):
        cohort = gather()
        run = _check_same(directory, scenario, cohort.data_fingerprint)
    else:
        if directory is not None:
            stack.enter_context(kept.founding(directory))
        cohort = gather()
    ground = stack.enter_context(
        open_embedded(scenario, directory) if endpoint is None else open_outside(scenario, endpoint)
    )
    senders, mining, clock = ground.senders, ground.mining, ground.clock
    store: Blobs = MemoryBlobs() if directory is None else DiskBlobs(kept.blobs_path(directory))
    if run is not None:
        federation, created_at = Federation(senders[0].web3, run.address), run.created_at
        task = cohort.create_task(federation.get_parameters())
        if federation.get_parameters() != task.parameters:
            raise KeptRunRefused(
                "kept run", "the parameters on its chain", "others, calibrated anew"
            )
    else:
        task = cohort.create_task()
        deployment = _found(scenario, task, senders[: scenario.peers])
        federation, created_at = deployment.federation, deployment.block
        store.put(_genesis_blob(task), task.genesis)
        if directory is not None:
            run = kept.KeptRun(
                scenario,
                federation.chain_id,
                federation.address,
                created_at,
                len(senders),
                cohort.data_fingerprint,
            )
            if cohort.recipe is not None:
                write_recipe(directory, cohort.recipe, mode=EVERYBODYS)
            kept.write_run(directory, run, task.text)
    observer = Observer(federation, created_at=created_at)
    observer.poll()
    assert observer.block is not None, "the creation was mined"
    clock.advance_to(observer.block.timestamp)
    mining.hold()
    contract = Contract(federation, observer, task.parameters)
    exchange = _stock(scenario, contract, store)
    peers = _build_peers(
        contract,
        exchange,
        senders[: scenario.peers],
        [_open_journal(stack, directory, index) for index in range(scenario.peers)],
        trainer=cohort.trainer,
        clock=clock,
        compute=SharedCompute() if shares_compute else compute_result,
        kinds=scenario.seat_kinds(),
    )
    watchtower = None
    if scenario.watchtower:
        shelf = exchange.shelf(OUTSIDE)
        watchtower = Watchtower(
            contract=contract,
            sender=senders[-1],
            blobs=shelf,
            exchange=shelf,
            journal=_open_journal(stack, directory, scenario.peers),
            clock=clock,
        )
    return Setting(
        task, contract, observer, mining, clock, cohort, store, peers, watchtower, created_at
    )


def _open_journal(stack: ExitStack, directory: Path | None, peer: int) -> Journal:
    path = None if directory is None else kept.journal_path(directory, peer)
    return stack.enter_context(Journal(path))


def _build_peers(
    contract: Contract,
    exchange: LocalExchange,
    senders: Sequence[Sender],
    journals: Sequence[Journal],
    *,
    trainer: Trainer,
    clock: Clock,
    compute: Compute,
    kinds: Mapping[int, Byzantine],
) -> tuple[Peer, ...]:
    """Return a peer for every seat, with what it had learned by its journal on its shelf."""
    peers = []
    for index, (sender, journal) in enumerate(zip(senders, journals, strict=True)):
        seat = Seat(index)
        for _, round_id, trained in journal.trained():
            exchange.hold(seat, contract.naming.update_blob(round_id, seat, trained.root))
        shelf, kind = exchange.shelf(seat), kinds.get(seat)
        peers.append(
            Peer(
                seat=seat,
                contract=contract,
                sender=sender,
                blobs=shelf,
                exchange=shelf,
                journal=journal,
                trainer=trainer,
                clock=clock,
                compute=Lying(compute) if kind is not None and kind.is_lying else compute,
                is_guarding=kind is None or kind.is_guarding,
            )
        )
    return tuple(peers)


def _found(scenario: Scenario, task: Task, senders: Sequence[Sender]) -> Deployment:
    """Deploy the contract and take the seats, peer i in seat i, each with the same stake."""
    assert scenario.peers == len(senders), "a key for every peer"
    deployment = deploy(senders[0].web3, senders[0], task.text, task.parameters)
    for index, sender in enumerate(senders):
        sender.send(deployment.federation.call("join", f"local:{index}", [], value_wei=ETHER))
    return deployment


def _genesis_blob(task: Task) -> Blob:
    return Blob(task.parameters.genesis, len(task.genesis))


def _stock(scenario: Scenario, contract: Contract, store: Blobs) -> LocalExchange:
    """Return the exchange, each peer's shelf filled with what it had: the first model, and what it
    voted for with all that this was computed from."""
    kinds = scenario.seat_kinds()
    honest = [Seat(seat) for seat in range(scenario.peers) if seat not in kinds]
    exchange = LocalExchange(store, kinds, honest)
    for seat in (*range(scenario.peers), OUTSIDE):
        exchange.hold(Seat(seat), contract.naming.model_blob(contract.parameters.genesis))
    ledger = contract.observer.ledger
    for key, votes in ledger.votes.items():
        case = open_case(ledger, contract.naming, key)
        for seat in votes:
            for blob in (case.old, case.new, *case.updates.values()):
                exchange.hold(seat, blob)
    return exchange


def _check_same(directory: Path, scenario: Scenario, data: str) -> kept.KeptRun:
    run = kept.read_run(directory)
    changes = run.scenario.find_changes(scenario)
    if changes is not None:
        raise KeptRunRefused(f"run kept in {directory}", *changes)
    if run.data != data:
        raise KeptRunRefused(f"run kept in {directory}", "the data it was begun with", "other data")
    return run
