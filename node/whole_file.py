"""Files that appear whole or not at all."""

import os
from pathlib import Path
from stat import S_IMODE

EVERYBODYS, OWNERS = 0o666, 0o600
"""Modes of files, before the process's mask."""


def write_whole(path: Path, content: bytes, *, mode: int = EVERYBODYS) -> None:
    """Write a file aside, sync and rename it. Raises OSError; nothing half written stays.

    `mode`: of a new file, less the process's mask; one that is there keeps its own. A symbolic link
    stays one; a device or a pipe is written to as it is, and stays one too.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            if path.exists():
                os.fchmod(file.fileno(), S_IMODE(path.stat().st_mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        # The user knows the name that was asked for, and not the one aside.
        error.filename = str(path)
        raise
    finally:
        aside.unlink(missing_ok=True)
