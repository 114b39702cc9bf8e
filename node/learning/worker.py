"""A training process: it serves one parent over a socket until that hangs up.

A program of its own rather than multiprocessing's child: that would import the parent's main
module, web3 and all, and it would inherit whatever threads the parent has. What it is given goes
through here and nowhere else: limits first, our modules next, the user's path after them, so that a
file of the user's that is called as one of ours shadows nothing of ours.
"""

import copy
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from chain.types import RoundId
from node.algorithms.catalogue import USUAL
from node.algorithms.guided import Guided
from node.calibration import Movement, measure_movement
from node.data.dataset import Dataset
from node.data.recipe_file import describe_recipe, write_recipe
from node.data.schema import Schema
from node.data.share import Share, read_source
from node.encoding import Model, decode_model, model_from_payload
from node.errors import NodeError, WorkerFailed
from node.learning.catalogue import build_learner
from node.learning.context import Context, State, describe_data, recall_state, write_state
from node.learning.errors import NotStarted
from node.learning.examination import Examination, Examined
from node.learning.failures import describe_failure, keep_traceback
from node.learning.flower_names import answer_imports
from node.learning.guest import Guest
from node.learning.hosting import Place
from node.learning.keeping import Keeping
from node.learning.learner import Learner
from node.learning.memory import NOWHERE, Line
from node.learning.paced import Paced
from node.learning.reference import is_reference, load_factory, seed_all
from node.learning.shapes import recognise
from node.learning.terms import ONE_STEP
from node.training import Course, Job, check_layout, train

JUDGED_SAMPLES = 2000
"""Of what a peer holds out: it judges each head, beside its training and in little memory. An
accuracy of one half is then off by 0.011 (one standard deviation), others by less."""
PR_SET_PDEATHSIG = 1  # prctl(2)
DOES = {
    **dict.fromkeys(("enrol", "enrol_share", "enrol_judge"), "start"),
    **dict.fromkeys(("describe", "follow"), "get_parameters"),
    **dict.fromkeys(("train", "measure"), "fit"),
    **dict.fromkeys(("evaluate_anew", "examine", "shuffle"), "evaluate"),
}
"""What a learner is asked for, in its author's words, where these are others than ours."""


