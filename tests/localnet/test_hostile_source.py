"""A federation of real peers, one of which answers the others with anything but its update."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from exchange_lab import Fault, misbehave
from fleet_lab import find_commits, stand_quick, watch_until

from chain.types import Agreed
from localnet.fleet.fleet import RELAY, Fleet
from localnet.fleet.relay import Relay, Wire, write_wires
from localnet.fleet.standing import Standing
from node.blobs.background import Background
from node.settings import read_settings

PEERS, HOSTILE = 5, 4
ROUNDS = 8
MOST_BYTES = 64 * 2**20
"""What a peer may need more than it did before."""

Answer = Callable[[int, bytes, asyncio.StreamWriter], Any]
"""(number of the request, its head, where to write the answer)"""


@dataclass
class Honest:
    """What the peer behind would have answered, as `misbehave` wants it."""

    body: bytes

    def chunk(self, index: int) -> bytes:
        return self.body


class Front:
    """Stands before a peer's server, in its name, and does as it likes."""

    def __init__(self, answer: Callable[[Front, int, bytes, asyncio.StreamWriter], Any]) -> None:
        self._answer = answer
        self._background = Background("hostile-front")
        self._numbers = count()
        self.back = 0

    def __enter__(self) -> Front:
        self._stack = ExitStack()
        self._stack.enter_context(self._background)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server = self._background.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._background.run(self._close())
        self._stack.close()

    @property
    def requests(self) -> int:
        return next(self._numbers)

    async def ask_peer(self, head: bytes) -> tuple[bytes, bytes]:
        """Return head and body of what the peer behind answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.back)
        try:
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", answer)
            return answer, await reader.readexactly(int(length[1]) if length else 0)
        finally:
            writer.transport.abort()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    await self._answer(self, next(self._numbers), head, writer)
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


async def abuse(front: Front, number: int, head: bytes, writer: asyncio.StreamWriter) -> None:
    """Another fault for every request."""
    status, body = await front.ask_peer(head)
    if b" 200 " not in status:
        # Not yet, says the peer: there is nothing to spoil.
        writer.write(status + body)
        return
    fault = list(Fault)[number % len(Fault)]
    await misbehave(fault, Honest(body))(0, writer)


async def serve_two(front: Front, number: int, head: bytes, writer: asyncio.StreamWriter) -> None:
    """What the peer says for seats 0 and 1, nothing for the others."""
    reader = re.search(rb"Holdfast seat=(\d+)", head)
    if reader is not None and int(reader[1]) < 2:
        status, body = await front.ask_peer(head)
        writer.write(status + body)
    else:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


@contextmanager
def stand_with(directory: Path, front: Front) -> Iterator[Standing]:
    """A federation whose last peer is reached by way of `front` alone."""
    with stand_quick(directory, peers=PEERS) as standing:
        fleet = standing.fleet
        # Whoever finds no node when it begins, ends: so all have begun before the relay goes.
        logs = [fleet.processes.log_path(f"peer-{seat}") for seat in range(PEERS)]
        watch_until(standing, lambda _: all("act=ready" in log.read_text() for log in logs))
        front.back = read_settings(fleet.peer_folder(HOSTILE)).listen[1]
        wires = [
            Wire(w.peer, w.front, front.port) if w.back == front.back else w
            for w in Relay(fleet.directory)._wires
        ]
        fleet.processes.stop([RELAY])
        write_wires(fleet.directory, wires)
        fleet.start_relay()
        yield standing


def peaks(fleet: Fleet) -> list[int]:
    """Return the most memory that each of the others has had, in bytes."""
    found = []
    for seat in range(PEERS - 1):
        born = fleet.processes.find(f"peer-{seat}")
        assert born is not None
        status = Path(f"/proc/{born.pid}/status").read_text()
        found.append(1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1]))  # type: ignore[index]
    return found


def play(standing: Standing, rounds: int) -> list[Agreed]:
    """Return the results of so many more rounds."""
    ledger = standing.following.contract.observer.ledger
    before = len(ledger.agreed)
    watch_until(standing, lambda ledger: len(ledger.agreed) >= before + rounds)
    events = [logged.event for logged in ledger.agreed[before:]]
    return [event for event in events if isinstance(event, Agreed)]


@pytest.mark.slow
def test_peers__a_source_that_answers_anything__rounds_go_on_and_it_is_named(
    tmp_path: Path,
) -> None:
    with Front(abuse) as front, stand_with(tmp_path / "up", front) as standing:
        play(standing, 1)
        before = peaks(standing.fleet)
        agreed = play(standing, ROUNDS)
        grown = [after - was for after, was in zip(peaks(standing.fleet), before, strict=True)]
        logs = [standing.fleet.log_path(seat).read_text() for seat in range(PEERS - 1)]
        assert front.requests > ROUNDS
    assert len(agreed) == ROUNDS
    assert max(grown) < MOST_BYTES
    for log in logs:
        assert f"act=drop seat={HOSTILE}" in log
        assert "Traceback" not in log


@pytest.mark.slow
def test_peers__a_source_that_serves_half_of_them__all_get_its_updates(tmp_path: Path) -> None:
    with Front(serve_two) as front, stand_with(tmp_path / "up", front) as standing:
        agreed = play(standing, ROUNDS)
        ledger = standing.following.contract.observer.ledger
        committed = [e for e in agreed[1:] if e.round in find_commits(ledger, HOSTILE)]
        included = [HOSTILE in ledger.result(event.key).seats for event in committed]
    # On a busy machine it may miss a round that the others close without it.
    assert len(committed) >= 2
    assert all(included), "those who were served serve the others"
