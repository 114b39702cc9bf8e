"""What was read of a federation's chain, on disk: a restart reads on where the last life ended.

SQLite, one transaction for each batch of blocks: what a re-org took back and what stands in its
place change together. Nothing here is believed without asking: the watcher looks for the newest of
these blocks that the node still has on its chain, and reads again from there.
"""

import json
import sqlite3
from contextlib import ExitStack
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from chain import types
from chain.errors import HistoryFailed
from chain.types import Block, Event, Logged, Parameters, Position

REMEMBERED_BLOCKS = 256
"""How far back a re-org is followed; a deeper one re-reads from the creation."""

_TEXTS = ("owner", "endpoint")
"""Fields of events that are text; all other text is bytes in hex."""

_TABLES = """
CREATE TABLE IF NOT EXISTS federation (
    only INTEGER PRIMARY KEY CHECK (only = 0), name TEXT NOT NULL, created_at INTEGER NOT NULL,
    creation BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL, parent BLOB NOT NULL,
    timestamp INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    block INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL,
    timestamp INTEGER NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (block, position));
"""


class History:
    """One federation's events and the newest blocks that were read, in a file.

    Raises HistoryFailed, which says what to do, where the file is no such thing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as opened:
            try:
                # Statements commit by themselves, unless a transaction is begun.
                self._database = sqlite3.connect(path, isolation_level=None)
                opened.callback(self._database.close)
                self._database.execute("PRAGMA journal_mode = WAL")
                # What a power cut takes is read from the chain again.
                self._database.execute("PRAGMA synchronous = NORMAL")
                self._database.executescript(_TABLES)
            except sqlite3.Error as error:
                raise HistoryFailed(path, error) from error
            opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def find_creation(self, name: str) -> tuple[int, bytes] | None:
        """Return number and hash of the block that created the federation `name`; None: this file
        does not know."""
        rows = self._ask("SELECT created_at, creation FROM federation WHERE name = ?", (name,))
        return None if not rows else (int(rows[0][0]), bytes(rows[0][1]))

    def begin(self, name: str, creation: Block) -> None:
        """Forget everything, and begin the history of the federation `name`."""
        with self._transaction():
            for table in ("federation", "blocks", "events"):
                self._ask(f"DELETE FROM {table}")
            row = (0, name, creation.number, creation.hash)
            self._ask("INSERT INTO federation VALUES (?, ?, ?, ?)", row)

    def record(self, keep: int, events: tuple[Logged, ...], blocks: tuple[Block, ...]) -> None:
        """Forget all after block `keep`, then add `events` and `blocks`."""
        with self._transaction():
            self._ask("DELETE FROM events WHERE block > ?", (keep,))
            self._ask("DELETE FROM blocks WHERE number > ?", (keep,))
            for block in blocks:
                row = (block.number, block.hash, block.parent, block.timestamp)
                self._ask("INSERT INTO blocks VALUES (?, ?, ?, ?)", row)
            for logged in events:
                self._ask("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", _to_row(logged))
            self._ask(
                "DELETE FROM blocks WHERE number NOT IN "
                "(SELECT number FROM blocks ORDER BY number DESC LIMIT ?)",
                (REMEMBERED_BLOCKS,),
            )

    def blocks(self) -> list[Block]:
        """Return the newest blocks that were read, ascending."""
        rows = self._ask("SELECT number, hash, parent, timestamp FROM blocks ORDER BY number")
        return [Block(*row) for row in rows]

    def events(self) -> list[Logged]:
        """Return every event, in the chain's order. Raises HistoryFailed."""
        rows = self._ask("SELECT * FROM events ORDER BY block, position")
        try:
            return [_from_row(row) for row in rows]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise HistoryFailed(self.path, f"an entry that is no event ({error})") from error

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._ask)

    def _ask(self, statement: str, values: tuple[object, ...] = ()) -> list[Any]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise HistoryFailed(self.path, error) from error


class _Transaction:
    """All of it or nothing."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask

    def __enter__(self) -> None:
        self._ask("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ask("COMMIT" if kind is None else "ROLLBACK")


def _to_row(logged: Logged) -> tuple[object, ...]:
    at = logged.at
    content = json.dumps(_to_plain(logged.event))
    kind = type(logged.event).__name__
    return at.block, at.index, at.transaction, logged.timestamp, kind, content


def _from_row(row: tuple[Any, ...]) -> Logged:
    block, index, transaction, timestamp, kind, content = row
    event = cast(Event, _from_plain(getattr(types, kind), json.loads(content)))
    return Logged(event, Position(block, index, transaction), timestamp)


def _to_plain(value: object) -> object:
    """Return an event, or a part of one, as JSON has it: bytes in hex after 0x."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if is_dataclass(value):
        return [_to_plain(getattr(value, field.name)) for field in fields(value)]
    return value


def _from_plain(kind: type, values: list[Any]) -> object:
    """Undo `_to_plain`."""
    named = zip(fields(kind), values, strict=True)
    return kind(*(_read_field(field.name, value) for field, value in named))


def _read_field(name: str, value: Any) -> object:
    if name == "parameters":
        return _from_plain(Parameters, value)
    if isinstance(value, str) and name not in _TEXTS:
        return bytes.fromhex(value.removeprefix("0x"))
    return value
