"""Files that appear whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file aside, sync and rename it. Raises OSError; nothing half written stays.

    A symbolic link stays one; a device or a pipe is written to as it is, and stays one too.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
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
