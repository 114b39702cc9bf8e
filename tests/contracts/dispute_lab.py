"""Federations whose roots are those of real blobs, so that what is agreed can be disputed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

import numpy as np
from federation_lab import Lab, Mined, OpenLab, Proposal

from chain.keys import build_record, compute_update_tag
from chain.states import Record
from chain.types import Proposed, Root, RoundId, Seat
from node.encoding import to_payload
from node.evidence import Commitment, Inputs, build_answer, build_refutation
from node.merkle import MODEL_TAG, compute_root
from node.rule.coefficients import Coefficient, encode_coefficients
from node.rule.readable import clip_update, find_step

WATCHER = 11
ONE = 65536
Vector = list[int]
Lie = Callable[[Vector], None]


def payload_of(values: Vector, width: int) -> bytes:
    return to_payload(np.array(values, {1: np.int8, 2: np.int16, 4: np.int32}[width]))


@dataclass
class Case:
    """One agreed result with its blobs: what a watcher has."""

    key: bytes
    record: Record
    inputs: Inputs
    old: bytes
    new: bytes
    updates: dict[Seat, bytes]

    def refutation(self, coordinate: int) -> bytes:
        return build_refutation(self.inputs, coordinate, self.new, self.old, self.updates)

    def answer(self, which: int, first: int, count: int) -> bytes:
        payload = {128: self.old, 129: self.new}.get(which) or self.updates[Seat(which)]
        return build_answer(self.inputs, which, first, count, payload)


@dataclass
class Court:
    """A federation with a real genesis; account i owns seat i."""

    lab: Lab
    generator: Random
    models: dict[bytes, Vector] = field(default_factory=dict)
    records: dict[bytes, Record] = field(default_factory=dict)

    @property
    def width(self) -> int:
        return self.lab.parameters.update_bytes

    def tag(self, number: int, seat: int) -> bytes:
        federation = self.lab.federation
        return compute_update_tag(
            federation.chain_id, federation.address, RoundId(number), Seat(seat)
        )

    def draw_update(self, spread: int) -> Vector:
        half = 2 ** (8 * self.width - 1)
        top, bottom = min(half - 1, spread), max(-half, -spread)
        return [self.generator.randint(bottom, top) for _ in range(self.lab.parameters.coordinates)]

    def agree(
        self,
        number: int,
        *,
        lie: Lie | None = None,
        seats: tuple[int, ...] = (0, 1, 2, 3),
        coefficients: tuple[Coefficient, ...] | None = None,
        updates: Mapping[int, Vector] | None = None,
        spread: int = 300,
        root: bytes | None = None,
    ) -> Case:
        """Play a round whose result is right, but for the lie; `root` stands for its model's."""
        vectors = updates or {seat: self.draw_update(spread) for seat in seats}
        shown = {Seat(s): payload_of(v, self.width) for s, v in vectors.items()}
        mine = coefficients or tuple(Coefficient(ONE, 1) for _ in seats)
        old = self.models[self.lab.head]
        new = move(self.lab, old, [vectors[s] for s in sorted(vectors)], mine)
        if lie is not None:
            lie(new)
        case = self.play(number, payload_of(old, 4), payload_of(new, 4), shown, mine, root)
        self.models[case.key] = new
        return case

    def play(
        self,
        number: int,
        old: bytes,
        new: bytes,
        shown: dict[Seat, bytes],
        coefficients: tuple[Coefficient, ...],
        root: bytes | None = None,
    ) -> Case:
        """Play a round of these payloads, whatever they are, until it is agreed."""
        lab, parent = self.lab, self.lab.head
        roots = {s: compute_root(p, self.tag(number, s)) for s, p in shown.items()}
        for seat in shown:
            lab.commit(seat, number, root=roots[seat])
        lab.close_commits()
        model_root = Root(root or compute_root(new, MODEL_TAG))
        proposal = lab.make_proposal(
            number, model_root=model_root, coefficients=encode_coefficients(coefficients)
        )
        first, *others = shown
        lab.propose(first, proposal)
        for seat in others:
            if lab.head != proposal.key:
                lab.attest(seat, proposal.key)
        assert lab.head == proposal.key
        record = self.records[proposal.key] = record_of(proposal)
        is_equal = lab.parameters.weighting == 1
        weights = {s: 1 if is_equal else lab.read_seat(s)[1] for s in shown}
        inputs = Inputs(
            parent=parent,
            parent_record=self.records.get(parent),
            commitments=tuple(Commitment(roots[s], s, weights[s]) for s in shown),
            included=proposal.included,
            model_root=model_root,
            coefficients=proposal.coefficients,
            tag_of=lambda seat: self.tag(number, seat),
            update_bytes=self.width,
        )
        return Case(proposal.key, record, inputs, old, new, shown)

    def refute(self, case: Case, coordinate: int, data: bytes | None = None) -> Mined:
        data = case.refutation(coordinate) if data is None else data
        return self.lab.act("refute", case.record.round, coordinate, data, by=WATCHER)


def record_of(proposal: Proposal) -> Record:
    told = Proposed(
        proposal.round, proposal.key, Seat(0), proposal.parent, proposal.commitments,
        proposal.included, 0, proposal.model_root, proposal.coefficients,
    )  # fmt: skip
    return build_record(told)


def move(
    lab: Lab, old: Vector, updates: list[Vector], coefficients: tuple[Coefficient, ...]
) -> Vector:
    """Return the next model by the readable rule."""
    p = lab.parameters
    clipped = [clip_update(u, c.clip) for u, c in zip(updates, coefficients, strict=True)]
    voters = [(x, c.weight) for x, c in zip(clipped, coefficients, strict=True) if c.weight]
    new = []
    for k, value in enumerate(old):
        step = find_step(
            [x[k] for x, _ in voters],
            [w for _, w in voters],
            p.trim_bps,
            p.model_bits - p.update_bits,
        )
        new.append(min(max(value + step, -(2**31)), 2**31 - 1))
    return new


def open_court(open_lab: OpenLab, seats: int = 4, seed: int = 1, **changes: object) -> Court:
    coordinates = changes.setdefault("coordinates", 100)
    assert isinstance(coordinates, int)
    generator = Random(seed)
    genesis = changes.pop("model", None) or [
        generator.choice((0, 5, -7, 2**31 - 1, -(2**31), generator.randint(-(10**6), 10**6)))
        for _ in range(coordinates)
    ]
    root = compute_root(payload_of(genesis, 4), MODEL_TAG)  # type: ignore[arg-type]
    lab = open_lab(seats, genesis=root, **changes)
    court = Court(lab, generator)
    court.models[lab.head] = genesis  # type: ignore[assignment]
    return court
