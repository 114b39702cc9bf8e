"""What must survive a crash: what a peer learned, what it recomputed, what it set out to say, and
the transaction in which it said so last.

SQLite, every entry a transaction of its own, written before the act that it announces. So a peer
killed at any line repeats its act word for word: the update of a (parent, round) is chosen once,
and a key is approved only if it stands here as recomputed by this very peer.
"""

import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chain.types import Key, Root, RoundId
from node.errors import JournalFailed

REMEMBERED = 1024
"""Answers: of many more rounds than anybody asks about at once."""
COMMITTING = ("commit", "attest_and_commit")
"""Acts with which an update is committed to."""
_TABLES = """
CREATE TABLE IF NOT EXISTS trained (
    parent BLOB NOT NULL, round INTEGER NOT NULL, root BLOB NOT NULL,
    samples INTEGER NOT NULL, steps INTEGER NOT NULL, PRIMARY KEY (parent, round));
CREATE TABLE IF NOT EXISTS recomputed (
    key BLOB PRIMARY KEY, round INTEGER NOT NULL, model_root BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS intentions (
    number INTEGER PRIMARY KEY, act TEXT NOT NULL, round INTEGER NOT NULL, subject BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sending (
    only INTEGER PRIMARY KEY CHECK (only = 0), content BLOB NOT NULL);
"""


@dataclass(frozen=True)
class Trained:
    """The one update of a (parent, round), and what the peer claims of it."""

    root: Root
    samples: int
    steps: int


@dataclass(frozen=True)
class Preparation:
    """How far an update had come; `is_announced`: it was about to be sent."""

    trained: Trained | None
    is_announced: bool


