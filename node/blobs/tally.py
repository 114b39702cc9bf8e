"""What blobs have cost and brought so far, in plain numbers for whoever wants to show them."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Since the start of a server and of a fetcher: each number has one thread that adds to it, and
    any may read it.

    `served_bytes`: of bodies that clients took. `fetched_bytes`: of whole answers, good or bad.
    `failures`: how often a source failed, by its kind (`node.blobs.standing.Kind`).
    """

    served_bytes: int = 0
    fetched_bytes: int = 0
    fetched: int = 0
    missed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
