"""A process that serves a chain until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from chain.devnet.devnet import Devnet
from chain.devnet.errors import StoreUnreadable
from chain.devnet.server import Server
from chain.devnet.store import FILE_NAME, LOCK_NAME

_SWITCH_SECONDS: Final = 0.0005
"""How long the chain's thread may keep the interpreter from the event loop; Python's own choice,
ten times that, would be the latency of every step of a connection while a block is made."""


def serve(
    devnet: Devnet,
    *,
    host: str,
    port: int,
    block_seconds: float | None,
    is_on_demand: bool = False,
    announce: Callable[[Server], None],
) -> signal.Signals:
    """Serve until SIGINT or SIGTERM and return which; `announce` is called once it listens.

    A block is mined when a transaction comes; every `block_seconds` instead, or, with
    `is_on_demand`, as well: then time goes on where deadlines are all that is waited for. What was
    asked until the end is answered. Raises `CannotListen`.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    return asyncio.run(_serve(devnet, host, port, block_seconds, is_on_demand, announce))


def check_directory(directory: Path) -> None:
    """Raise `StoreUnreadable` for a directory that has something in it, yet no chain."""
    if not directory.is_dir():
        return
    found = sorted(each.name for each in directory.iterdir() if each.name != LOCK_NAME)
    if found and FILE_NAME not in found:
        raise StoreUnreadable(
            f"devnet store {directory}", expected="a chain or an empty directory", got=found[0]
        )


async def _serve(
    devnet: Devnet,
    host: str,
    port: int,
    block_seconds: float | None,
    is_on_demand: bool,
    announce: Callable[[Server], None],
) -> signal.Signals:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[signal.Signals] = loop.create_future()

    def stop(which: signal.Signals) -> None:
        # A second signal finds Python's own handlers, which do not wait.
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
        stopped.set_result(which)

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop, each)
    ticks = None if block_seconds is None else _tick(block_seconds)
    async with Server(
        devnet, host=host, port=port, ticks=ticks, is_on_demand=is_on_demand
    ) as server:
        announce(server)
        return await stopped


async def _tick(seconds: float) -> AsyncIterator[None]:
    """Yield every so many seconds; a late turn does not make the next ones early."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + seconds, loop.time())
        await asyncio.sleep(due - loop.time())
        yield
