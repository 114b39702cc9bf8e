"""Who may read: requests signed by the keys of seats.

    Authorization: Holdfast seat=3, at=1700000000, signature=0x…

The signature is over reader, server, method, path and time (`chain/signatures.py`), within 60 s of
the server's clock. Which chunk of a blob is asked for stands in the query, not in the path: one
signature serves for a whole blob, and for no other blob, server or minute.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from chain.states import Reading
from chain.types import Clock, Seat
from node.blobs.errors import AccessRefused

WINDOW_SECONDS = 60  # clocks differ, and a chunk may wait for the one before it
REMEMBERED = 4096  # signatures made or checked lately: some 1 ms each
_FORM = re.compile(r"Holdfast seat=(\d{1,3}), at=(\d{1,12}), signature=0x([0-9a-f]{130})")

Sign = Callable[[Reading], bytes]
Recover = Callable[[Reading, bytes], str | None]
"""Return the address that signed; None: nobody did."""
OwnerOf = Callable[[Seat], str | None]
"""Return the address that holds a seat now; None: nobody does."""


class Gate(Protocol):
    """What a server asks before it answers."""

    def admit(self, method: str, path: str, header: str | None) -> Seat | None:
        """Return who reads, None where that is not asked. Raises AccessRefused."""
        ...


class PublicGate:
    """Of a federation that says it is public: anybody may read."""

    def admit(self, method: str, path: str, header: str | None) -> Seat | None:
        return None


class MembersGate:
    """Of a federation whose blobs are for its seats: asks `owner_of` in the server's thread."""

    def __init__(self, server: Seat, *, owner_of: OwnerOf, recover: Recover, clock: Clock) -> None:
        self._server = server
        self._owner_of = owner_of
        self._recover = recover
        self._clock = clock
        self._signers: OrderedDict[tuple[Reading, bytes], str | None] = OrderedDict()

    def admit(self, method: str, path: str, header: str | None) -> Seat | None:
        form = _FORM.fullmatch(header or "")
        if form is None:
            got = "none" if header is None else "another header"
            raise AccessRefused("access", "Authorization: Holdfast seat=, at=, signature=", got)
        reader, at = Seat(int(form[1])), int(form[2])
        now = self._clock()
        if abs(now - at) > WINDOW_SECONDS:
            raise AccessRefused(
                "access", f"a time within {WINDOW_SECONDS} s of {now} (this server's clock)", at
            )
        owner = self._owner_of(reader)
        if owner is None:
            raise AccessRefused("access", "a seat that is held", f"seat {reader}")
        signed = Reading(reader, self._server, method, path, at)
        signer = self._find_signer(signed, bytes.fromhex(form[3]))
        if signer is None or signer.lower() != owner.lower():
            raise AccessRefused("access", f"a signature by {owner}, of seat {reader}", signer)
        return reader

    def _find_signer(self, reading: Reading, signature: bytes) -> str | None:
        name = reading, signature
        if name not in self._signers:
            self._signers[name] = self._recover(*name)
            if len(self._signers) > REMEMBERED:
                self._signers.popitem(last=False)
        return self._signers[name]


class Passport:
    """One seat's headers, each signed once for all chunks of a blob at a server."""

    def __init__(self, reader: Seat, *, sign: Sign, clock: Clock) -> None:
        self.reader = reader
        self._sign = sign
        self._clock = clock
        self._headers: OrderedDict[tuple[Seat, str, str], tuple[int, str]] = OrderedDict()

    def header(self, server: Seat, method: str, path: str) -> str:
        """Return the value of the header for a request to `server` now."""
        now, name = self._clock(), (server, method, path)
        at, header = self._headers.get(name, (0, ""))
        if not 0 <= now - at < WINDOW_SECONDS // 2:
            signature = self._sign(Reading(self.reader, server, method, path, now))
            header = f"Holdfast seat={self.reader}, at={now}, signature=0x{signature.hex()}"
            self._headers[name] = now, header
            if len(self._headers) > REMEMBERED:
                self._headers.popitem(last=False)
        return header
