"""From a head to an update: one call of a learner's `fit`, between integers on both sides.

A pure function of the task, the head, the data and the seeds, so that it may run anywhere: here, in
a pool of processes, or again after a crash.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np

from chain.types import Key, Root, RoundId, Seat
from node.algorithms.algorithm import Algorithm
from node.algorithms.catalogue import USUAL
from node.encoding import Floats, Layout, Model, decode_model, encode_update, to_payload
from node.errors import ClaimRefused, LayoutMismatch
from node.learning.keeping import Kept
from node.learning.learner import Config, Learner
from node.learning.memory import LINE, NOWHERE, Line
from node.merkle import compute_root
from node.rule.parameters import Rule

CLAIM_LIMIT = 2**64
"""Samples and steps travel as uint64."""


@dataclass(frozen=True)
class Job:
    """What to train: `head` int32 `(d,)`, for `round_id`, to be hashed under `tag`. `line`: where
    the head stands, by which what the peer remembers follows it."""

    round_id: RoundId
    head: Model
    tag: bytes
    line: Line = NOWHERE


@dataclass(frozen=True)
class Fit:
    """What came of it: the update's payload and root, the claim, and the metrics of the learner."""

    payload: bytes
    root: Root
    samples: int
    steps: int
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """Nothing came of it; why was told where it failed."""


@dataclass(frozen=True)
class Course:
    """What stays the same from round to round for one peer.

    `entropy` seeds the peer's own rounding and is its own business; `seed` is the federation's.
    `alter` stands between the trained vector and the encoder, where a simulation lets its Byzantine
    peers work. `kept`: arrays of the learner that stay with the peer, and are not in the layout.
    `algorithm`: what the peer does around its training.
    """

    layout: Layout
    rule: Rule
    seed: int
    entropy: int
    alter: Callable[[Floats, Floats, np.random.Generator], Floats] | None = None
    kept: tuple[Kept, ...] = ()
    algorithm: Algorithm = USUAL


class Trainer(Protocol):
    """Where a peer's training runs. Raises what the learner or the encoder refused, or, where a
    peer is to outlive that, returns Failed."""

    def start(self, seat: Seat, parent: Key, job: Job) -> None:
        """Begin; a second start of the same parent and round does nothing."""
        ...

    def find(self, seat: Seat, parent: Key, round_id: RoundId) -> Fit | Failed | None:
        """Return the outcome, once; None while there is none."""
        ...


def train(learner: Learner, course: Course, job: Job) -> Fit:
    """Train once and encode the step.

    Raises LayoutMismatch or NotFinite, which name the learner's array, for a result that the
    federation's model cannot take, and ClaimRefused for samples or steps that are no count.
    """
    head = decode_model(job.head, course.rule.model_bits)
    config: Config = {"round": int(job.round_id), "seed": course.seed}
    if job.line != NOWHERE:
        config[LINE] = job.line
    arrays, samples, metrics = learner.fit(course.layout.unflatten(head), config)
    trained = course.layout.flatten(arrays)
    claim = check_claim(samples, metrics)
    # The stream depends on round and peer alone: killed and restarted, the same update again.
    generator = np.random.default_rng([course.entropy, job.round_id])
    clip = course.rule.clip
    if course.alter is not None:
        trained, clip = course.alter(trained, head, generator), 0
    update = encode_update(
        trained,
        head,
        update_bits=course.rule.update_bits,
        update_bytes=course.rule.update_bytes,
        clip=clip,
        generator=generator,
    )
    payload = to_payload(update)
    return Fit(
        payload=payload,
        root=compute_root(payload, job.tag),
        samples=claim[0],
        steps=claim[1],
        metrics=dict(metrics),
    )


def check_layout(layout: Layout, learner: Learner, seed: int) -> None:
    """Raise LayoutMismatch unless the learner's model is the one that the spec describes."""
    arrays = learner.get_parameters({"seed": seed})
    if len(arrays) != len(layout.names):
        raise LayoutMismatch(
            "model of the learner: number of arrays", len(layout.names), len(arrays)
        )
    # A learner that knows no names takes those of the spec.
    names = getattr(learner, "parameter_names", None) or layout.names
    own = Layout.from_arrays(arrays, names)
    if own != layout:
        raise LayoutMismatch("model of the learner", layout.to_dict(), own.to_dict())


def check_claim(samples: object, metrics: object) -> tuple[int, int]:
    """Return the samples and the steps that a learner claims. Raises ClaimRefused."""
    if not isinstance(metrics, Mapping):
        raise ClaimRefused("learner: metrics", "a table", repr(metrics))
    # A learner written for another framework need not count its steps; then it claims none.
    steps = metrics.get("steps", 0)
    return _check_count("samples", samples), _check_count("metrics['steps']", steps)


def _check_count(name: str, count: object) -> int:
    is_whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
    value = int(cast(int, count)) if is_whole else -1
    if not 0 <= value < CLAIM_LIMIT:
        expected = f"a whole number of 0 to {CLAIM_LIMIT - 1}"
        raise ClaimRefused(f"learner: {name}", expected, repr(count))
    return value
