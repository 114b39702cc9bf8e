"""web3's door to a chain in the same process: no sockets, no JSON text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

Handler = Callable[[Mapping[str, object]], dict[str, object]]


class DevnetProvider(JSONBaseProvider):
    """Hands every request to `handle` as the object that JSON would have carried.

    Raises `StoreError` from the request that met it.
    """

    def __init__(self, handle: Handler) -> None:
        super().__init__()
        self._handle = handle

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the response to one request."""
        request = {
            "jsonrpc": "2.0",
            "id": next(self.request_counter),
            "method": method,
            "params": params,
        }
        return cast(RPCResponse, self._handle(request))

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Return the responses in the order of the requests."""
        return [self.make_request(method, params) for method, params in requests]

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Return True: the chain is in this process."""
        return True
