"""RLP and Prague headers, with the types that the `rlp` package does not declare."""

from __future__ import annotations

from typing import Any, TypeAlias

from eth.vm.forks.prague.blocks import PragueBlockHeader
from rlp import codec

Header: TypeAlias = Any
"""A `PragueBlockHeader`: py-evm declares as optional what every header of this fork has."""


def encode_rlp(value: object) -> bytes:
    """Return the RLP of bytes, of nested lists of bytes, or of a py-evm object."""
    encoded: bytes = codec.encode(value)  # type: ignore[no-untyped-call]
    return encoded


def decode_rlp(encoded: bytes) -> object:
    """Return the bytes or nested lists of bytes that `encoded` holds.

    >>> decode_rlp(encode_rlp([b"a", [b""]]))
    [b'a', [b'']]
    """
    value: object = codec.decode(encoded)  # type: ignore[no-untyped-call]
    return value


def decode_header(encoded: bytes) -> Header:
    """Return the header that `encoded` holds."""
    return codec.decode(encoded, PragueBlockHeader)  # type: ignore[no-untyped-call]
