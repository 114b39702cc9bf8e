"""What can go wrong in the development chain, as one branch of `chain.errors`.

    DevnetError                 expected, got
    ├── StoreError              the directory cannot serve as a chain
    │   ├── StoreUnreadable     missing, damaged, or written by something else
    │   ├── ChainMismatch       another chain id, another genesis
    │   ├── StoreBusy           another process is its writer
    │   └── DiskFull            the block being written was dropped, the one before it stands
    ├── CannotListen            the server's address is taken or is none
    └── RequestError            an answer of JSON-RPC: code, message, data
        ├── NoJson              -32700
        ├── BadRequest          -32600
        ├── UnknownMethod       -32601
        ├── BadParams           -32602
        ├── LimitExceeded       -32005, too much of something
        ├── Refused             -32000, the node will not do it
        └── Reverted            3, the contract said no; data holds its words

A `RequestError` is the protocol's business and becomes a response in `rpc`; a `StoreError` is the
machine's and travels up to whoever opened the chain.
"""

from __future__ import annotations

from chain.errors import ChainError


class DevnetError(ChainError):
    """Root of every error that `chain.devnet` raises; says what it expected and what it got."""

    def __init__(self, subject: str, *, expected: object, got: object) -> None:
        message = f"{subject}: expected {expected}, got {got}"
        super().__init__(message, expected=expected, got=got)


class StoreError(DevnetError):
    """The directory cannot serve as a chain."""


class StoreUnreadable(StoreError):
    """The chain's file is missing, damaged or not a chain's file."""


class ChainMismatch(StoreError):
    """The directory holds another chain than the one asked for."""


class StoreBusy(StoreError):
    """Another process, or another `Devnet`, is writing to this directory."""


class DiskFull(StoreError):
    """No room for the next block; the head is the block before it."""


class CannotListen(DevnetError):
    """The address cannot be listened at."""


class RequestError(DevnetError):
    """A JSON-RPC error answer; `data` is a hex string where the method defines one."""

    code = -32603

    def __init__(
        self, message: str, *, expected: object, got: object, data: str | None = None
    ) -> None:
        super().__init__(message, expected=expected, got=got)
        self.message = message
        self.data = data


class NoJson(RequestError):
    """What came is no JSON text."""

    code = -32700


class BadRequest(RequestError):
    """JSON, but no JSON-RPC request."""

    code = -32600


class UnknownMethod(RequestError):
    """No such method."""

    code = -32601


class BadParams(RequestError):
    """A parameter is missing, of the wrong kind, or there are too many."""

    code = -32602

    def __init__(self, name: str, *, expected: object, got: object) -> None:
        super().__init__(f"invalid params: {name}", expected=expected, got=got)
        self.message = str(self)


class LimitExceeded(RequestError):
    """More than this server takes or gives at once. Code: EIP-1474."""

    code = -32005


class Refused(RequestError):
    """The request is well formed and the node will not do it; `message` gives the reason."""

    code = -32000


class Reverted(RequestError):
    """A call ended in REVERT; `data` is what it returned."""

    code = 3
