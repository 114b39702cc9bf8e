"""Who says how good the heads of a federation of programs are: learners of its own, in a process
beside the peers'.

Where Holdfast deals the data one learner judges, on what no peer trains on. Where learners bring
their own, each seat's judges on its own, and remembers what it remembers in that peer's folder.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from chain.types import Seat
from localnet.fleet.fleet import Fleet
from localnet.judgement import JointJudgement
from localnet.scenario import Scenario
from node.contract import Contract
from node.daemon.opening import count_round_seconds
from node.data.share import OWN, Share, choose_label
from node.errors import NodeError
from node.learning.hosting import Hosting, Place
from node.learning.process import Answer, LearnerProcess, Pending
from node.learning.reference import is_reference
from node.settings import read_settings
from node.spec import Spec, rule_of
from node.training import Course

LOG = logging.getLogger("holdfast.localnet")

JUDGE = Seat(0)
"""Whose place the one judge has, where one is enough."""


class Judges:
    """A context manager. A process that has ended, because a learner crashed or took too long, is
    begun anew for the next head. Raises what the data and the learner refuse."""

    def __init__(self, fleet: Fleet, scenario: Scenario, contract: Contract, spec: Spec) -> None:
        self._fleet = fleet
        self._contract = contract
        self._spec = spec
        self._is_own = is_reference(spec.learner)
        each_brings = spec.source == OWN
        self._seats = [Seat(i) for i in range(scenario.peers)] if each_brings else [JUDGE]
        self._peers = scenario.peers

    def __enter__(self) -> Self:
        self._process = self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.close()

    def connections(self) -> list[Connection]:
        """Return what is readable when there is something to hear; one that has died would be
        readable for ever."""
        return [self._process.connection] if self._process.is_busy else []

    def judge(self, payload: bytes) -> Answer:
        """Ask for loss, samples and metrics of a model. A learner of one's own may fail at it: its
        seat is left out then."""
        if not self._process.is_alive:
            self._process.close()
            try:
                self._process = self._begin()
            except NodeError as error:
                # The federation goes on unjudged; the next head is another try.
                LOG.warning("act=judge error=%r", str(error))
                return JointJudgement({})
        bits = self._contract.parameters.model_bits
        if not self._is_own:
            return self._process.ask("evaluate", (JUDGE, payload, bits))
        return JointJudgement(
            {
                seat: self._process.ask("evaluate_anew", (seat, payload, bits))
                for seat in self._seats
            }
        )

    def poll(self) -> None:
        """Take the answers that are there."""
        self._process.poll()

    def wait(self, answers: Sequence[Answer]) -> None:
        """Return when all of these are answered."""
        while not all(each.is_done for each in answers):
            if self._process.connection.poll(self._process.seconds_left()):
                self._process.collect()
            self._process.enforce()

    def _begin(self) -> LearnerProcess:
        process = LearnerProcess(self._host())
        try:
            for pending in [asked for seat in self._seats for asked in self._enrol(process, seat)]:
                process.settle(pending)
            # From here on it looks on, and the cores are for the peers; to begin like this could
            # take minutes where they leave nothing.
            process.give_way()
        except BaseException:
            process.close()
            raise
        return process

    def _host(self) -> Hosting | None:
        """Return how judges of one's own are kept: as their peers' learners, but for the log. None:
        neither they nor their data are code."""
        folder = self._fleet.peer_folder(JUDGE)
        settings = read_settings(folder)
        if not self._is_own and ":" not in settings.source:
            return None
        hosting = settings.host(folder, count_round_seconds(self._contract))
        notes = self._fleet.judge_notes()
        if not self._is_own:
            # Only the data are code; a learner of ours judges all that is held out, in its time.
            return Hosting(code=hosting.code, notes=notes)
        # One process has the learners of all seats that judge.
        limit = hosting.memory_bytes
        memory = None if limit is None else limit * len(self._seats)
        return replace(hosting, notes=notes, memory_bytes=memory)

    def _enrol(self, process: LearnerProcess, seat: Seat) -> list[Pending]:
        spec, folder = self._spec, self._fleet.peer_folder(seat)
        settings = read_settings(folder)
        source = OWN if spec.source == OWN else settings.source
        label = choose_label(settings.label, spec.label)
        share = Share(source, label, None, spec.partition, spec.held_out, spec.seed, spec.schema)
        place = Place(seat, self._peers, folder.resolve(), spec.seed)
        course = Course(
            spec.layout, rule_of(self._contract.parameters), spec.seed, 0, kept=spec.kept
        )
        learner = spec.learner, dict(spec.options)
        return [
            process.ask("enrol_judge", (seat, *learner, share, place)),
            process.ask("follow", (seat, course)),
        ]
