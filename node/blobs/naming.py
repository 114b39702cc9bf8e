"""What the blobs of a federation are called: root, tag and size, by what the chain says of them."""

from dataclasses import dataclass
from functools import lru_cache

from chain.keys import compute_update_tag
from chain.types import Committed, Parameters, Root, RoundId, Seat
from node.blobs.store import Blob
from node.encoding import MODEL_BYTES

REMEMBERED_TAGS = 4096
"""Of the rounds that are looked at again and again, for 128 seats."""

_compute_tag = lru_cache(REMEMBERED_TAGS)(compute_update_tag)


@dataclass(frozen=True)
class Naming:
    """The addresses of one federation's updates and models."""

    chain_id: int
    address: str
    parameters: Parameters

    def committed_blob(self, commitment: Committed) -> Blob:
        """Return the address of a committed update."""
        return self.update_blob(commitment.round, commitment.seat, commitment.root)

    def update_blob(self, round_id: RoundId, seat: Seat, root: Root) -> Blob:
        """Return the address of an update."""
        size = self.parameters.coordinates * self.parameters.update_bytes
        return Blob(root, size, self.update_tag(round_id, seat))

    def update_tag(self, round_id: RoundId, seat: Seat) -> bytes:
        """Return the tag of an update's leaves."""
        return _compute_tag(self.chain_id, self.address, round_id, seat)

    def model_blob(self, root: Root) -> Blob:
        """Return the address of a model."""
        return Blob(root, self.parameters.coordinates * MODEL_BYTES)
