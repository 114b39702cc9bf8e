"""eth_subscribe: who hears of new heads and of which logs.

Source: geth's real-time events. What a revert takes away is not told (`removed`): after it, a
subscriber hears of the next block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from chain.devnet import params
from chain.devnet.devnet import Devnet
from chain.devnet.envelope import VERSION, encode
from chain.devnet.errors import BadParams, LimitExceeded
from chain.devnet.evm import Block
from chain.devnet.formats import Json, format_block, format_log
from chain.devnet.records import LogRecord
from chain.devnet.rpc import JsonRpc

METHODS: Final = frozenset({"eth_subscribe", "eth_unsubscribe"})


@dataclass(frozen=True, slots=True)
class LogWish:
    """Which logs a subscriber wants; empty admits all, as in a log filter."""

    addresses: frozenset[bytes]
    topics: tuple[frozenset[bytes], ...]

    def admits(self, log: LogRecord) -> bool:
        """Return whether `log` is among them."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(log.topics) < len(self.topics):
            return False
        pairs = zip(self.topics, log.topics, strict=False)
        return all(not admitted or topic in admitted for admitted, topic in pairs)


@dataclass(eq=False, slots=True)
class Session:
    """One WebSocket, as far as the chain knows it; its owner sets `is_closed`."""

    is_closed: bool = False
    wishes: dict[str, LogWish | None] = field(default_factory=dict)
    """By subscription; None is a wish for new heads."""


Notice = tuple[Session, bytes]


class Subscriptions:
    """All subscriptions of a server; used by the one thread that the chain runs in."""

    def __init__(self, devnet: Devnet, most: int) -> None:
        self._devnet = devnet
        self._most = most
        self._sessions: dict[Session, JsonRpc] = {}
        self._last = 0
        self._notices: list[Notice] = []
        devnet.listen(self._hear)

    def handle(self, session: Session, request: Mapping[str, object]) -> dict[str, object]:
        """Answer eth_subscribe or eth_unsubscribe."""
        self._sessions = {kept: rpc for kept, rpc in self._sessions.items() if not kept.is_closed}
        rpc = self._sessions.get(session)
        if rpc is None:
            rpc = JsonRpc(
                {
                    "eth_subscribe": lambda kind, how=None: self._subscribe(session, kind, how),
                    "eth_unsubscribe": lambda which: self._unsubscribe(session, which),
                }
            )
            self._sessions[session] = rpc
        return rpc.handle(request)

    def take_notices(self) -> list[Notice]:
        """Return what there is to tell since the last time, in order."""
        notices, self._notices = self._notices, []
        return notices

    def _subscribe(self, session: Session, kind: object, how: object) -> str:
        wish = _parse_wish(kind, how)
        if len(session.wishes) >= self._most:
            raise LimitExceeded("too many subscriptions", expected=self._most, got=self._most + 1)
        self._last += 1
        name = hex(self._last)
        session.wishes[name] = wish
        return name

    def _unsubscribe(self, session: Session, which: object) -> bool:
        if not isinstance(which, str):
            raise BadParams("subscription", expected="its id", got=params.show(which))
        return session.wishes.pop(which, session) is not session

    def _hear(self, block: Block) -> None:
        live = [session for session in self._sessions if not session.is_closed]
        wishes = [wish for session in live for wish in session.wishes.values()]
        if not wishes:
            return
        head = encode(_format_head(block)) if None in wishes else b""
        logs = self._format_logs(block) if any(wishes) else []
        for session in live:
            for name, wish in session.wishes.items():
                told = [head] if wish is None else [text for log, text in logs if wish.admits(log)]
                self._notices.extend((session, _notify(name, text)) for text in told)

    def _format_logs(self, block: Block) -> list[tuple[LogRecord, bytes]]:
        logs: Iterable[LogRecord] = self._devnet.iterate_block_logs(block.record.number)
        hashes = self._devnet.get_transaction_hashes(block.record.number)
        return [
            (log, encode(format_log(log, block.record.hash, hashes[log.transaction])))
            for log in logs
        ]


def _parse_wish(kind: object, how: object) -> LogWish | None:
    if kind == "newHeads":
        return None
    if kind != "logs":
        raise BadParams("subscription", expected="newHeads or logs", got=params.show(kind))
    request = params.parse_mapping("filter", {} if how is None else how)
    return LogWish(
        frozenset(params.parse_addresses("address", request.get("address"))),
        tuple(map(frozenset, params.parse_topics("topics", request.get("topics")))),
    )


def _format_head(block: Block) -> Json:
    left_out = ("size", "transactions", "uncles", "withdrawals")
    return {name: value for name, value in format_block(block, ()).items() if name not in left_out}


def _notify(name: str, result: bytes) -> bytes:
    frame = {"jsonrpc": VERSION, "method": "eth_subscription", "params": {"subscription": name}}
    # The result is the same for all who hear it, so it is put into the frame as text.
    return b'%s,"result":%s}}' % (encode(frame)[:-2], result)
