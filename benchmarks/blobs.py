"""Blobs from process to process over loopback, beside what the machine could do at best.

Everything is verified and synced to disk before it counts. The limits are taken in the same run: a
bare socket copy, SHA-256 over the bytes in one go, and SHA-256 leaf by leaf, which is what every
reader has to do.
"""

import os
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.moving import make_blob, run_fetch, run_server
from benchmarks.table import print_table
from node.blobs.disk import DiskBlobs
from node.merkle import MODEL_TAG, compute_leaves

MEGABYTE = 1_000_000
SIZES = (400_000, 40 * MEGABYTE, 400 * MEGABYTE)
SOURCES = (1, 3)
TURNS = 3
COPIED_BYTES = 400 * MEGABYTE
HASHED_BYTES = 40 * MEGABYTE
PIECE_BYTES = 2**18


def measure(folder: Path, size_bytes: int, count: int) -> list[str]:
    """Return a row."""
    seconds, extras = [], []
    with ExitStack() as running:
        folders = [folder / f"server{number}" for number in range(count)]
        blobs = [make_blob(DiskBlobs(each), size_bytes) for each in folders]
        servers = [running.enter_context(run_server(each)) for each in folders]
        before = [server.resident_mib for server in servers]
        for turn in range(TURNS):
            moved = run_fetch(folder / f"mine{turn}", blobs[0], [each.url for each in servers])
            DiskBlobs(folder / f"mine{turn}").drop(blobs[0])
            seconds.append(moved.seconds)
            extras.append(moved.extra_mib)
        served = max(server.peak_mib - was for server, was in zip(servers, before, strict=True))
        for each in folders:
            DiskBlobs(each).drop(blobs[0])
    return [
        f"{size_bytes / MEGABYTE:g}",
        str(count),
        f"{median(seconds):.3f}",
        f"{size_bytes / MEGABYTE / median(seconds):.0f}",
        f"{max(extras):.0f}",
        f"{served:.0f}",
    ]


def measure_copy() -> float:
    """Return the MB/s of a bare copy through a loopback socket."""

    def send() -> None:
        with closing(socket.create_connection(listener.getsockname())) as sender:
            piece = bytes(PIECE_BYTES)
            for _ in range(COPIED_BYTES // PIECE_BYTES):
                sender.sendall(piece)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=send)
        began = perf_counter()
        thread.start()
        receiver, _ = listener.accept()
        into = bytearray(PIECE_BYTES)
        with closing(receiver):
            while receiver.recv_into(into):
                pass
        seconds = perf_counter() - began
        thread.join()
    return COPIED_BYTES / MEGABYTE / seconds


def measure_speed(work: Callable[[bytes], object]) -> float:
    """Return how many MB/s a computation over bytes takes in."""
    content = os.urandom(HASHED_BYTES)
    seconds = []
    for _ in range(TURNS):
        began = perf_counter()
        work(content)
        seconds.append(perf_counter() - began)
    return HASHED_BYTES / MEGABYTE / median(seconds)


def main() -> None:
    """Print the table."""
    rows = []
    for size_bytes in SIZES:
        for count in SOURCES:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(measure(Path(folder), size_bytes, count))
    rows.append(["bar", "", "", "", "< 64", "< 64"])
    print_table(
        "a blob from process to process over loopback, verified and synced",
        ["MB", "sources", "seconds", "MB/s", "reader's extra MiB", "server's extra MiB"],
        rows,
    )
    print_table(
        "what bounds it",
        ["at best", "MB/s"],
        [
            ["bare copy through a loopback socket", f"{measure_copy():.0f}"],
            ["SHA-256 in one go", f"{measure_speed(lambda c: sha256(c).digest()):.0f}"],
            [
                "SHA-256 leaf by leaf, one core",
                f"{measure_speed(lambda c: compute_leaves(c, MODEL_TAG)):.0f}",
            ],
        ],
    )


if __name__ == "__main__":
    main()
