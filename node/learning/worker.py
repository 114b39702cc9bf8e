"""A training process: `python -m node.learning.worker FD` serves one parent over a socket until it
hangs up.

A program of its own rather than multiprocessing's child: that would import the parent's main
module, web3 and all, and it would inherit whatever threads the parent has.
"""

import os
import sys
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from chain.types import RoundId
from node.data.dataset import Dataset
from node.data.share import Share
from node.encoding import Model, decode_model, model_from_payload
from node.errors import NodeError, WorkerFailed
from node.learning.catalogue import build_learner
from node.learning.learner import Learner
from node.training import Course, Job, check_layout, train

JUDGED_SAMPLES = 2000
"""Of what a peer holds out: it judges each head, beside its training and in little memory. An
accuracy of one half is then off by 0.011 (one standard deviation), others by less."""


class Worker:
    """The learners of some peers, and the course that each follows."""

    def __init__(self) -> None:
        self._learners: dict[int, Learner] = {}
        self._courses: dict[int, Course] = {}
        self._head: Model | None = None

    def enrol(
        self, peer: int, name: str, options: dict[str, Any], train_on: Any, test: Any
    ) -> None:
        """Build a peer's learner around its own part of the data."""
        self._learners[peer] = build_learner(
            name, options, train=train_on, test=test, partition=peer
        )

    def enrol_share(self, peer: int, name: str, options: dict[str, Any], share: Share) -> int:
        """Load a peer's part of its data and build its learner around it; beside that, only some of
        what it judges on is kept. Returns how many samples it trains on."""
        train_on, held_out = share.load()
        self.enrol(peer, name, options, train_on, _take_some(held_out, share.seed))
        return train_on.samples

    def enrol_judge(self, peer: int, name: str, options: dict[str, Any], share: Share) -> None:
        """Load what nobody trains on and build a learner around it that judges."""
        _, held_out = share.load()
        self.enrol(peer, name, options, held_out, held_out)

    def follow(self, peer: int, course: Course) -> None:
        """Set a peer's course, after checking that its learner is the spec's."""
        check_layout(course.layout, self._learners[peer], course.seed)
        self._courses[peer] = course

    def train(self, peer: int, round_id: RoundId, tag: bytes, head: Model | None) -> Any:
        """Train one round on `head`; None: on the one that came last."""
        if head is not None:
            self._head = head
        assert self._head is not None, "a head comes with the first training on it"
        return train(self._learners[peer], self._courses[peer], Job(round_id, self._head, tag))

    def evaluate(self, peer: int, payload: bytes, model_bits: int) -> Any:
        """Judge a model on the peer's test data."""
        course = self._courses[peer]
        model = model_from_payload(payload, course.layout.coordinates)
        arrays = course.layout.unflatten(decode_model(model, model_bits))
        judged = self._learners[peer].evaluate(arrays, {"seed": course.seed, "round": 0})
        loss, samples, metrics = judged
        # A learner may return anything: what it cannot be is told here, where it costs nobody else.
        return float(loss), int(samples), dict(metrics)


def _take_some(held_out: Dataset, seed: int) -> Dataset:
    if held_out.samples <= JUDGED_SAMPLES:
        return held_out
    chosen = np.random.default_rng(seed).permutation(held_out.samples)[:JUDGED_SAMPLES]
    return held_out.take(np.sort(chosen))


def serve(connection: Connection) -> None:
    """Answer (method, arguments) with (True, result), or (False, the error) for what is refused."""
    worker = Worker()
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, ConnectionError):
            return
        try:
            answer = (True, getattr(worker, method)(*arguments))
        except NodeError as error:
            answer = (False, error)
        except Exception as error:  # noqa: BLE001 - a learner may raise anything; its peer is told
            reason = f"{type(error).__name__}: {error}"
            answer = (False, WorkerFailed(f"worker: {method}", "an answer", reason))
        try:
            connection.send(answer)
        except ConnectionError:
            # The parent has given up, and said why itself.
            return


if __name__ == "__main__":
    # The parent's terminal sends its interrupt to all; the parent decides.
    os.setpgid(0, 0)
    serve(Connection(int(sys.argv[1])))
