"""What a server takes and gives at most, so that no client fills its memory or its day."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogLimits:
    """Of one `eth_getLogs`: blocks in its range, logs and bytes of their data in its answer."""

    blocks: int = 10_000
    logs: int = 10_000
    data_bytes: int = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a server; whoever meets one is told so in a JSON-RPC error.

    `body_bytes`, `batch`: of one request or WebSocket message. `answer_bytes`: of its answer.
    `connections`: HTTP and WebSocket together. `subscriptions`, `in_flight` (requests read and not
    yet answered), `unread_bytes` (notifications that the client does not take; then it is let
    go): of one WebSocket. `waiting_bytes`: of all requests that wait for the chain. A connection
    that sends no whole request for `idle_seconds` is closed.
    """

    body_bytes: int = 2 * 2**20
    batch: int = 1_000
    answer_bytes: int = 32 * 2**20
    connections: int = 256
    subscriptions: int = 64
    in_flight: int = 16
    unread_bytes: int = 2 * 2**20
    waiting_bytes: int = 64 * 2**20
    idle_seconds: float = 75.0
    logs: LogLimits = LogLimits()
