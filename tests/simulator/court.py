"""Disputes on the model of the contract: what evidence shows is known from who has the payloads."""

from __future__ import annotations

from typing import Any

from eth_hash.auto import keccak
from federation_model import FederationModel
from federation_records import Asked, Proposed

from chain import types
from chain.disputes import NEW_MODEL, OLD_MODEL, Leaves
from chain.keys import compute_running_hash, hash_words
from chain.types import Event, Key, Root, RoundId, Seat, Wei, bitmap_of, seats_of
from node.blobs.naming import Naming
from node.blobs.store import Blob, Readable
from node.encoding import model_from_payload, update_from_payload
from node.merkle import LEAF_BYTES, slice_chunk
from node.rule.readable import clip_update, find_step

RECORD_END = 96 + 192
COMMITMENT_BYTES = 45
LIE, SILENCE = 1, 5
Saved = tuple[Any, ...]


class Shown:
    """What the one piece of evidence in question shows."""

    def __init__(self) -> None:
        self.shown: dict[bytes, tuple[Any, ...]] = {}


class Court:
    """Reads evidence against the payloads that its roots stand for."""

    def __init__(self, payloads: Readable, naming: Naming) -> None:
        self._payloads = payloads
        self._naming = naming

    def read_refutation(self, number: int, data: bytes) -> bytes:
        """Return the key of the result that a refutation is about."""
        parent, included, root = data[:32], int.from_bytes(data[32:64], "big"), data[64:96]
        count = data[RECORD_END]
        end = RECORD_END + 1 + COMMITMENT_BYTES * count
        row = []
        for at in range(RECORD_END + 1, end, COMMITMENT_BYTES):
            seat, weight = data[at + 32], int.from_bytes(data[at + 33 : at + 45], "big")
            told = types.Committed(
                RoundId(number), Seat(seat), Key(parent), Root(data[at : at + 32]), 0, 0
            )
            row.append((told, weight))
        running = compute_running_hash(Key(parent), RoundId(number), tuple(row))
        coefficients = data[end : end + 8 * len(seats_of(included))]
        return hash_words(number, parent, running, included, root, keccak(coefficients))

    def proves(self, model: FederationModel, result: Proposed, leaves: Leaves, data: bytes) -> bool:
        """Whether an answer has the chunks that were asked for."""
        payload = self._payloads.get(self.blob_of(model, result, leaves.which))
        reached = min(leaves.first + leaves.count, -(-len(payload) // LEAF_BYTES))
        chunks = b"".join(slice_chunk(payload, leaf) for leaf in range(leaves.first, reached))
        return chunks in data

    def chunk(self, model: FederationModel, result: Proposed, which: int, leaf: int) -> bytes:
        return slice_chunk(self._payloads.get(self.blob_of(model, result, which)), leaf)

    def blob_of(self, model: FederationModel, result: Proposed, which: int) -> Blob:
        if which == OLD_MODEL:
            return self._naming.model_blob(Root(model.model_root_of(result.parent)))
        if which == NEW_MODEL:
            return self._naming.model_blob(Root(result.model_root))
        row = model.rows[result.parent, result.round]
        root = next(each.root for each in row if each.seat == which)
        return self._naming.update_blob(RoundId(result.round), Seat(which), Root(root))

    def compute(self, model: FederationModel, result: Proposed, coordinate: int) -> tuple[int, int]:
        """Return what a result says of a coordinate, and what follows from its coefficients."""
        parameters = model.parameters
        values, votes = [], []
        for place, seat in enumerate(seats_of(result.included)):
            pair = result.coefficients[8 * place : 8 * place + 8]
            clip, vote = int.from_bytes(pair[:4], "big"), int.from_bytes(pair[4:], "big")
            payload = self._payloads.get(self.blob_of(model, result, seat))
            update = update_from_payload(payload, parameters.coordinates, parameters.update_bytes)
            values += clip_update([int(update[coordinate])], clip)
            votes.append(vote)
        guard = parameters.model_bits - parameters.update_bits
        step = find_step(values, votes, parameters.trim_bps, guard)
        old, new = (
            int(model_from_payload(self._payloads.get(blob), parameters.coordinates)[coordinate])
            for blob in (self.blob_of(model, result, which) for which in (OLD_MODEL, NEW_MODEL))
        )
        return new, min(max(old + step, -(2**31)), 2**31 - 1)


class JudgedModel(FederationModel):
    """The model with a court that knows the payloads."""

    court: Court

    def is_wrong(self, result: Proposed, coordinate: int) -> bool:
        told, right = self.court.compute(self, result, coordinate)
        return told != right

    def _slash(self, result: Proposed, divisor: int, now: int) -> int:
        # Rolls are shared with states that were saved.
        self.rolls = {number: dict(roll) for number, roll in self.rolls.items()}
        return super()._slash(result, divisor, now)


def dispute(
    model: JudgedModel,
    now: int,
    sender: str,
    function: str,
    arguments: tuple[Any, ...],
    value: int,
) -> tuple[Event, ...]:
    """Make a call about disputes, and return what the contract tells of it. Raises Refused."""
    if function == "collect":
        amount = model.owed.get(sender, 0)
        model.collect(now, sender)
        return (types.Collected(sender, Wei(amount)),)
    stakes, burned = {t.seat: t.stake for t in model.tenancies}, model.burned
    standing = {each.round: height for height, each in enumerate(model.chain, 1)}
    blobs = Shown()
    model.blobs = blobs  # type: ignore[assignment]
    if function == "refute":
        number, coordinate, data = arguments
        key = model.court.read_refutation(number, data)
        # Evidence about nothing that was proposed: the contract does not know its key.
        blobs.shown[data] = key, key not in model.results
        owed = model.owed.get(sender, 0)
        model.refute(now, sender, number, coordinate, data)
        told = types.Refuted(
            RoundId(number), coordinate, sender, Wei(model.owed.get(sender, 0) - owed)
        )
        return *_tell_cut(model, number, standing, stakes, burned, LIE), told
    record, which, first, count, *more = arguments
    leaves = Leaves(RoundId(record[0]), which, first, count)
    if function == "challenge":
        model.challenge(now, sender, record, which, first, count, value=value)
        return (_tell_challenge(model, record, leaves, sender, value, now),)
    if function == "answer":
        key = hash_words(*record)
        result = model.results.get(key)
        if result is not None and model.court.proves(model, result, leaves, more[0]):
            blobs.shown[more[0]] = key, which, first, count
        model.answer(now, sender, record, which, first, count, more[0])
        assert result is not None, "what was answered was agreed"
        return _tell_answer(model, result, leaves, sender)
    asked = _find_asked(model, record, leaves)
    owed = 0 if asked is None else model.owed.get(asked.challenger, 0)
    model.close(now, sender, record, which, first, count)
    assert asked is not None, "what was closed was asked for"
    paid = model.owed.get(asked.challenger, 0) - owed
    closed = types.Closed(leaves.round, which, first, count, Wei(paid))
    return *_tell_cut(model, record[0], standing, stakes, burned, SILENCE), closed


def save_disputes(model: FederationModel) -> Saved:
    """Return what of disputes a call can change, beside what rounds and seats know."""
    touched = tuple(
        (
            agreement,
            tuple((asked, asked.is_answered, asked.is_closed) for asked in agreement.asked),
            agreement.is_refuted,
            agreement.pot,
        )
        for agreement in model.archive.values()
        if agreement.asked or agreement.is_refuted
    )
    return touched, dict(model.owed), model.burned, model.cut_at


def load_disputes(model: FederationModel, saved: Saved) -> None:
    """Be again what was saved; the archive is that of then already."""
    touched, owed, model.burned, model.cut_at = saved
    model.owed = dict(owed)
    for agreement in model.archive.values():
        agreement.asked, agreement.is_refuted, agreement.pot = [], False, 0
    for agreement, entries, is_refuted, pot in touched:
        agreement.is_refuted, agreement.pot = is_refuted, pot
        agreement.asked = [asked for asked, *_ in entries]
        for asked, is_answered, is_closed in entries:
            asked.is_answered, asked.is_closed = is_answered, is_closed


def _find_asked(model: FederationModel, record: tuple[Any, ...], leaves: Leaves) -> Asked | None:
    key = hash_words(*record)
    asked = (a for each in model.archive.values() if each.key == key for a in each.asked)
    return next((a for a in asked if (a.which, a.first, a.count) == leaves.words), None)


def _tell_challenge(
    model: FederationModel,
    record: tuple[Any, ...],
    leaves: Leaves,
    sender: str,
    value: int,
    now: int,
) -> Event:
    return types.Challenged(
        leaves.round,
        Key(hash_words(*record)),
        *leaves.words,
        sender,
        Wei(value),
        now + model.parameters.answer_seconds,
    )


def _tell_answer(
    model: JudgedModel, result: Proposed, leaves: Leaves, sender: str
) -> tuple[Event, ...]:
    reached, _ = model.size_of(leaves.which)
    shown = range(leaves.first, min(leaves.first + leaves.count, reached))
    revealed = (
        types.Revealed(
            leaves.round,
            leaves.which,
            leaf,
            model.court.chunk(model, result, leaves.which, leaf),
        )
        for leaf in shown
    )
    return *revealed, types.Answered(leaves.round, *leaves.words, sender)


def _tell_cut(
    model: FederationModel,
    number: int,
    standing: dict[int, int],
    stakes: dict[int, int],
    burned: int,
    divisor: int,
) -> tuple[Event, ...]:
    """Return what is told where a result becomes void and its voters lose stake."""
    told: list[Event] = []
    height = standing.get(number)
    if height is not None and height > len(model.chain):
        told.append(types.Voided(RoundId(number), height))
    if divisor == SILENCE and not told:
        # A deposit came back, and nothing else.
        return ()
    taken = sum(before for before in stakes.values()) - sum(t.stake for t in model.tenancies)
    key = model.archive[number].key
    voters = bitmap_of(tuple(map(Seat, model.results[key].votes)))
    lost = model.burned - burned
    told.append(types.Slashed(RoundId(number), voters, divisor, Wei(taken), Wei(lost)))
    return tuple(told)
