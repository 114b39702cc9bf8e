"""What a dispute hands to the contract: leaves and paths, packed.

All integers are big-endian. The contract reads at fixed positions, so nothing is optional; what
stands where is also in the protocol.

    refutation    parent 32 | included 32 | model root 32 | parent's record 192 | commitments
                  | coefficients 8 n | next model | model before | entries | zeros
    answer        commitments (an update) or parent's record 192 (the model before) | chunks | path
    commitments   their number 1 | each: root 32, seat 1, weight 12, in the chain's order
    model         chunk 256 | path
    entry         seat 1 | chunk 256 | path; of each included seat with a weight, in ascending order
                  of the shortened coordinate

Of a coordinate behind the model, in the zeros of its last leaf, only the next model is shown; of a
leaf that the model does not reach, the 32 bytes that stand there and their path.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chain.disputes import OLD_MODEL
from chain.states import Record
from chain.types import Key, Root, Seat, seats_of
from node.encoding import MODEL_BYTES
from node.errors import InputRefused
from node.merkle import (
    LEAF_BYTES,
    MODEL_TAG,
    compute_path,
    slice_chunk,
)
from node.rule.coefficients import decode_coefficients
from node.rule.parameters import FACTOR_ONE

RECORD_BYTES = 192
_PADDED_BYTES = 1024
"""The contract reads so many behind the commitments, whatever the number of coefficients."""

TagOf = Callable[[Seat], bytes]


@dataclass(frozen=True)
class Commitment:
    """What a seat committed to; the weight is the one in the running hash."""

    root: Root
    seat: Seat
    weight: int


@dataclass(frozen=True)
class Inputs:
    """A result as the chain tells it, and all that it was computed from.

    `parent_record` is None where the parent is the genesis.
    """

    parent: Key
    parent_record: Record | None
    commitments: tuple[Commitment, ...]
    included: int
    model_root: Root
    coefficients: bytes
    tag_of: TagOf
    update_bytes: int


def build_refutation(
    inputs: Inputs,
    coordinate: int,
    new_model: bytes,
    old_model: bytes,
    updates: Mapping[Seat, bytes],
) -> bytes:
    """Return the evidence on a coordinate of the model, or of the zeros behind it.

    The payloads are those that were committed to, the new model's with what it has in the zeros, if
    anything; whether the coordinate is wrong is not asked.
    Raises `InputRefused` where an update is missing or the coordinate is in no leaf of the model.
    """
    leaf = coordinate * MODEL_BYTES // LEAF_BYTES
    if coordinate < 0 or leaf > (len(new_model) - 1) // LEAF_BYTES:
        raise InputRefused("evidence: coordinate", "in a leaf of the model", coordinate)
    claim = _show_chunk(new_model, MODEL_TAG, leaf)
    if coordinate * MODEL_BYTES >= len(old_model):
        return _pack(inputs, claim)
    return _pack(
        inputs,
        claim + _show_chunk(old_model, MODEL_TAG, leaf),
        _show_updates(inputs, coordinate, updates),
    )


def build_absence(inputs: Inputs, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Return the evidence on a leaf which the model does not reach: what stands there, its path."""
    return _pack(inputs, leaf + b"".join(path))


def build_answer(inputs: Inputs, which: int, first: int, count: int, payload: bytes) -> bytes:
    """Return what answers a challenge: the chunks that the payload reaches, and one path."""
    head, tag = b"", MODEL_TAG
    if which == OLD_MODEL:
        head = pack_record(inputs.parent_record)
    elif which < OLD_MODEL:
        head, tag = pack_commitments(inputs.commitments), inputs.tag_of(Seat(which))
    reached = min(first + count, -(-len(payload) // LEAF_BYTES))
    chunks = b"".join(slice_chunk(payload, leaf) for leaf in range(first, reached))
    levels = count.bit_length() - 1
    return head + chunks + b"".join(compute_path(payload, tag, first)[levels:])


def pack_record(record: Record | None) -> bytes:
    """Return a record as the words that its key is the hash of; zeros for none."""
    if record is None:
        return bytes(RECORD_BYTES)
    words = (
        int(record.round).to_bytes(32, "big"),
        record.parent,
        record.commitments,
        record.included.to_bytes(32, "big"),
        record.model_root,
        record.coefficients_hash,
    )
    return b"".join(words)


def pack_commitments(commitments: Sequence[Commitment]) -> bytes:
    """Return the number of commitments in one byte, and each in 45."""
    packed = [
        each.root + each.seat.to_bytes(1, "big") + each.weight.to_bytes(12, "big")
        for each in commitments
    ]
    return bytes([len(packed)]) + b"".join(packed)


def _pack(inputs: Inputs, models: bytes, entries: bytes = b"") -> bytes:
    behind = inputs.coefficients + models + entries
    return b"".join(
        (
            inputs.parent,
            inputs.included.to_bytes(32, "big"),
            inputs.model_root,
            pack_record(inputs.parent_record),
            pack_commitments(inputs.commitments),
            behind.ljust(_PADDED_BYTES, b"\x00"),
        )
    )


def _show_chunk(payload: bytes, tag: bytes, leaf: int) -> bytes:
    return slice_chunk(payload, leaf) + b"".join(compute_path(payload, tag, leaf))


def _show_updates(inputs: Inputs, coordinate: int, updates: Mapping[Seat, bytes]) -> bytes:
    """Return the entries of all seats with a weight, lowest shortened coordinate first."""
    seats = seats_of(inputs.included)
    coefficients = decode_coefficients(inputs.coefficients, len(seats))
    first = coordinate * inputs.update_bytes
    entries = []
    for seat, each in zip(seats, coefficients, strict=True):
        if each.weight == 0:
            continue
        if seat not in updates:
            raise InputRefused("evidence: updates", f"that of seat {seat} too", sorted(updates))
        payload = updates[seat]
        raw = payload[first : first + inputs.update_bytes]
        value = int.from_bytes(raw, "little", signed=True)
        shortened = (value * each.clip + FACTOR_ONE // 2) >> 16
        shown = _show_chunk(payload, inputs.tag_of(seat), first // LEAF_BYTES)
        entries.append((shortened, seat, bytes([seat]) + shown))
    return b"".join(shown for _, _, shown in sorted(entries))
