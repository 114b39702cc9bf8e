"""Blobs made to order, and processes that serve and fetch them, with what they need of memory.

`python -m benchmarks.moving serve FOLDER` prints its URL; `fetch FOLDER ROOT SIZE URL...` prints
what it took; both in JSON.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from chain.types import Root, Seat
from node.blobs.access import PublicGate
from node.blobs.chunks import Cut, build_tree
from node.blobs.disk import DiskBlobs
from node.blobs.fetching import Fetched, Fetcher
from node.blobs.limits import ServingLimits
from node.blobs.serving import BlobServer
from node.blobs.store import Blob
from node.merkle import MODEL_TAG, compute_leaves

UNLIMITED = ServingLimits(
    requests_per_second=1e9, address_requests_per_second=1e9, bytes_per_second=1e12
)


@dataclass(frozen=True)
class Moved:
    """What a fetch took: seconds, and MiB beyond what the process had before."""

    seconds: float
    extra_mib: float


@dataclass(frozen=True)
class Serving:
    """A process that serves a folder."""

    url: str
    process: "subprocess.Popen[str]"

    @property
    def resident_mib(self) -> float:
        return read_memory_mib("VmRSS", self.process.pid)

    @property
    def peak_mib(self) -> float:
        return read_memory_mib("VmHWM", self.process.pid)


def make_blob(store: DiskBlobs, size_bytes: int, seed: int = 0) -> Blob:
    """Put a random model into a store, chunk by chunk."""
    generator, cut = np.random.default_rng(seed), Cut(size_bytes)
    payload, leaves = store.directory / "new", store.directory / "new.leaves"
    with payload.open("wb") as payload_file, leaves.open("wb") as leaves_file:
        leaves_file.write(MODEL_TAG)

        def write(index: int) -> list[bytes]:
            chunk = generator.bytes(cut.measure(index))
            payload_file.write(chunk)
            hashes = compute_leaves(chunk, MODEL_TAG)
            leaves_file.write(b"".join(hashes))
            return hashes

        blob = Blob(Root(build_tree(size_bytes, write).root), size_bytes)
    store.adopt(blob, payload, leaves)
    return blob


@contextmanager
def run_server(folder: Path) -> Iterator[Serving]:
    """Serve a folder in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.moving", "serve", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Serving(json.loads(process.stdout.readline())["url"], process)
        assert process.stdin is not None
        process.stdin.close()


def run_fetch(folder: Path, blob: Blob, urls: Sequence[str]) -> Moved:
    """Fetch a blob into a folder in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.moving", "fetch", str(folder)]
    command += [blob.root.hex(), str(blob.size_bytes), *urls]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Moved(**json.loads(done.stdout))


def serve(folder: Path) -> None:
    """Serve until the standard input ends."""
    with BlobServer(
        DiskBlobs(folder), PublicGate(), lambda blob, reader: True, limits=UNLIMITED
    ) as server:
        print(json.dumps({"url": server.url}), flush=True)
        sys.stdin.read()


def fetch(folder: Path, blob: Blob, urls: Sequence[str]) -> Moved:
    """Fetch a blob, and tell what it took."""
    told = threading.Event()
    endpoints = {Seat(seat): url for seat, url in enumerate(urls)}
    with Fetcher(DiskBlobs(folder), endpoint_of=endpoints.get, notify=told.set) as fetcher:
        before_mib = read_memory_mib("VmRSS")
        began = perf_counter()
        fetcher.start(blob, list(endpoints))
        told.wait()
        seconds = perf_counter() - began
        outcome = fetcher.outcome(blob)
    if not isinstance(outcome, Fetched):
        raise SystemExit(f"benchmarks: {outcome}")
    return Moved(seconds, read_memory_mib("VmHWM") - before_mib)


def read_memory_mib(field: str, pid: int | str = "self") -> float:
    """Return a field of a process's status: VmRSS, what it has, or VmHWM, the most it had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def main(words: Sequence[str]) -> None:
    """Run one of the two processes."""
    if words[0] == "serve":
        serve(Path(words[1]))
    else:
        blob = Blob(Root(bytes.fromhex(words[2])), int(words[3]))
        print(json.dumps(vars(fetch(Path(words[1]), blob, words[4:]))))


if __name__ == "__main__":
    main(sys.argv[1:])
