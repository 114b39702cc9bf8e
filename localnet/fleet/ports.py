"""Ports for servers that must find them free again after a crash."""

import random
import socket
from collections.abc import Iterator

FIRST, LAST = 20_000, 32_000
"""Below those that systems hand out to clients: nobody takes one while its server is away."""


def find_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listens at. Raises OSError where there are none."""
    found: list[int] = []
    for port in _candidates():
        if len(found) == count:
            return found
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    raise OSError(f"expected {count} free ports from {FIRST} to {LAST}, got {len(found)}")


def _candidates() -> Iterator[int]:
    # Anywhere, so that two federations that start together do not meet.
    start = random.SystemRandom().randrange(FIRST, LAST)
    yield from range(start, LAST)
    yield from range(FIRST, start)
