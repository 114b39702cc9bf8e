"""A node's word that there is a new block: a mere wake-up, which may fail or lie without harm.

Whoever is woken asks as if he had woken by himself; whoever is not, asks a little later.
"""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

LOG = logging.getLogger("holdfast.chain")
SUBSCRIBE = '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'
OPEN_SECONDS = 5.0
SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""Between two tries: a node may not have subscriptions at all."""
MOST_BYTES = 1 << 20
"""Of one message; a head has some hundred."""


def find_socket(endpoint: str) -> str | None:
    """Return where a node may tell of its blocks; None for a path, which is asked in turns only.

    >>> find_socket("http://127.0.0.1:8545")
    'ws://127.0.0.1:8545'
    """
    scheme, mark, rest = endpoint.partition("://")
    kinds = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    return f"{kinds[scheme]}://{rest}" if mark and scheme in kinds else None


class HeadListener:
    """Calls `ring` in a thread of its own at each new block; a context manager that never fails."""

    def __init__(self, endpoint: str, ring: Callable[[], None]) -> None:
        self._url = find_socket(endpoint)
        self._ring = ring
        self._is_over = threading.Event()
        self._connection: ClientConnection | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="heads", daemon=True)

    def __enter__(self) -> Self:
        if self._url is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        with self._lock:
            connection = self._connection
        if connection is not None:
            connection.close()
        if self._thread.is_alive():
            self._thread.join(OPEN_SECONDS)

    def _listen(self) -> None:
        pause_seconds = SHORTEST_PAUSE_SECONDS
        while not self._is_over.is_set():
            try:
                self._hear()
                pause_seconds = SHORTEST_PAUSE_SECONDS
            except (WebSocketException, OSError, ValueError) as error:
                LOG.debug("act=listen url=%s error=%r", self._url, str(error))
                pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
            self._is_over.wait(pause_seconds)

    def _hear(self) -> None:
        """Ring at every message until the connection ends."""
        assert self._url is not None, "the thread runs only where there is one"
        with connect(
            self._url, open_timeout=OPEN_SECONDS, close_timeout=1.0, max_size=MOST_BYTES
        ) as connection:
            with self._lock:
                self._connection = connection
                if self._is_over.is_set():
                    return
            connection.send(SUBSCRIBE)
            for _ in connection:
                self._ring()
