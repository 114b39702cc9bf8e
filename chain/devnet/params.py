"""JSON-RPC parameters to values: each parser takes the parameter's name and raises `BadParams`.

Source: the Ethereum JSON-RPC specification's encoding of quantities and data; EIP-1898.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from reprlib import Repr
from typing import Final

from eth_typing import Address

from chain.devnet.errors import BadParams
from chain.devnet.records import MAX_TOPICS

TAGS: Final = frozenset({"latest", "pending", "safe", "finalized", "earliest"})
MAX_ALTERNATIVES: Final = 1000
"""Addresses, or values of one topic, in a log filter; SQLite admits 32,766 in a whole query."""
_QUANTITY: Final = re.compile(r"0[xX][0-9a-fA-F]{1,64}")
_DATA: Final = re.compile(r"0[xX](?:[0-9a-fA-F]{2})*")
_ADDRESS_BYTES: Final = 20
_HASH_BYTES: Final = 32


_repr = Repr()
# Enough to recognise an address, and room for nobody's megabyte.
_repr.maxstring = _repr.maxother = _repr.maxlong = 80


def show(value: object) -> str:
    """Return what came as an error message has it: shortened, however long or deep it is.

    >>> show("0x" + "11" * 1000)
    "'0x11111111111111111111111111111111111...11111111111111111111111111111111111111'"
    """
    return _repr.repr(value)


@dataclass(frozen=True, slots=True)
class BlockRef:
    """Which block a request means: one of a tag, a number or a hash."""

    tag: str | None = None
    number: int | None = None
    hash: bytes | None = None


def parse_quantity(name: str, value: object) -> int:
    """Return a non-negative integer below 2^256, from hex or, as tools send it, a JSON integer."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**256:
        return value
    raise BadParams(name, expected="a hex quantity", got=show(value))


def parse_boolean(name: str, value: object) -> bool:
    """Return a JSON boolean."""
    if not isinstance(value, bool):
        raise BadParams(name, expected="true or false", got=show(value))
    return value


def parse_data(name: str, value: object, size: int | None = None) -> bytes:
    """Return bytes from hex, exactly `size` of them if that is given."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise BadParams(name, expected="hex data", got=show(value))
    data = bytes.fromhex(value[2:])
    if size is not None and len(data) != size:
        raise BadParams(name, expected=f"{size} bytes", got=f"{len(data)}")
    return data


def parse_hash(name: str, value: object) -> bytes:
    """Return the 32 bytes of a hash or a topic."""
    return parse_data(name, value, _HASH_BYTES)


def parse_address(name: str, value: object) -> Address:
    """Return the 20 bytes of an address; the case of its letters is not looked at."""
    return Address(parse_data(name, value, _ADDRESS_BYTES))


def parse_mapping(name: str, value: object) -> Mapping[str, object]:
    """Return a JSON object."""
    if not isinstance(value, Mapping):
        raise BadParams(name, expected="an object", got=show(value))
    return value


def parse_block(name: str, value: object) -> BlockRef:
    """Return the block meant by a tag, a number, a hash or an EIP-1898 object."""
    if isinstance(value, Mapping):
        if "blockHash" in value:
            return BlockRef(hash=parse_hash(name, value["blockHash"]))
        value = value.get("blockNumber")
    if isinstance(value, str):
        if value in TAGS:
            return BlockRef(tag=value)
        if len(value) == 2 + 2 * _HASH_BYTES:
            return BlockRef(hash=parse_hash(name, value))
    return BlockRef(number=parse_quantity(name, value))


def parse_addresses(name: str, value: object) -> tuple[bytes, ...]:
    """Return the addresses of a log filter: none for null, one, or a list."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (parse_address(name, value),)
    return tuple(parse_address(name, item) for item in _parse_list(name, value, MAX_ALTERNATIVES))


def parse_topics(name: str, value: object) -> tuple[tuple[bytes, ...], ...]:
    """Return the admitted values of each topic: null is any, a list its members."""
    if value is None:
        return ()
    return tuple(_parse_topic(name, item) for item in _parse_list(name, value, MAX_TOPICS))


def _parse_topic(name: str, value: object) -> tuple[bytes, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (parse_hash(name, value),)
    members = _parse_list(name, value, MAX_ALTERNATIVES)
    if any(member is None for member in members):
        return ()
    return tuple(parse_hash(name, member) for member in members)


def _parse_list(name: str, value: object, most: int) -> Sequence[object]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise BadParams(name, expected="a list", got=show(value))
    if len(value) > most:
        raise BadParams(name, expected=f"at most {most} items", got=len(value))
    return value
