"""Memory on both sides, of real processes: what travels is never held as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from exchange_lab import Fault, RawServer, Wire, draw, misbehave

from benchmarks.moving import make_blob, run_fetch, run_server
from node.blobs.chunks import CHUNK_BYTES
from node.blobs.disk import DiskBlobs

ROOT = Path(__file__).parents[3]
MOST_MIB = 64
HOSTILE = """
import json, sys, threading
from pathlib import Path
from benchmarks.moving import read_memory_mib
from chain.types import Root, Seat
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobMissing
from node.blobs.fetching import Fetcher
from node.blobs.limits import FetchingLimits
from node.blobs.store import Blob
root, tag, size, folder, url = sys.argv[1:]
blob = Blob(Root(bytes.fromhex(root)), int(size), bytes.fromhex(tag))
limits = FetchingLimits(connect_seconds=1, silence_seconds=1, least_bytes_per_second=2**20)
told = threading.Event()
urls = {seat: url for seat in range(3)}
with Fetcher(
    DiskBlobs(Path(folder)), endpoint_of=urls.get, limits=limits, notify=told.set
) as fetcher:
    before = read_memory_mib("VmRSS")
    fetcher.start(blob, [Seat(seat) for seat in urls])
    told.wait()
    assert isinstance(fetcher.outcome(blob), BlobMissing)
print(json.dumps(read_memory_mib("VmHWM") - before))
"""


@pytest.fixture
def as_program(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.slow
@pytest.mark.parametrize(
    "size_bytes", [40_000_000, pytest.param(400_000_000, marks=pytest.mark.slow)]
)
def test_fetch__large_blob__takes_little_memory_on_either_side(
    as_program, tmp_path, record_property, size_bytes
):
    store = DiskBlobs(tmp_path / "theirs")
    blob = make_blob(store, size_bytes)
    with run_server(tmp_path / "theirs") as server:
        before_mib = server.resident_mib
        moved = run_fetch(tmp_path / "mine", blob, [server.url])
        served_mib = server.peak_mib - before_mib
    record_property("took", f"{moved}, server {served_mib:.1f} MiB")
    assert moved.extra_mib < MOST_MIB
    assert served_mib < MOST_MIB
    assert DiskBlobs(tmp_path / "mine").has_sound(blob)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.ENDLESS,
        Fault.ENDLESS_HEAD,
        Fault.ENDLESS_LINE,
        pytest.param(Fault.ENDLESS_INFORMATION, marks=pytest.mark.slow),
    ],
    ids=lambda fault: fault.value,
)
def test_fetch__endless_answers_from_three_sources__take_little_memory(as_program, tmp_path, fault):
    payload, blob = draw(2 * CHUNK_BYTES)
    names = [blob.root.hex(), blob.tag.hex(), str(blob.size_bytes)]
    with RawServer(misbehave(fault, Wire(payload, blob))) as bad:
        done = subprocess.run(
            [sys.executable, "-c", HOSTILE, *names, str(tmp_path), bad.url],
            check=True,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ,
            timeout=100,
        )
    assert json.loads(done.stdout) < MOST_MIB / 2
