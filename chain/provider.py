"""web3's door to a node: questions in, answers out, over whatever transport its endpoint names."""

import json
import threading
from typing import Any, Self, cast

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chain.errors import Dropped, Unreachable
from chain.transports import Transport

_SHOWN_BYTES = 40
"""So much of an answer that is none is repeated to whoever asked."""


class NodeProvider(JSONBaseProvider):
    """Asks one node, one question at a time, from any thread. Every failure is Unreachable."""

    def __init__(self, endpoint: str, transport: Transport) -> None:
        super().__init__()
        self.endpoint = endpoint
        self._transport = transport
        self._lock = threading.Lock()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the node's answer, an error of JSON-RPC included."""
        question = self.encode_rpc_request(method, params)
        with self._lock:
            try:
                return self._exchange(question)
            except Dropped:
                # The node hung up between two questions. What changes nothing is asked again.
                if not _is_repeatable(method):
                    raise
            return self._exchange(question)

    def _exchange(self, question: bytes) -> RPCResponse:
        try:
            return self._parse(self._transport.exchange(question))
        except BaseException:
            # Also when interrupted: the answer is on its way, and the next question has another.
            self._transport.close()
            raise

    def close(self) -> None:
        """Hang up; a later question connects anew."""
        with self._lock:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _parse(self, text: bytes) -> RPCResponse:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Unreachable(self.endpoint, f"no JSON: {text[:_SHOWN_BYTES]!r}") from error
        if not _is_answer(answer):
            raise Unreachable(self.endpoint, f"no JSON-RPC answer: {text[:_SHOWN_BYTES]!r}")
        if answer.get("error") is None:
            # Some nodes write it out that there was none.
            answer.pop("error", None)
        return cast(RPCResponse, answer)


def _is_answer(answer: object) -> bool:
    if not isinstance(answer, dict):
        return False
    error = answer.get("error")
    if error is None:
        return "result" in answer
    return isinstance(error, dict) and isinstance(error.get("message"), str)


def _is_repeatable(method: str) -> bool:
    """Return whether asking twice is asking once."""
    return method.startswith(("eth_", "net_", "web3_")) and not method.startswith("eth_send")
