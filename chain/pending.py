"""A transaction on its way, as plain data: it can be put on disk before it is sent, and taken up
again by another process."""

import json
from dataclasses import dataclass, replace

from eth_hash.auto import keccak

from chain.federation import Call
from chain.fees import Offer
from chain.types import Wei


@dataclass(frozen=True)
class Signed:
    """A signed transaction and what it offers for gas."""

    raw: bytes
    offer: Offer

    @property
    def hash(self) -> bytes:
        """The transaction's name: keccak256 of its bytes (EIP-2718)."""
        return keccak(self.raw)


@dataclass(frozen=True)
class Pending:
    """One call under one nonce, signed once or, with higher fees, again: one of `versions` at most
    is ever mined. `sent_in` is the head's number when the newest of them was sent."""

    call: Call
    nonce: int
    gas: int
    versions: tuple[Signed, ...]
    sent_in: int

    @property
    def newest(self) -> Signed:
        """What was signed last."""
        return self.versions[-1]

    @property
    def transaction(self) -> bytes:
        """The hash of what was signed last."""
        return self.newest.hash

    def with_version(self, signed: Signed, sent_in: int) -> "Pending":
        """Return the same call with one more version, sent while `sent_in` was the head."""
        return replace(self, versions=(*self.versions, signed), sent_in=sent_in)

    def encode(self) -> bytes:
        """Return all of it as bytes, for `decode_pending`."""
        call = self.call
        content = {
            "function": call.function,
            "to": call.to,
            "data": call.data.hex(),
            "value_wei": call.value_wei,
            "nonce": self.nonce,
            "gas": self.gas,
            "versions": [
                [each.raw.hex(), each.offer.max_fee_wei, each.offer.tip_wei]
                for each in self.versions
            ],
            "sent_in": self.sent_in,
        }
        return json.dumps(content).encode()


def decode_pending(encoded: bytes) -> Pending:
    """Return what was encoded.

    >>> signed = Signed(b"raw", Offer(max_fee_wei=3, tip_wei=1))
    >>> pending = Pending(Call("leave", "0x00", b"x"), 7, 50_000, (signed,), 12)
    >>> decode_pending(pending.encode()) == pending
    True
    """
    content = json.loads(encoded)
    data, value = bytes.fromhex(content["data"]), Wei(content["value_wei"])
    return Pending(
        call=Call(content["function"], content["to"], data, value),
        nonce=content["nonce"],
        gas=content["gas"],
        versions=tuple(
            Signed(bytes.fromhex(raw), Offer(max_fee_wei, tip_wei))
            for raw, max_fee_wei, tip_wei in content["versions"]
        ),
        sent_in=content["sent_in"],
    )
