"""What a peer needs of the chain: the federation, its history, and what its blobs are called."""

from dataclasses import dataclass
from functools import cached_property

from chain.federation import Federation
from chain.observer import Observer
from chain.types import Parameters
from node.blobs.naming import Naming


@dataclass(frozen=True)
class Contract:
    """One federation on one chain."""

    federation: Federation
    observer: Observer
    parameters: Parameters

    @cached_property
    def naming(self) -> Naming:
        """What its blobs are called."""
        return Naming(self.federation.chain_id, self.federation.address, self.parameters)
