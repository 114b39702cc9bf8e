"""What stands behind the roots of a walk: small updates and models, made from names.

A lie is a model with another number at one coordinate. Nothing here knows of a chain's state, so
one set serves a federation and all that a re-org takes away from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import numpy as np

from chain.keys import compute_update_tag
from chain.types import RoundId, Seat
from node.encoding import to_payload
from node.merkle import MODEL_TAG, compute_root

COORDINATES = 300
"""An update has three leaves of four, a model five of eight."""
GENESIS = [0] * COORDINATES
Vector = list[int]


def payload_of(values: Vector, width: int) -> bytes:
    return to_payload(np.array(values, {2: np.int16, 4: np.int32}[width]))


def model_root(values: Vector) -> bytes:
    return compute_root(payload_of(values, 4), MODEL_TAG)


@dataclass
class Blobs:
    """Updates and models of one federation, and what each piece of evidence was made to show."""

    chain_id: int
    address: str
    models: dict[bytes, Vector] = field(default_factory=dict)
    shown: dict[bytes, tuple[object, ...]] = field(default_factory=dict)
    updates: dict[tuple[int, int], Vector] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keep(GENESIS)

    def __deepcopy__(self, memo: object) -> Blobs:
        return self

    def keep(self, model: Vector) -> bytes:
        """Remember a model by its root."""
        root = model_root(model)
        self.models[root] = model
        return root

    def tag(self, seat: int, number: int) -> bytes:
        return compute_update_tag(self.chain_id, self.address, RoundId(number), Seat(seat))

    def update(self, seat: int, number: int) -> Vector:
        if (seat, number) not in self.updates:
            generator = Random(f"{seat} {number}")
            drawn = [generator.randint(-9, 9) for _ in range(COORDINATES)]
            self.updates[seat, number] = drawn
        return self.updates[seat, number]

    def update_payload(self, seat: int, number: int) -> bytes:
        return payload_of(self.update(seat, number), 2)

    def update_root(self, seat: int, number: int) -> bytes:
        return compute_root(self.update_payload(seat, number), self.tag(seat, number))
