"""An agreed result held against what it was made from: which coordinate is wrong, and the proof.

Only what the contract recomputes is judged here: the coefficients are taken as the result carries
them. All that is needed is on the chain and in a store of blobs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chain.disputes import NEW_MODEL, OLD_MODEL
from chain.keys import build_record
from chain.ledger import Ledger
from chain.states import Record
from chain.types import Key, Proposed, Seat
from node.blobs.errors import BlobMissing
from node.blobs.naming import Naming
from node.blobs.store import Blob, Readable
from node.encoding import MODEL_BYTES, model_from_payload, to_payload, update_from_payload
from node.evidence import Commitment, Inputs, build_absence, build_refutation
from node.merkle import (
    LEAF_BYTES,
    MODEL_TAG,
    compute_depth,
    compute_leaves,
    compute_path,
    compute_root,
)
from node.rule.coefficients import Coefficient, decode_coefficients
from node.rule.combine import combine
from node.rule.parameters import Rule
from node.spec import rule_of
from node.view import weigh_row

LEAF_COORDINATES = LEAF_BYTES // MODEL_BYTES
"""Of a model."""


@dataclass(frozen=True)
class Case:
    """A result as the chain tells it, and the blobs that it was made from (`old`, and `updates` of
    the included seats) and that it became (`new`)."""

    result: Proposed
    inputs: Inputs
    rule: Rule
    coordinates: int
    coefficients: Mapping[Seat, Coefficient]
    old: Blob
    new: Blob
    updates: Mapping[Seat, Blob]

    @property
    def record(self) -> Record:
        """What the result's key is the hash of, as the contract takes it."""
        return build_record(self.result)

    @property
    def counted(self) -> tuple[Seat, ...]:
        """The included seats with a weight, ascending."""
        return tuple(sorted(seat for seat, each in self.coefficients.items() if each.weight))

    @property
    def sources(self) -> dict[int, Blob]:
        """What is needed to compute the model again: by seat, and 128 for the model before."""
        return {OLD_MODEL: self.old, **{seat: self.updates[seat] for seat in self.counted}}

    def blob_of(self, which: int) -> Blob:
        """Return what a challenge calls `which`; KeyError for a seat that is not included."""
        models = {OLD_MODEL: self.old, NEW_MODEL: self.new}
        return models[which] if which in models else self.updates[Seat(which)]


def open_case(ledger: Ledger, naming: Naming, key: Key) -> Case:
    """Return the case of a result that was proposed; KeyError where there was none."""
    result = ledger.result(key)
    row = ledger.commitments(result.parent, result.round)
    weights = weigh_row(ledger, result.parent, result.round)
    is_first = result.parent == ledger.genesis
    parent = None if is_first else ledger.result(result.parent)
    parameters = naming.parameters
    pairs = decode_coefficients(result.coefficients, len(result.seats))
    inputs = Inputs(
        parent=result.parent,
        parent_record=None if parent is None else build_record(parent),
        commitments=tuple(
            Commitment(c.root, c.seat, weight) for c, weight in zip(row, weights, strict=True)
        ),
        included=result.included,
        model_root=result.model_root,
        coefficients=result.coefficients,
        tag_of=lambda seat: naming.update_tag(result.round, seat),
        update_bytes=parameters.update_bytes,
    )
    return Case(
        result=result,
        inputs=inputs,
        rule=rule_of(parameters),
        coordinates=parameters.coordinates,
        coefficients=dict(zip(result.seats, pairs, strict=True)),
        old=naming.model_blob(parameters.genesis if parent is None else parent.model_root),
        new=naming.model_blob(result.model_root),
        updates={c.seat: naming.committed_blob(c) for c in row if c.seat in result.seats},
    )


def find_shown(shown: Mapping[int, bytes], blob: Blob) -> tuple[Blob, bytes] | None:
    """Return a blob and its payload, put together from leaves that answers have shown on the chain,
    256 bytes each by their numbers; None: they have not shown all, or it is not this blob.

    A model with something in the zeros behind it has its root with that alone, so nobody could have
    served it: then the blob is longer than the one asked for.
    """
    leaves = -(-blob.size_bytes // LEAF_BYTES)
    if any(leaf not in shown for leaf in range(leaves)):
        return None
    whole = b"".join(shown[leaf] for leaf in range(leaves))
    for size in (blob.size_bytes, len(whole)):
        if compute_root(whole[:size], blob.tag) == blob.root:
            return Blob(blob.root, size, blob.tag), whole[:size]
    return None


def recompute(case: Case, blobs: Readable) -> bytes:
    """Return the model that follows from the result's coefficients, as a payload.

    Raises BlobMissing or BlobCorrupt for one of `case.sources`.
    """
    model = combine(
        case.rule,
        model_from_payload(blobs.get(case.old), case.coordinates),
        [
            update_from_payload(
                blobs.get(case.updates[seat]), case.coordinates, case.rule.update_bytes
            )
            for seat in case.counted
        ],
        [case.coefficients[seat] for seat in case.counted],
    )
    return to_payload(model)


def find_wrong(case: Case, blobs: Readable) -> int | None:
    """Return the first coordinate by which the result can be refuted; None: it is right.

    It may lie in the zeros behind the model, or in a leaf that should be absent: then it is that
    leaf's first. Raises BlobMissing or BlobCorrupt: the new model is needed only where its root is
    not the right one.
    """
    right = recompute(case, blobs)
    if compute_root(right, MODEL_TAG) == case.result.model_root:
        return None
    claimed = find_claimed(case, blobs)
    padded = right.ljust(-(-len(right) // LEAF_BYTES) * LEAF_BYTES, b"\x00")
    reached = claimed[: len(padded)].ljust(len(padded), b"\x00")
    differs = np.frombuffer(reached, "<i4") != np.frombuffer(padded, "<i4")
    if differs.any():
        return int(differs.argmax())
    # Whatever stands in the next leaf, its hash is not the 32 zeros that are due there.
    return len(padded) // MODEL_BYTES


def find_claimed(case: Case, blobs: Readable) -> bytes:
    """Return what the new model's root was computed from, with what stands behind the model where
    there is anything. Raises BlobMissing or BlobCorrupt."""
    if blobs.has(case.new):
        return blobs.get(case.new)
    size = case.new.size_bytes
    for leaves in range(-(-size // LEAF_BYTES), (1 << compute_depth(size)) + 1):
        longer = Blob(case.new.root, leaves * LEAF_BYTES)
        if blobs.has(longer):
            return blobs.get(longer)
    raise BlobMissing(f"blob {case.new.name}", "kept", "none")


def build_evidence(case: Case, blobs: Readable, coordinate: int) -> bytes:
    """Return what `refute` takes as its data on a coordinate, be it wrong or not.

    Raises InputRefused for one that is in no leaf of the tree, BlobMissing or BlobCorrupt.
    """
    claimed, leaf = find_claimed(case, blobs), coordinate // LEAF_COORDINATES
    if leaf * LEAF_BYTES >= case.new.size_bytes and leaf * LEAF_BYTES < len(claimed):
        there = compute_leaves(claimed, MODEL_TAG)[leaf]
        return build_absence(case.inputs, there, compute_path(claimed, MODEL_TAG, leaf))
    if coordinate >= case.coordinates:
        # Of what stands behind the model nothing but that is shown.
        return build_refutation(case.inputs, coordinate, claimed, bytes(case.old.size_bytes), {})
    updates = {seat: blobs.get(case.updates[seat]) for seat in case.counted}
    return build_refutation(case.inputs, coordinate, claimed, blobs.get(case.old), updates)
