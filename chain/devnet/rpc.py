"""JSON-RPC 2.0: a request object in, a response object out, whatever the transport."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from eth.vm.interrupt import EVMMissingData
from trie.exceptions import MissingTrieNode

from chain.devnet.errors import (
    BadParams,
    BadRequest,
    RequestError,
    StoreUnreadable,
    UnknownMethod,
)
from chain.devnet.params import show

Method = Callable[..., object]
MAX_NAME = 80
"""So much of an unknown method's name is repeated to whoever asked for it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    method: Method
    least: int
    most: int


class JsonRpc:
    """Calls methods by name, one request at a time whatever thread it comes from.

    Each method takes the request's parameters by position, those that may be left out with a
    default, and returns what JSON can hold. Every call runs inside a context of `around`.
    """

    def __init__(
        self,
        methods: Mapping[str, Method],
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._around = around
        self._entries = {name: _make_entry(method) for name, method in methods.items()}
        self._lock = threading.RLock()

    @property
    def lock(self) -> threading.RLock:
        """Held while a request runs; take it to close what the methods use."""
        return self._lock

    def handle(self, request: Mapping[str, object]) -> dict[str, object]:
        """Return the response to `request`, an error of JSON-RPC included.

        Raises `StoreError` where the chain's file fails: that is no answer to a request.
        """
        answer: dict[str, object] = {"jsonrpc": "2.0", "id": request.get("id")}
        try:
            with self._lock, self._around():
                answer["result"] = self._call(request.get("method"), request.get("params"))
        except RequestError as error:
            answer["error"] = format_error(error)
        except (EVMMissingData, MissingTrieNode) as error:
            raise StoreUnreadable("devnet state", expected="every node", got=error) from error
        return answer

    def _call(self, name: object, params: object) -> object:
        if not isinstance(name, str):
            raise BadRequest("invalid request: method", expected="a name", got=show(name))
        entry = self._entries.get(name)
        if entry is None:
            raise UnknownMethod(
                f"the method {name[:MAX_NAME]} does not exist/is not available",
                expected="a method of this node",
                got=name,
            )
        values = () if params is None else params
        if not isinstance(values, Sequence) or isinstance(values, str | bytes):
            raise BadParams("params", expected="a list", got=show(params))
        if not entry.least <= len(values) <= entry.most:
            raise BadParams(
                "params", expected=f"{entry.least} to {entry.most} of them", got=len(values)
            )
        return entry.method(*values)


def _make_entry(method: Method) -> _Entry:
    parameters = inspect.signature(method).parameters.values()
    required = [item for item in parameters if item.default is inspect.Parameter.empty]
    return _Entry(method, len(required), len(parameters))


def format_error(error: RequestError) -> dict[str, object]:
    """Return the error object of a response."""
    answer: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        answer["data"] = error.data
    return answer
