"""A learner's failure: the whole traceback in a file, and one line for everybody else."""

import sysconfig
import traceback
from pathlib import Path

from node.learning.hosting import TRACEBACK
from node.whole_file import write_whole

OURS = Path(__file__).parent.parent.parent
PYTHON = Path(sysconfig.get_path("stdlib"))
LONGEST = 300


def keep_traceback(notes: Path | None, error: BaseException) -> Path | None:
    """Write a failure's traceback into the folder of notes, over the last one; return where. A disk
    that takes none changes nothing of the failure."""
    if notes is None:
        return None
    text = "".join(traceback.format_exception(error))
    try:
        write_whole(notes / TRACEBACK, text.encode(errors="replace"))
    except (OSError, MemoryError):
        return None
    return notes / TRACEBACK


def describe_failure(error: BaseException, kept: Path | None) -> str:
    """Return one line: what was raised, by which line of whose file, and where to read more."""
    told = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST]
    place = _find_place(error)
    notes = [*([] if place is None else [place])]
    if kept is not None:
        notes.append(f"traceback in {kept}")
    return f"{told} ({'; '.join(notes)})" if notes else told


def _find_place(error: BaseException) -> str | None:
    """Return the innermost line that is neither ours nor Python's nor an installed package's."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        is_ours = path.is_relative_to(OURS / "node")
        is_ours |= path.is_relative_to(PYTHON)
        if not is_ours and path.is_absolute() and "site-packages" not in path.parts:
            return f"{path.name} line {frame.lineno}"
    return None
