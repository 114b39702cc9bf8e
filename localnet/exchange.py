"""Blobs between the peers of one machine: one checked store, and who holds and serves what.

A payload is hashed once, when it enters; peers of one process then share the same immutable bytes.
What a peer may have still follows the protocol: only what it learned itself, or what somebody
served it.
"""

from collections.abc import Mapping, Sequence

from chain.types import Seat
from localnet.byzantine import Byzantine
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.holdings import Outcome
from node.blobs.store import Blob, Blobs, check_payload

OUTSIDE = Seat(128)
"""The shelf of a watchtower: it reads from the seats, but none of them knows an endpoint of it."""


class LocalExchange:
    """Everybody's shelves over one store."""

    def __init__(
        self, store: Blobs, kinds: Mapping[int, Byzantine], honest: Sequence[Seat]
    ) -> None:
        self.store = store
        self._kinds = kinds
        self._holders: dict[Blob, set[Seat]] = {}
        choosing = sorted(seat for seat, kind in kinds.items() if kind.is_choosing)
        self._chosen = {
            Seat(seat): honest[i % len(honest)] for i, seat in enumerate(choosing) if honest
        }

    def shelf(self, seat: Seat) -> "Shelf":
        """Return the blobs of one peer."""
        return Shelf(self, seat)

    def hold(self, seat: Seat, blob: Blob) -> None:
        """Note that a seat has a payload."""
        self._holders.setdefault(blob, set()).add(seat)

    def release(self, seat: Seat, blob: Blob) -> None:
        """Note that a seat has it no more."""
        self._holders.get(blob, set()).discard(seat)

    def holds(self, seat: Seat, blob: Blob) -> bool:
        """Whether a seat has a payload."""
        return seat in self._holders.get(blob, ())

    def fetch(self, reader: Seat, blob: Blob, sources: Sequence[Seat]) -> bytes:
        """Return what the first source serves that has it, `sources` before all others."""
        holders = sorted(self._holders.get(blob, set()) - {OUTSIDE})
        ordered = [s for s in sources if s in holders] + [s for s in holders if s not in sources]
        reasons = []
        for source in ordered:
            try:
                return self._serve(source, reader, blob)
            except (BlobMissing, BlobCorrupt) as error:
                reasons.append(f"seat {source}: {error.got}")
        raise BlobMissing(
            f"blob {blob.name}", "a seat that serves it", "; ".join(reasons) or "none"
        )

    def _serve(self, source: Seat, reader: Seat, blob: Blob) -> bytes:
        kind = self._kinds.get(source)
        payload = self.store.get(blob)
        if kind is None:
            return payload
        reading = self._kinds.get(reader)
        is_hidden = kind.is_hiding and (reading is None or not reading.is_hiding)
        if (
            kind.is_withholding
            or is_hidden
            or (kind.is_choosing and self._chosen.get(source) != reader)
        ):
            raise BlobMissing(f"blob {blob.name}", f"served by seat {source}", "refused")
        if kind.is_garbling:
            payload = bytes(byte ^ 0xFF for byte in payload)
            check_payload(blob, payload)
        return payload

    def _is_refused(self, kind: Byzantine, source: Seat, reader: Seat) -> bool:
        if kind.is_hiding:
            return self._kinds.get(reader) != kind
        return kind.is_withholding or (kind.is_choosing and self._chosen.get(source) != reader)


class Shelf:
    """One peer's `Blobs` and `Exchange`: a view of the shared store. Nothing takes time."""

    def __init__(self, exchange: LocalExchange, seat: Seat) -> None:
        self._exchange = exchange
        self._seat = seat
        self._outcomes: dict[Blob, Outcome] = {}

    def put(self, blob: Blob, payload: bytes) -> None:
        self._exchange.store.put(blob, payload)
        self._exchange.hold(self._seat, blob)

    def keep(self, blob: Blob, payload: bytes) -> None:
        self._exchange.store.keep(blob, payload)
        self._exchange.hold(self._seat, blob)

    def get(self, blob: Blob) -> bytes:
        if not self.has(blob):
            raise BlobMissing(f"blob {blob.name}", f"held by seat {self._seat}", "none")
        return self._exchange.store.get(blob)

    def has(self, blob: Blob) -> bool:
        return self._exchange.holds(self._seat, blob)

    def drop(self, blob: Blob) -> None:
        self._exchange.release(self._seat, blob)

    def start(self, blob: Blob, sources: Sequence[Seat]) -> None:
        try:
            self.put(blob, self._exchange.fetch(self._seat, blob, sources))
            self._outcomes[blob] = Outcome()
        except (BlobMissing, BlobCorrupt) as error:
            self._outcomes[blob] = Outcome(error)

    def outcome(self, blob: Blob) -> Outcome | None:
        return self._outcomes.pop(blob, None)