class Worker:
    """The learners of some peers, and the course that each follows."""

    def __init__(self) -> None:
        self._learners: dict[int, Learner] = {}
        self._followers: dict[int, Learner] = {}
        self._courses: dict[int, Course] = {}
        self._places: dict[int, Place] = {}
        self._states: dict[int, State] = {}
        self._head: Model | None = None
        self._examination: Examination | None = None

    def enrol(
        self,
        peer: int,
        name: str,
        options: Mapping[str, Any],
        train_on: Any,
        test: Any,
        place: Place | None = None,
    ) -> None:
        """Build a peer's learner around its own part of the data; None: it brings its own."""
        place = place or Place(partition=peer)
        self._places[peer] = place
        if not is_reference(name):
            self._learners[peer] = build_learner(
                name, options, train=train_on, test=test, partition=place.partition
            )
            return
        state = self._states[peer] = recall_state(place)
        data = describe_data(train_on, test)
        context = Context(
            node_config={"partition-id": place.partition, "num-partitions": place.partitions},
            run_config=dict(options),
            state=state,
            data=data,
            node_id=place.partition,
        )
        # All peers' factories draw alike, so that what they begin with is alike.
        seed_all(place.seed)
        factory = load_factory(name)
        # Once more: what came with its module, such as torch, has seeded itself as it likes.
        seed_all(place.seed)
        found = factory(context)
        self._learners[peer] = Guest(recognise(found, options, place, data), options, place)

    def enrol_share(
        self, peer: int, name: str, options: dict[str, Any], share: Share, place: Place
    ) -> int | None:
        """Load a peer's part of its data and build its learner around it; beside that, only some of
        what it judges on is kept. Returns how many samples it trains on; None: the learner brings
        its own."""
        train_on, held_out = share.load()
        if train_on is None or held_out is None:
            self.enrol(peer, name, options, None, None, place)
            return None
        if place.notes is not None:
            write_recipe(place.notes, describe_recipe(train_on))
        self.enrol(peer, name, options, train_on, _take_some(held_out, share.seed), place)
        return train_on.samples

    def enrol_judge(
        self, peer: int, name: str, options: dict[str, Any], share: Share, place: Place
    ) -> None:
        """Load what nobody trains on and build a learner around it that judges."""
        _, held_out = share.load()
        self.enrol(peer, name, options, held_out, held_out, place)

    def read(self, source: str, label: str | None, schema: Schema) -> Dataset:
        """Return the data of a source, also of one that is code."""
        return read_source(source, label, schema)

    def describe(self, peer: int) -> tuple[list[str], list[Any]]:
        """Return the names and the arrays of the model that a learner starts from."""
        learner, place = _find(self._learners, peer), self._places[peer]
        arrays = learner.get_parameters({"seed": place.seed})
        names = getattr(learner, "parameter_names", None)
        return list(names or (f"array_{at}" for at in range(len(arrays)))), arrays

    def follow(self, peer: int, course: Course) -> None:
        """Set a peer's course, after checking that its learner is the spec's."""
        kept, learner = course.kept, _find(self._learners, peer)
        if peer not in self._states and (kept or course.algorithm != USUAL):
            self._states[peer] = recall_state(self._places[peer])
        if kept:
            learner = Keeping(learner, kept, self._states[peer])
        check_layout(course.layout, learner, course.seed)
        if course.algorithm != USUAL:
            learner = Guided(learner, course.algorithm, course.layout, self._states[peer])
        place = self._places[peer]
        # A round of one step has nothing to be fitted.
        if place.train_seconds is not None and ONE_STEP not in course.algorithm.needs:
            learner = Paced(learner, place.train_seconds, place.notes, monotonic)
        self._followers[peer] = learner
        self._courses[peer] = course

    def train(
        self,
        peer: int,
        round_id: RoundId,
        tag: bytes,
        head: Model | None,
        line: Line = NOWHERE,
    ) -> Any:
        """Train one round on `head`; None: on the one that came last."""
        if head is not None:
            self._head = head
        assert self._head is not None, "a head comes with the first training on it"
        job = Job(round_id, self._head, tag, line)
        learner = _find(self._followers, peer)
        fit = train(learner, self._courses[peer], job)
        if peer in self._states:
            write_state(self._places[peer].notes, self._states[peer])
        return fit

    def measure(self, peer: int, head: Model) -> Movement:
        """Train a round that nobody sees; of the state nothing changes."""
        course, state = self._courses[peer], self._states.get(peer, State())
        remembered = copy.deepcopy(dict(state))
        values = decode_model(head, course.rule.model_bits)
        config = {"seed": course.seed, "round": 0}
        arrays, _, _ = self._followers[peer].fit(course.layout.unflatten(values), config)
        state.clear()
        state.update(remembered)
        return measure_movement(course.layout, values, course.layout.flatten(arrays))

    def evaluate(self, peer: int, payload: bytes, model_bits: int) -> Any:
        """Judge a model on the peer's test data."""
        learner, course = _find(self._followers, peer), self._courses[peer]
        model = model_from_payload(payload, course.layout.coordinates)
        arrays = course.layout.unflatten(decode_model(model, model_bits))
        judged = learner.evaluate(arrays, {"seed": course.seed, "round": 0})
        loss, samples, metrics = judged
        # A learner may return anything: what it cannot be is told here, where it costs nobody else.
        told = {name: each for name, each in metrics.items() if name != "accuracy_by_class"}
        if "accuracy" in metrics:
            told["accuracy"] = float(metrics["accuracy"])
        by_class = metrics.get("accuracy_by_class")
        if isinstance(by_class, Mapping):
            # Told where it is a table of numbers; nobody else's judgement hangs on it.
            with suppress(TypeError, ValueError):
                told["accuracy_by_class"] = {
                    str(name): float(each) for name, each in by_class.items()
                }
        return float(loss), int(samples), told

    def examine(
        self,
        peer: int,
        name: str,
        options: dict[str, Any],
        share: Share,
        place: Place,
        course: Course,
        payload: bytes,
    ) -> Examined:
        """Judge a model on the peer's test data, class by class, and keep it for `shuffle`."""
        train_on, held_out = share.load()
        test = None if held_out is None else _take_some(held_out, share.seed)

        def judge(rows: Dataset | None) -> Any:
            # A learner has its rows from when it is built, so each judgement has its own.
            worker = Worker()
            worker.enrol(peer, name, options, train_on, rows, place)
            worker.follow(peer, course)
            return worker.evaluate(peer, payload, course.rule.model_bits)

        self._examination = Examination(judge, train_on, test)
        return self._examination.describe()

    def shuffle(self, peer: int, column: int, repeat: int, seed: int) -> float:
        """Return what one shuffle of a column costs of the score."""
        assert self._examination is not None, "a model is examined first"
        return self._examination.shuffle(column, repeat, seed)

    def evaluate_anew(self, peer: int, payload: bytes, model_bits: int) -> Any:
        """Judge as the learner in another process would, which keeps its notes in the same place:
        by what that one remembers now."""
        state = self._states[peer]
        remembered = recall_state(self._places[peer])
        if remembered:
            state.clear()
            state.update(remembered)
        return self.evaluate(peer, payload, model_bits)


def _find(learners: Mapping[int, Learner], peer: int) -> Learner:
    if peer not in learners:
        raise NotStarted("learner", "one that was started", "none")
    return learners[peer]


def _take_some(held_out: Dataset, seed: int) -> Dataset:
    if held_out.samples <= JUDGED_SAMPLES:
        return held_out
    chosen = np.random.default_rng(seed).permutation(held_out.samples)[:JUDGED_SAMPLES]
    return held_out.take(np.sort(chosen))


def serve(connection: Connection, notes: Path | None) -> None:
    """Answer (method, arguments) with (True, result), or (False, the error) for what is refused."""
    worker = Worker()
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, ConnectionError):
            return
        try:
            answer = (True, getattr(worker, method)(*arguments))
        except NotStarted as error:
            # The traceback that is there says why.
            answer = (False, error)
        except NodeError as error:
            keep_traceback(notes, error)
            answer = (False, error)
        # A learner may raise anything, SystemExit too; its peer is told.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            kept = keep_traceback(notes, error)
            reason = describe_failure(error, kept)
            asked = DOES.get(method, method)
            answer = (False, WorkerFailed(f"learner: {asked}", "an answer", reason))
        try:
            connection.send(answer)
        except ConnectionError:
            # The parent has given up, and said why itself.
            return


def main(arguments: Sequence[str]) -> None:
    """Serve the parent at the other end of a descriptor: FD, and a hosting as JSON."""
    descriptor, text = arguments
    hosting = json.loads(text)
    # The parent's terminal sends its interrupt to all; the parent decides.
    os.setpgid(0, 0)
    # An endless loop never sees that the parent has hung up.
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if hosting["memory_bytes"] is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (hosting["memory_bytes"], hard))
    if hosting["code"] is not None:
        sys.path.insert(0, hosting["code"])
    answer_imports()
    notes = hosting["notes"]
    serve(Connection(int(descriptor)), None if notes is None else Path(notes))