class Journal:
    """One peer's journal, in a file or (None) in memory. Raises JournalFailed."""

    def __init__(self, path: Path | None) -> None:
        self._name = "in memory" if path is None else str(path)
        # A peer asks the same at every step, and nobody else writes here.
        self._chosen: dict[tuple[Key, RoundId], Trained | None] = {}
        self._known: dict[Key, bool] = {}
        with ExitStack() as opened:
            try:
                # Statements commit by themselves: one entry, one transaction.
                self._database = sqlite3.connect(
                    ":memory:" if path is None else path, isolation_level=None
                )
                opened.callback(self._database.close)
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.executescript(_TABLES)
            except sqlite3.Error as error:
                raise JournalFailed(f"journal {self._name}", "a database", error) from error
            opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def record_trained(self, parent: Key, round_id: RoundId, trained: Trained) -> Trained:
        """Choose the update of a (parent, round) and return it: the first choice stands for
        ever."""
        self._write(
            "INSERT OR IGNORE INTO trained VALUES (?, ?, ?, ?, ?)",
            (parent, round_id, trained.root, trained.samples, trained.steps),
        )
        self._chosen.pop((parent, round_id), None)
        chosen = self.find_trained(parent, round_id)
        assert chosen is not None, "it was written or was there"
        return chosen

    def find_trained(self, parent: Key, round_id: RoundId) -> Trained | None:
        """Return the update chosen for a (parent, round)."""
        target = parent, round_id
        if target not in self._chosen:
            row = self._read(
                "SELECT root, samples, steps FROM trained WHERE parent = ? AND round = ?", target
            )
            _make_room(self._chosen)
            self._chosen[target] = None if row is None else Trained(Root(row[0]), row[1], row[2])
        return self._chosen[target]

    def has_trained_on(self, parent: Key) -> bool:
        """Whether an update was chosen on this head, in any round."""
        return self._read("SELECT 1 FROM trained WHERE parent = ? LIMIT 1", (parent,)) is not None

    def trained(self) -> list[tuple[Key, RoundId, Trained]]:
        """Return every update that was chosen, in order: parent, round, update."""
        rows = self._read_all(
            "SELECT parent, round, root, samples, steps FROM trained ORDER BY rowid"
        )
        return [
            (Key(parent), RoundId(number), Trained(Root(root), samples, steps))
            for parent, number, root, samples, steps in rows
        ]

    def record_recomputed(self, key: Key, round_id: RoundId, model_root: Root) -> None:
        """Note that this peer itself arrived at `key`."""
        self._write(
            "INSERT OR IGNORE INTO recomputed VALUES (?, ?, ?)", (key, round_id, model_root)
        )
        self._known.pop(key, None)

    def has_recomputed(self, key: Key) -> bool:
        """Whether this peer itself arrived at `key`, in this life or an earlier one."""
        if key not in self._known:
            row = self._read("SELECT 1 FROM recomputed WHERE key = ?", (key,))
            _make_room(self._known)
            self._known[key] = row is not None
        return self._known[key]

    def record_intention(self, act: str, round_id: RoundId, subject: bytes) -> None:
        """Announce an act before it is done."""
        self._write(
            "INSERT INTO intentions (act, round, subject) VALUES (?, ?, ?)",
            (act, round_id, subject),
        )

    def intentions(self) -> list[tuple[str, RoundId, bytes]]:
        """Return all that was announced, in order: act, round, subject (key or root)."""
        rows = self._read_all("SELECT act, round, subject FROM intentions ORDER BY number")
        return [(act, RoundId(number), subject) for act, number, subject in rows]

    def record_sending(self, content: bytes) -> None:
        """Keep the transaction that is about to be sent, in place of the one before it.

        It stays here when it is mined: to ask for it once more costs less than a write each time.
        """
        self._write("INSERT OR REPLACE INTO sending VALUES (0, ?)", (content,))

    def find_sending(self) -> bytes | None:
        """Return the transaction that was sent last, which may be on its way still."""
        row = self._read("SELECT content FROM sending", ())
        return None if row is None else bytes(row[0])

    def forget_sending(self) -> None:
        """Let go of the transaction that was sent last: what came of it needs no second look."""
        self._write("DELETE FROM sending", ())

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        try:
            self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise JournalFailed(f"journal {self._name}", "room for an entry", error) from error

    def _read(self, statement: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        return next(iter(self._read_all(statement, values)), None)

    def _read_all(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise JournalFailed(f"journal {self._name}", "readable entries", error) from error


def check_journal(path: Path) -> None:
    """Raise JournalFailed unless the file is a sound journal with room for an entry. Changes
    nothing, also while a peer writes to it."""
    try:
        # Not `connect(path)`: that would make the file where there is none.
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
    except sqlite3.Error as error:
        raise JournalFailed(f"journal {path}", "a database", error) from error
    with closing(database):
        try:
            told = [row[0] for row in database.execute("PRAGMA integrity_check")]
            found = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
            database.execute("BEGIN IMMEDIATE")
            database.rollback()
        except sqlite3.Error as error:
            raise JournalFailed(f"journal {path}", "a database", error) from error
    if told != ["ok"]:
        raise JournalFailed(f"journal {path}", "sound pages", told[0])
    missing = {"trained", "recomputed", "intentions", "sending"} - found
    if missing:
        raise JournalFailed(f"journal {path}", "its tables", f"none called {sorted(missing)[0]}")


def read_preparation(path: Path, parent: Key, round_id: RoundId) -> Preparation | None:
    """Return how far the update of a (parent, round) came by a journal; None: there is no journal.
    Changes nothing, also while a peer writes to it. Raises JournalFailed."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
            row = database.execute(
                "SELECT root, samples, steps FROM trained WHERE parent = ? AND round = ?",
                (parent, round_id),
            ).fetchone()
            acts = database.execute(
                # The subject is the update's root or, of the two in one, the result it is made on.
                "SELECT 1 FROM intentions WHERE round = ? AND act IN (?, ?) AND subject IN (?, ?)",
                (round_id, *COMMITTING, parent, b"" if row is None else row[0]),
            ).fetchone()
    except sqlite3.Error as error:
        raise JournalFailed(f"journal {path}", "readable entries", error) from error
    trained = None if row is None else Trained(Root(row[0]), row[1], row[2])
    return Preparation(trained, trained is not None and acts is not None)


def _make_room(answers: dict[Any, Any]) -> None:
    if len(answers) >= REMEMBERED:
        answers.clear()
