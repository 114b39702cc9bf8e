"""The wires of a federation's peers, so that they can be cut: `python -m localnet.fleet.relay
FOLDER`.

Each peer reaches the chain, and is reached by the others, through ports of its own here. Which
peers are cut off is in the folder; a SIGHUP has it read again. Bytes pass as they are.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from node.whole_file import write_whole

ROUTES, CUT = "routes.json", "cut"
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Wire:
    """What comes to `front` goes to `back`, both ports of the loopback, unless `peer` is cut."""

    peer: int
    front: int
    back: int


def write_wires(folder: Path, wires: Sequence[Wire]) -> None:
    """Note the wires of a federation."""
    write_whole(folder / ROUTES, json.dumps([asdict(wire) for wire in wires]).encode())


def read_wires(folder: Path) -> list[Wire]:
    """Return the wires of a federation. Raises OSError."""
    return [Wire(**each) for each in json.loads((folder / ROUTES).read_text())]


def cut_path(folder: Path, peer: int) -> Path:
    """Return the file whose presence says that a peer is cut off."""
    return folder / CUT / str(peer)


class Relay:
    """Passes bytes on, in one event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wires = read_wires(folder)
        self._servers: dict[Wire, asyncio.Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: dict[Wire, set[asyncio.StreamWriter]] = {wire: set() for wire in self._wires}

    async def run(self) -> None:
        """Serve until SIGTERM."""
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        assert me is not None, "it runs as a task"
        look = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, me.cancel)
        loop.add_signal_handler(signal.SIGHUP, look.set)
        try:
            while True:
                for wire in self._wires:
                    await self._set(wire, is_cut=cut_path(self._folder, wire.peer).exists())
                await look.wait()
                look.clear()
        finally:
            for wire in self._wires:
                await self._set(wire, is_cut=True)
            await asyncio.gather(*self._tasks)

    async def _set(self, wire: Wire, *, is_cut: bool) -> None:
        server = self._servers.get(wire)
        if is_cut and server is not None:
            server.close()
            del self._servers[wire]
            for writer in list(self._open[wire]):
                writer.transport.abort()
        elif not is_cut and server is None:
            self._servers[wire] = await asyncio.start_server(
                lambda reader, writer: self._pass(wire, reader, writer), "127.0.0.1", wire.front
            )

    async def _pass(
        self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None, "a server makes one for each connection"
        self._tasks.add(task)
        opened = [writer]
        self._open[wire].add(writer)
        try:
            # Nobody there, or gone: whoever asked hears what he would have heard there.
            with suppress(OSError):
                back_reader, back_writer = await asyncio.open_connection("127.0.0.1", wire.back)
                opened.append(back_writer)
                self._open[wire].add(back_writer)
                await asyncio.gather(_pump(reader, back_writer), _pump(back_reader, writer))
        finally:
            self._tasks.discard(task)
            for each in opened:
                self._open[wire].discard(each)
                each.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()


if __name__ == "__main__":
    with suppress(asyncio.CancelledError):
        asyncio.run(Relay(Path(sys.argv[1])).run())
