"""A federation on one machine: a chain, peers in one process, a clock that jumps when all wait.

Everything that decides the outcome is drawn from the seed, and a pass over the peers is a barrier:
what is mined, and when, does not depend on which core was faster. So the same seed gives the same
head.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

from chain.types import Root, Seat
from localnet import kept
from localnet.chronicle import Chronicle
from localnet.cohort import Cohort
from localnet.errors import NobodyLearns, ScenarioRefused
from localnet.pool import Pool
from localnet.report import Progress, RoundEnded, Summary
from localnet.scenario import Scenario
from localnet.setting import Setting, build_setting
from node.errors import WorkerFailed
from node.learning.hosting import TRACEBACK, Hosting
from node.learning.process import Answer
from node.round import Phase
from node.settings import MEBIBYTE, MEMORY_MIB

PROGRESS_SECONDS = 1.0
"""Between two looks at learners that train."""
HARVEST_BLOCKS = 3
"""So many blocks take what the peers of a round have learned. The last one is mined when all have
and nobody trains, so it takes no more than each core's last peer; the others share the rest."""
TRIES = 3
"""So often in a row may the training of every peer fail."""


class Localnet:
    """A simulated federation; a context manager whose `run` goes on where it stopped.

    `directory` keeps chain, blobs and journals, or reopens those kept there; `endpoint` is that of
    a development node to run on instead of an embedded chain. `cores` None: all.
    With `shares_compute` the peers of this process share each recomputation; without it every peer
    does its own. `hosting`: how learners of one's own are kept, notes apart; None: the usual.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        directory: Path | None = None,
        endpoint: str | None = None,
        cores: int | None = None,
        shares_compute: bool = True,
        hosting: Hosting | None = None,
    ) -> None:
        scenario.check()
        self.scenario = scenario
        if directory is not None and endpoint is not None:
            raise ScenarioRefused("chain", "a folder to keep it in, or an endpoint", "both")
        self._directory = directory
        self._endpoint = endpoint
        self._cores = cores or _count_cores()
        self._shares_compute = shares_compute
        self._hosting = hosting or usual_hosting(scenario)
        self._kinds = scenario.seat_kinds()
        self._order = None if scenario.order_seed is None else random.Random(scenario.order_seed)
        self._stack = ExitStack()
        self._is_idle = False

    def __enter__(self) -> Self:
        self._started = perf_counter()
        try:
            self._workers = min(self._cores, self.scenario.peers)
            pool, notes = self._open_pool()
            self.setting: Setting = build_setting(
                self.scenario,
                lambda: Cohort(self.scenario, pool, notes),
                self._stack,
                directory=self._directory,
                endpoint=self._endpoint,
                shares_compute=self._shares_compute,
            )
        except WorkerFailed as error:
            told = self._save_tracebacks(error)
            self._stack.close()
            raise told from error
        except BaseException:
            self._stack.close()
            raise
        self._chronicle = Chronicle(
            lambda: self.setting.observer.ledger, self._judge, self._elapsed, self._now
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def run(self) -> Iterator[Progress | RoundEnded]:
        """Simulate until the rounds asked for have ended, or nothing can happen any more."""
        setting, chronicle = self.setting, self._chronicle
        chronicle.start()
        is_harvest = False
        while not self._is_idle:
            setting.observer.poll()
            chronicle.note()
            setting.cohort.poll()
            yield from chronicle.take()
            if chronicle.rounds_ended >= self.scenario.rounds:
                break
            if is_harvest and self.scenario.has_own_learner:
                yield from self._await_learners()
            wake_at = self._pass(releases=is_harvest)
            is_harvest = False
            yield self._progress()
            if self._is_sending():
                self._mine()
            elif setting.cohort.trainer.is_running:
                is_harvest = True
            elif wake_at is not None:
                self._check_somebody_learns()
                setting.clock.advance_to(wake_at)
            else:
                self._is_idle = True
        self._see_through()
        # Whoever was slashed counts no more.
        self._is_idle |= setting.peers[0].phase() is Phase.IDLE
        setting.cohort.wait(chronicle.pending())
        yield from chronicle.take()

    def summary(self) -> Summary:
        """Return what has come of it so far."""
        self.setting.cohort.wait(self._chronicle.pending())
        return self._chronicle.summarise(is_idle=self._is_idle)

    def _open_pool(self) -> tuple[Pool, Path | None]:
        """Return the workers, and the folder for what learners remember: those of one's own, and in
        a kept run the others too."""
        if not self.scenario.has_own_learner:
            pool = self._stack.enter_context(Pool(self._workers, apart=self._hosting))
            folder = self._directory
            return pool, None if folder is None else kept.learners_path(folder).resolve()
        if self._directory is None:
            notes = self._stack.enter_context(open_notes())
        else:
            notes = kept.learners_path(self._directory).resolve()

        def host(peer: int) -> Hosting:
            folder = kept.note_folder(notes, peer)
            folder.mkdir(parents=True, exist_ok=True)
            return replace(self._hosting, notes=folder)

        pool = Pool(self._workers, host, apart=self._hosting)
        return self._stack.enter_context(pool), notes

    def _save_tracebacks(self, error: WorkerFailed) -> WorkerFailed:
        """Copy what learners have raised out of a folder that will be emptied, since no run came
        about in it; return the error that names the copy."""
        if self._directory is None or kept.has_run(self._directory):
            return error
        notes = kept.learners_path(self._directory).resolve()
        saved = Path(tempfile.mkdtemp(prefix="holdfast-learners-"))
        for path in notes.rglob(TRACEBACK):
            copy = saved / path.relative_to(notes)
            copy.parent.mkdir(parents=True)
            shutil.copy(path, copy)
        got = str(error.got).replace(str(notes), str(saved))
        return WorkerFailed(error.reason, error.expected, got)

    def _await_learners(self) -> Iterator[Progress]:
        """Tell how far they are while all trainings go on: these may take long."""
        cohort = self.setting.cohort
        while cohort.trainer.unfinished:
            cohort.poll(PROGRESS_SECONDS)
            yield replace(self._progress(), training=cohort.describe_progress())

    def _pass(self, *, releases: bool) -> int | None:
        """Let every peer do all that it can now; return when the first of them wants to wake.

        With `releases` each first waits for its training, while those after it still train.
        """
        # Whoever is likely to finish first comes first: the others train while it is served.
        setting = self.setting
        peers = [setting.peers[index] for index in setting.cohort.order]
        peers = [peer for peer in peers if self._is_present(peer.seat)]
        if self._order is not None:
            self._order.shuffle(peers)
        now = self._now()
        early = max(0, len(peers) - self._workers)
        halts = {early * part // (HARVEST_BLOCKS - 1) for part in range(1, HARVEST_BLOCKS)}
        times = []
        for place, peer in enumerate(peers):
            if releases:
                setting.cohort.trainer.release(peer.seat)
                if place in halts:
                    # The others still train: time for the chain. Who comes first is no accident.
                    self._mine()
            times.append(peer.act())
        if setting.watchtower is not None:
            times.append(setting.watchtower.act())
        return min((time for time in times if time is not None and time > now), default=None)

    def _check_somebody_learns(self) -> None:
        """Raise NobodyLearns where every training fails: on this clock they would be tried for
        ever, and no round would begin."""
        failures = self.setting.cohort.trainer.failures
        if len(failures) >= TRIES * len(self.setting.peers):
            expected = f"one training of {len(failures)} that succeeds"
            raise NobodyLearns(f"learner {self.scenario.learner}", expected, failures[-1])

    def _see_through(self) -> None:
        """Let disputes that are open come to their end, while nobody begins another round."""
        setting = self.setting
        actors = [
            each for each in setting.actors if each.seat is None or self._is_present(each.seat)
        ]
        for peer in setting.peers:
            peer.takes_part = False
        while any(each.is_disputing for each in actors):
            times = [each.act() for each in actors]
            waits = [time for time in times if time is not None and time > self._now()]
            if self._is_sending():
                self._mine()
            elif waits:
                setting.clock.advance_to(min(waits))
            else:
                break
            setting.observer.poll()
        self._chronicle.note()
        for peer in setting.peers:
            peer.takes_part = True

    def _is_sending(self) -> bool:
        return any(each.is_sending for each in self.setting.actors)

    def _mine(self) -> None:
        """Mine what the peers have sent; nothing sent, no block."""
        if self._is_sending():
            self._chronicle.add_gas(self.setting.mining.mine())

    def _is_present(self, seat: Seat) -> bool:
        kind = self._kinds.get(seat)
        return kind is None or self._chronicle.rounds_ended >= kind.absent_rounds

    def _judge(self, model_root: Root) -> Answer:
        blob = self.setting.contract.naming.model_blob(model_root)
        return self.setting.cohort.evaluate(self.setting.store.get(blob))

    def _progress(self) -> Progress:
        return self._chronicle.describe_progress(self.setting.peers[0].phase())

    def _elapsed(self) -> float:
        return perf_counter() - self._started

    def _now(self) -> int:
        block = self.setting.observer.block
        return max(self.setting.clock(), block.timestamp if block else 0)


def usual_hosting(scenario: Scenario) -> Hosting:
    """Return how learners of one's own are kept where nobody has said: their code is where the
    command runs, and they have as long as a round can last."""
    return Hosting(
        code=Path.cwd(),
        seconds=scenario.commit_seconds + scenario.attest_seconds,
        memory_bytes=MEMORY_MIB * MEBIBYTE,
    )


@contextmanager
def open_notes() -> Iterator[Path]:
    """Have a folder for notes of learners, which stays only where one of them has failed."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-learners-"))
    try:
        yield folder
    finally:
        if not any(folder.rglob(TRACEBACK)):
            shutil.rmtree(folder)


def _count_cores() -> int:
    """Return the cores that this process may use; not every system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
