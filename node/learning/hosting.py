"""How a learner's process is kept: where code and notes of the learner lie, and what it may use."""

from dataclasses import dataclass
from pathlib import Path

GIBIBYTE = 2**30
LOG, TRACEBACK, STATE = "learner.log", "learner.traceback", "learner.state"
"""In the folder of notes: what the learner printed, its last failure, and what it remembers."""
PACE = "learner.pace"
"""Beside them: how fast it was, where its work is fitted into a time."""
LOG_BYTES = 2**20
"""A longer log is begun anew."""


@dataclass(frozen=True)
class Hosting:
    """`code`: the folder of the learner's modules. `notes`: a folder for LOG and TRACEBACK; None:
    the learner prints where its peer does, and no traceback is kept.

    `seconds`: the longest that a training or a judgement may take, None: for ever. To begin, a
    process has ten minutes or as much.
    `memory_bytes`: the most that the process may have as its own, by RLIMIT_DATA (setrlimit(2)):
    heap and private mappings, libraries apart; a process that the learner starts has as much again.
    None: all there is.
    """

    code: Path | None = None
    notes: Path | None = None
    seconds: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Place:
    """Which of a federation's learners this is, and where it may keep things.

    `partition` of `partitions`, the first being 0: what Flower calls `partition-id` and
    `num-partitions`. `notes`: the folder of its state; None: the state ends with the process.
    `seed`: the federation's. `train_seconds`: into which each training is fitted; None: a training
    is what the options say, however long it takes. `is_foreign`: the notes may be somebody else's,
    so nothing in them is run.
    """

    partition: int = 0
    partitions: int = 1
    notes: Path | None = None
    seed: int = 0
    train_seconds: float | None = None
    is_foreign: bool = False
