"""What the largest refutations cost: a million coordinates, 32 seats and 128."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from random import Random
from unittest import mock

import numpy as np
import pytest
from dispute_lab import ONE, WATCHER, Court
from federation_lab import ETHER, OpenLab

from chain.types import Refuted, Root, Seat
from node.evidence import Commitment, pack_commitments, pack_record
from node.merkle import LEAF_BYTES, MODEL_TAG, compute_root
from node.rule.coefficients import Coefficient, encode_coefficients
from node.rule.combine import combine
from node.spec import rule_of

COORDINATES = 1_000_000
PLANTED = 777_777
MAX_TRANSACTION_BYTES = 131_072
MAX_TRANSACTION_GAS = 2**24
"""EIP-7825."""
HEAD_BYTES = 132
"""Selector, three words and a length."""


@pytest.mark.slow
@pytest.mark.parametrize(("seats", "bar"), [(32, 1_400_000), (128, 6_000_000)])
@pytest.mark.parametrize("trim_bps", [0, 2500])
def test_refute__a_million_coordinates__within_gas_and_bytes(
    open_lab: OpenLab, seats: int, bar: int, trim_bps: int
) -> None:
    data, gas = refute_large(open_lab, seats, trim_bps)
    print(f"\nrefute, {seats} seats, trim {trim_bps}: {gas:,} gas, {data:,} bytes")  # noqa: T201
    assert gas <= bar
    assert data <= MAX_TRANSACTION_BYTES - 500


def refute_large(open_lab: OpenLab, seats: int, trim_bps: int) -> tuple[int, int]:
    """Plant a lie in one of a million coordinates, and return bytes and gas of its refutation."""
    generator = np.random.default_rng(1)
    old = generator.integers(-(10**6), 10**6, COORDINATES).astype(np.int32)
    root = compute_root(old.tobytes(), MODEL_TAG)
    lab = open_lab(
        seats, coordinates=COORDINATES, genesis=root, max_seats=128, trim_bps=trim_bps, clip=10**9
    )
    coefficients = tuple(Coefficient(ONE - seat, 1000 + seat) for seat in range(seats))
    updates = [
        generator.integers(-(2**15), 2**15, COORDINATES).astype(np.int16) for _ in range(seats)
    ]
    new = combine(rule_of(lab.parameters), old, updates, coefficients)
    new[PLANTED] += 1
    shown = {Seat(seat): each.tobytes() for seat, each in enumerate(updates)}
    court = Court(lab, Random(1))
    case = court.play(1, old.tobytes(), new.tobytes(), shown, coefficients)
    with mock.patch("federation_lab.GAS", 8_000_000):
        with lab.refused("disputes: the coordinate is right"):
            court.refute(case, PLANTED - 1)
        evidence = case.refutation(PLANTED)
        mined = court.refute(case, PLANTED, evidence)
    assert mined.only(Refuted).coordinate == PLANTED
    return len(evidence) + HEAD_BYTES, mined.gas_used


@dataclass(frozen=True)
class Shown:
    """A leaf and its path in a tree of which nothing else is known."""

    chunk: bytes
    path: tuple[bytes, ...]

    @classmethod
    def draw(cls, generator: Random, depth: int) -> Shown:
        return cls(
            generator.randbytes(LEAF_BYTES), tuple(generator.randbytes(32) for _ in range(depth))
        )

    @property
    def packed(self) -> bytes:
        return self.chunk + b"".join(self.path)

    def compute_root(self, tag: bytes, leaf: int) -> Root:
        node = sha256(b"\x00" + tag + self.chunk).digest()
        for level, sibling in enumerate(self.path):
            pair = sibling + node if leaf >> level & 1 else node + sibling
            node = sha256(b"\x01" + pair).digest()
        return Root(node)

    def read(self, first: int, width: int) -> int:
        return int.from_bytes(self.chunk[first : first + width], "little", signed=True)


@pytest.mark.slow
@pytest.mark.parametrize("trim_bps", [0, 2500])
def test_refute__as_many_coordinates_as_128_seats_may_have__fits_a_transaction(
    open_lab: OpenLab, trim_bps: int
) -> None:
    coordinate, seats, generator = 2**28 - 5, range(128), Random(3)
    old, new = (Shown.draw(generator, 22) for _ in range(2))
    lab = open_lab(
        128, coordinates=2**28, genesis=old.compute_root(MODEL_TAG, coordinate // 64),
        max_seats=128, trim_bps=trim_bps, clip=10**9,
    )  # fmt: skip
    court, shown = Court(lab, generator), [Shown.draw(generator, 21) for _ in seats]
    roots = [shown[s].compute_root(court.tag(1, s), coordinate // 128) for s in seats]
    for seat in seats:
        lab.commit(seat, 1, root=roots[seat])
    lab.close_commits()
    coefficients = tuple(Coefficient(ONE - seat, 1000 + seat) for seat in seats)
    proposal = lab.make_proposal(
        1,
        model_root=new.compute_root(MODEL_TAG, coordinate // 64),
        coefficients=encode_coefficients(coefficients),
    )
    lab.propose(0, proposal)
    for seat in seats[1:]:
        if lab.head != proposal.key:
            lab.attest(seat, proposal.key)
    first = 2 * coordinate % LEAF_BYTES
    order = sorted(seats, key=lambda s: shown[s].read(first, 2) * (ONE - s) + 2**15 >> 16)
    evidence = b"".join(
        (
            proposal.parent,
            proposal.included.to_bytes(32, "big"),
            proposal.model_root,
            pack_record(None),
            pack_commitments([Commitment(roots[s], Seat(s), ETHER) for s in seats]),
            proposal.coefficients,
            new.packed,
            old.packed,
            *(bytes([s]) + shown[s].packed for s in order),
        )
    )
    assert HEAD_BYTES + len(evidence) <= MAX_TRANSACTION_BYTES - 256
    # Late votes too: all 128 are slashed.
    for seat in seats:
        if not lab.federation.get_tally(proposal.key)[0] >> seat & 1:
            lab.attest(seat, proposal.key)
    with mock.patch("federation_lab.GAS", 2**24):
        mined = lab.act("refute", 1, coordinate, evidence, by=WATCHER)
    print(f"\nrefute, trim {trim_bps}: {mined.gas_used:,} gas, {len(evidence):,} bytes")  # noqa: T201
    assert mined.only(Refuted).coordinate == coordinate
    assert mined.gas_used <= MAX_TRANSACTION_GAS // 2
