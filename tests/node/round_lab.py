"""Views of one round, phase by phase, as seat 0 sees it."""

from dataclasses import replace

from chain.states import Head
from chain.types import Committed
from node.round import (
    Candidate,
    Memory,
    View,
)

HEAD = Head(b"\x01" * 32, 3, 3, b"\x02" * 32)
OWN, OTHER = b"\x0a" * 32, b"\x0b" * 32
ENDS, VOTES = 10_000, 300
THIRD, LAST_THIRD, END = ENDS + 100, ENDS + 200, ENDS + 300
ALL = frozenset({0, 1, 2, 3})


def commitment(seat, round_id=4):
    return Committed(round_id, seat, HEAD.key, bytes([seat]) * 32, 10, 1)


IDLE = View(
    seat=0,
    head=HEAD,
    round=3,
    commit_ends_at=0,
    attest_seconds=VOTES,
    has_enough_seats=False,
    min_updates=3,
    row=(),
    turns=(2, 0, 1, 3),
    candidates=(),
    counted=frozenset({3, 4, 5}),
    committed=frozenset(),
    approved=frozenset(),
)
READY = replace(IDLE, has_enough_seats=True)
OPEN = replace(READY, round=4, commit_ends_at=ENDS)
ROW = tuple(map(commitment, (0, 1, 2, 3)))
VOTING = replace(OPEN, row=ROW, committed=frozenset({(HEAD.key, 4)}))
PROPOSED = replace(VOTING, candidates=(Candidate(OWN, ALL),))
KNOWING = Memory(has_model=True, held=ALL, results={ALL: OWN}, recomputed=frozenset({OWN}))
TURN = ENDS + 1 * VOTES // (6 * 4)
"""Seat 0 is the second of four."""
