"""One process at a time in a peer's folder: two with one key would take each other's nonces, and
two with one journal would each believe that they know all that was done.

The kernel holds the lock (flock), so that a process which dies leaves none behind, whatever it died
of. What stands in the file only says whom to look for.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.errors import FolderBusy

LOCK = "lock"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Have a peer's folder to oneself. Raises FolderBusy, which names the other process; OSError
    where the folder cannot be written to."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderBusy(
                f"folder {folder}", "one command at a time", f"{_name(descriptor)} at work in it"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a process is at work in the folder now. Leaves no file where there was none."""
    return find_holder(folder) is not None


def find_holder(folder: Path) -> str | None:
    """Return who is at work in the folder now, as in `process 4242`; None: nobody. Leaves no file
    where there was none."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _name(descriptor)
    finally:
        os.close(descriptor)
    return None


def _name(descriptor: int) -> str:
    who = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
    return f"process {who or 'unknown'}"
