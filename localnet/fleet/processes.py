"""Programs that outlive whoever starts them, found again by number, time of birth, and the boot of
the machine that the time counts from.

A number alone would not do: the system gives it to another process later. Each program leads a
session of its own, so that what it starts itself is found by that, even after it was killed; and as
a session's number too is another's in the end, by a mark that all of them inherit.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from node.whole_file import write_whole

PROC = Path("/proc")
STOP_SECONDS = 10.0
"""So long a program may take to end by itself."""
POLL_SECONDS = 0.02
BOOT = PROC / "sys" / "kernel" / "random" / "boot_id"
"""Another one each time that the machine starts (random(4))."""
MARK = "HOLDFAST_NOTED_IN"
"""In the environment of every program: the file that notes it."""
# A program notes its own birth before it is one: whoever starts it may be killed at any moment.
_NOTE_AND_RUN = (
    f'read -r boot < {BOOT} && read -r born < /proc/$$/stat && printf "%s\\n" "$boot" "$born" '
    '> "$0.tmp" && mv "$0.tmp" "$0" && exec "$@"'
)


@dataclass(frozen=True)
class Born:
    """A process as `/proc/PID/stat` tells it (proc_pid_stat(5)). `born_at`: ticks since the machine
    started."""

    pid: int
    session: int
    born_at: int
    is_dead: bool


def read_born(stat: str) -> Born:
    """Return what a line of `stat` says. Raises ValueError."""
    # The name in brackets may have brackets and blanks of its own.
    before, _, after = stat.rpartition(")")
    words = after.split()
    return Born(int(before.split("(")[0]), int(words[3]), int(words[19]), words[0] in "ZX")


def find_process(pid: int) -> Born | None:
    """Return a process that lives or has not been buried; None where there is none."""
    try:
        return read_born((PROC / str(pid) / "stat").read_text())
    except (OSError, ValueError, IndexError):
        return None


def find_noted(note: Path) -> Born | None:
    """Return the process that a file notes, if it lives."""
    noted = _read(note)
    now = None if noted is None else find_process(noted.pid)
    if noted is None or now is None or now.is_dead or now.born_at != noted.born_at:
        return None
    return now


def note_own(note: Path) -> None:
    """Note this very process. Raises OSError."""
    write_whole(note, BOOT.read_bytes() + (PROC / "self" / "stat").read_bytes())


def await_end(note: Path, seconds: float) -> None:
    """Wait until the process that a file notes has ended, so long at most."""
    ends_at = monotonic() + seconds
    while find_noted(note) is not None and monotonic() < ends_at:
        sleep(POLL_SECONDS)


class Processes:
    """The programs of a folder: their births in `pids/`, what they say in `logs/`."""

    def __init__(self, directory: Path) -> None:
        self._pids = directory / "pids"
        self._logs = directory / "logs"
        # Of those that this process started, which are its to bury.
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a program that does not run; what it says is added to its log. Raises OSError."""
        for pid in self.members(name):
            # What an earlier life has left would be found by nobody any more.
            _signal(pid, signal.SIGKILL)
        for folder in (self._pids, self._logs):
            folder.mkdir(parents=True, exist_ok=True)
        note = self._pids / name
        note.unlink(missing_ok=True)
        with self.log_path(name).open("ab") as log:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _NOTE_AND_RUN, str(note), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {}), MARK: str(note.resolve())},
                start_new_session=True,
            )
        self._children.append((name, child))
        while not note.exists() and child.poll() is None:
            sleep(POLL_SECONDS / 10)

    def log_path(self, name: str) -> Path:
        """Where a program's log is."""
        return self._logs / f"{name}.log"

    def names(self) -> list[str]:
        """Return every program that was ever started here, in order of their names."""
        if not self._pids.is_dir():
            return []
        return sorted(path.name for path in self._pids.iterdir() if path.suffix != ".tmp")

    def find(self, name: str) -> Born | None:
        """Return a program that lives; None where it does not."""
        return find_noted(self._pids / name)

    def send(self, name: str, number: signal.Signals, *, to_all: bool = False) -> bool:
        """Send a signal to a program, `to_all`: and to all that it started; return whether it
        lives."""
        born = self.find(name)
        if born is None:
            return False
        for pid in self.members(name) if to_all else (born.pid,):
            _signal(pid, number)
        return True

    def members(self, name: str) -> list[int]:
        """Return the living processes of a program's session, of one that was killed too."""
        noted = _read(self._pids / name)
        if noted is None:
            return []
        leader = find_process(noted.pid)
        if leader is not None and leader.born_at != noted.born_at:
            # The number went to another process: so nobody has it as his session any more.
            return []
        mark = f"{MARK}={(self._pids / name).resolve()}".encode()
        every = (find_process(int(path.name)) for path in PROC.iterdir() if path.name.isdigit())
        return [
            each.pid
            for each in every
            if each
            and each.session == noted.pid
            and not each.is_dead
            and mark in _read_environment(each.pid)
        ]

    def stop(self, names: Sequence[str], seconds: float = STOP_SECONDS) -> None:
        """Ask programs to end, and kill them, and all that they started, where they do not."""
        for name in names:
            born, members = self.find(name), self.members(name)
            # Who leads ends what he has started himself; of one that was killed all are orphans.
            for pid in members if born is None else (born.pid,):
                _signal(pid, signal.SIGTERM)
            for pid in members:
                _signal(pid, signal.SIGCONT)
        self._wait(names, seconds)
        for name in names:
            for pid in self.members(name):
                _signal(pid, signal.SIGKILL)
        self._wait(names, seconds)
        for name, child in self._children:
            if name in names:
                # One that is just ending has no environment any more, and so is no member, but is
                # not to be buried yet either.
                with suppress(subprocess.TimeoutExpired):
                    child.wait(seconds)
        self.bury()
        for name in names:
            (self._pids / name).unlink(missing_ok=True)

    def bury(self) -> None:
        """Take note of own children that have ended."""
        self._children = [each for each in self._children if each[1].poll() is None]

    def _wait(self, names: Sequence[str], seconds: float) -> None:
        ends_at = monotonic() + seconds
        while any(self.members(name) for name in names) and monotonic() < ends_at:
            sleep(POLL_SECONDS)


def _read(note: Path) -> Born | None:
    """Return what a file notes; None also where the machine has started anew since."""
    try:
        boot, _, stat = note.read_text().partition("\n")
        return read_born(stat) if boot == BOOT.read_text().strip() else None
    except (OSError, ValueError, IndexError):
        return None


def _read_environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
