"""Nodes of other processes: an anvil, where the environment names one."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

PRAGUE = ("--hardfork", "prague", "--base-fee", "1000000000")
"""As the embedded chain is."""


@contextmanager
def run_anvil(*options: str) -> Iterator[str]:
    """Run an anvil until the context ends, and return its URL; skip the test without one."""
    anvil = os.environ.get("HOLDFAST_ANVIL")
    if not anvil:
        pytest.skip("HOLDFAST_ANVIL does not name an anvil")
    command = [anvil, "--port", "0", *PRAGUE, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"Listening on (127\.0\.0\.1:\d+)", line):
                    break
            else:
                pytest.fail("anvil ended without listening")
            # It tells of every request; nobody reading, it would wait for a reader.
            drain = Thread(target=process.stdout.read)
            drain.start()
            yield f"http://{found[1]}"
        finally:
            process.terminate()
    drain.join()
