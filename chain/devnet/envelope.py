"""JSON-RPC 2.0's envelope: from the bytes of a message to requests, and from answers to bytes.

Source: https://www.jsonrpc.org/specification
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final, NoReturn

from chain.devnet.errors import BadRequest, LimitExceeded, NoJson, RequestError
from chain.devnet.params import show
from chain.devnet.rpc import format_error

VERSION: Final = "2.0"
MAX_DEPTH: Final = 64
"""Of lists in lists; no method takes more than five."""
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
Answer = dict[str, object]


@dataclass(frozen=True, slots=True)
class Message:
    """The requests of one message, unchecked; a single one is not answered with a list."""

    requests: tuple[object, ...]
    is_batch: bool


def parse_message(body: bytes, *, most: int) -> Message:
    """Return the requests in `body`, at most so many.

    Raises `NoJson` for what is no JSON text in UTF-8, nested too deep or with a number too long
    included; `BadRequest` for an empty batch, `LimitExceeded` for a large one.

    >>> parse_message(b'{"method": "eth_chainId"}', most=1).is_batch
    False
    """
    if _is_deep(body):
        raise NoJson("parse error", expected=f"at most {MAX_DEPTH} levels", got="more")
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
    except ValueError as error:
        raise NoJson("parse error", expected="JSON", got=type(error).__name__) from error
    if not isinstance(value, list):
        return Message((value,), is_batch=False)
    if not value:
        raise BadRequest("invalid request: empty batch", expected="requests", got="none")
    if len(value) > most:
        raise LimitExceeded("batch too large", expected=f"at most {most}", got=len(value))
    return Message(tuple(value), is_batch=True)


def check_request(value: object) -> Mapping[str, object]:
    """Return `value` if it is a request object of this version; raises `BadRequest`.

    >>> check_request({"jsonrpc": "2.0", "method": "eth_chainId", "id": 1})["id"]
    1
    """
    if not isinstance(value, Mapping):
        raise BadRequest("invalid request", expected="an object", got=show(value))
    version = value.get("jsonrpc")
    if version != VERSION:
        raise BadRequest("invalid request: jsonrpc", expected=repr(VERSION), got=show(version))
    if not isinstance(value.get("method"), str):
        raise BadRequest("invalid request: method", expected="a name", got=show(value))
    if not _is_id(value.get("id")):
        raise BadRequest("invalid request: id", expected="a string or number", got=show(value))
    return value


def is_notification(request: Mapping[str, object]) -> bool:
    """Return whether the client wants no answer: it gave no id."""
    return "id" not in request


def answer_error(error: RequestError, request: object = None) -> Answer:
    """Return the response that `error` makes to `request`, with its id where it has one."""
    known = request.get("id") if isinstance(request, Mapping) else None
    return {
        "jsonrpc": VERSION,
        "id": known if _is_id(known) else None,
        "error": format_error(error),
    }


def encode(value: object) -> bytes:
    """Return JSON without spaces, in ASCII, so that a lone surrogate passes as it came."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _is_deep(body: bytes) -> bool:
    """Whether a parser that recurses could run out of stack.

    Python's would: py-evm raises the recursion limit far beyond what a thread's stack can hold, and
    then nested brackets end the process. Without strings, a text of this depth is gone once so many
    layers of empty pairs were taken off.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKET)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity, which JSON does not have.
    raise ValueError(name)
