"""What the largest refutations cost: a million coordinates, 32 seats and 128."""

from __future__ import annotations

from random import Random
from unittest import mock

import numpy as np
import pytest
from dispute_lab import ONE, Court
from federation_lab import OpenLab

from chain.types import Refuted, Seat
from node.merkle import MODEL_TAG, compute_root
from node.rule.coefficients import Coefficient
from node.rule.combine import combine
from node.spec import rule_of

COORDINATES = 1_000_000
PLANTED = 777_777
MAX_TRANSACTION_BYTES = 131_072
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
