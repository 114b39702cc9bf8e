"""From the chain's events and a store of blobs to evidence that the contract accepts, and back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from dispute_lab import ONE, WATCHER, Case, Court, Vector, move, open_court, payload_of
from federation_lab import ETHER, OpenLab

from chain.observer import Observer
from chain.types import Refuted, Seat, Slashed
from node.blobs.errors import BlobMissing
from node.blobs.naming import Naming
from node.blobs.store import Blob, MemoryBlobs
from node.errors import InputRefused
from node.merkle import MODEL_TAG, compute_root
from node.refutation import build_evidence, find_wrong, open_case
from node.rule.coefficients import Coefficient

RIGHT = "disputes: the coordinate is right"
MIXED = tuple(map(Coefficient, (ONE, 40_000, ONE, 7), (900, 0, 30_000, 7)))


@dataclass
class Watcher:
    """Knows the chain and what was put into its store."""

    court: Court
    blobs: MemoryBlobs

    def take(self, case: Case) -> None:
        """Let the store have all that a result was made from."""
        for payload in (case.old, case.new):
            self.blobs.put(Blob(compute_root(payload, MODEL_TAG), len(payload)), payload)
        for seat, payload in case.updates.items():
            tag = self.court.tag(case.record.round, seat)
            self.blobs.put(Blob(compute_root(payload, tag), len(payload), tag), payload)

    def open(self, key: bytes):
        federation = self.court.lab.federation
        observer = Observer(federation, created_at=self.court.lab.created_at)
        observer.poll()
        naming = Naming(federation.chain_id, federation.address, self.court.lab.parameters)
        return open_case(observer.ledger, naming, key)

    def refute(self, key: bytes, coordinate: int):
        opened = self.open(key)
        data = build_evidence(opened, self.blobs, coordinate)
        return self.court.lab.act("refute", opened.result.round, coordinate, data, by=WATCHER)


def open_watcher(open_lab: OpenLab, **changes: object) -> Watcher:
    return Watcher(open_court(open_lab, **changes), MemoryBlobs())


@pytest.fixture
def watcher(open_lab: OpenLab) -> Watcher:
    return open_watcher(open_lab)


def plant(*coordinates: int):
    def lie(model: Vector) -> None:
        for k in coordinates:
            model[k] += 1 if model[k] < 0 else -1

    return lie


def test_find_wrong__a_right_result__is_none_without_its_model(watcher: Watcher) -> None:
    case = watcher.court.agree(1)
    watcher.take(case)
    watcher.blobs.drop(Blob(case.record.model_root, len(case.new)))
    assert find_wrong(watcher.open(case.key), watcher.blobs) is None


@pytest.mark.parametrize("trim_bps", [0, 1500])
def test_find_wrong__lies_in_a_later_result__names_the_first_and_its_evidence_holds(
    open_lab: OpenLab, trim_bps: int
) -> None:
    watcher = open_watcher(
        open_lab, trim_bps=trim_bps, seats=(ETHER, 3 * ETHER, 2 * ETHER, 5 * ETHER)
    )
    watcher.take(watcher.court.agree(1, coefficients=MIXED))
    case = watcher.court.agree(2, lie=plant(71, 42, 99), coefficients=MIXED)
    watcher.take(case)
    assert find_wrong(watcher.open(case.key), watcher.blobs) == 42
    with watcher.court.lab.refused(RIGHT):
        watcher.refute(case.key, 41)
    watcher.refute(case.key, 71).only(Refuted)


def test_find_wrong__after_a_slash_of_who_committed__still_has_the_weights_of_then(
    watcher: Watcher,
) -> None:
    """A result above the lie is void with it; what was committed to it has the old stakes."""
    lie = watcher.court.agree(1, lie=plant(3))
    above = watcher.court.agree(2, lie=plant(5))
    for case in (lie, above):
        watcher.take(case)
    assert watcher.refute(lie.key, 3).only(Slashed).taken_wei == 3 * ETHER
    assert find_wrong(watcher.open(above.key), watcher.blobs) == 5
    assert watcher.refute(above.key, 5).only(Slashed).taken_wei == 0


def test_find_wrong__an_update_is_not_here__says_so(watcher: Watcher) -> None:
    case = watcher.court.agree(1, lie=plant(3))
    watcher.take(case)
    opened = watcher.open(case.key)
    watcher.blobs.drop(opened.updates[Seat(2)])
    with pytest.raises(BlobMissing):
        find_wrong(opened, watcher.blobs)


def test_find_wrong__an_update_without_weight_is_not_here__is_not_missed(watcher: Watcher) -> None:
    case = watcher.court.agree(1, lie=plant(3), coefficients=MIXED)
    watcher.take(case)
    opened = watcher.open(case.key)
    assert opened.counted == (0, 2, 3)
    watcher.blobs.drop(Blob(case.inputs.commitments[1].root, 200, watcher.court.tag(1, 1)))
    assert find_wrong(opened, watcher.blobs) == 3


def test_find_wrong__the_zeros_behind_the_model_are_none__names_the_place(
    watcher: Watcher,
) -> None:
    """100 coordinates end in the middle of the second leaf."""
    case = watcher.court.agree(1, lie=lambda model: model.extend([0] * 27 + [1]))
    case.new = payload_of([*watcher.court.models[case.key][:100], *([0] * 27), 1], 4)
    watcher.take(case)
    assert find_wrong(watcher.open(case.key), watcher.blobs) == 127
    with watcher.court.lab.refused(RIGHT):
        watcher.refute(case.key, 126)
    watcher.refute(case.key, 127).only(Refuted)


def test_find_wrong__a_leaf_that_should_be_absent__names_its_first_coordinate(
    open_lab: OpenLab,
) -> None:
    """160 coordinates are three leaves of four; here the fourth is one of zeros."""
    watcher = open_watcher(open_lab, coordinates=160)
    court = watcher.court
    vectors = {seat: court.draw_update(9) for seat in range(4)}
    ones = tuple(Coefficient(ONE, 1) for _ in vectors)
    right = move(court.lab, court.models[court.lab.head], list(vectors.values()), ones)
    longer = payload_of(right + [0] * 96, 4)
    case = court.agree(1, updates=vectors, root=compute_root(longer, MODEL_TAG))
    case.new = longer
    watcher.take(case)
    assert find_wrong(watcher.open(case.key), watcher.blobs) == 192
    with court.lab.refused(RIGHT):
        watcher.refute(case.key, 160)
    watcher.refute(case.key, 192).only(Refuted)


@pytest.mark.parametrize("coordinate", [-1, 128])
def test_build_evidence__no_coordinate_of_the_tree__refused(
    watcher: Watcher, coordinate: int
) -> None:
    case = watcher.court.agree(1)
    watcher.take(case)
    with pytest.raises(InputRefused, match=f"in a leaf of the model, got {coordinate}"):
        build_evidence(watcher.open(case.key), watcher.blobs, coordinate)
