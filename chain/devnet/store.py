"""The chain on disk: one SQLite file, one transaction per block, readers alongside the writer.

Directory
    chain.sqlite3   state nodes, blocks, transactions with receipts, logs, transactions that wait
                    for a block, what chain this is
    writer.lock     held, as an open SQLite transaction, for as long as the writer lives; the
                    operating system lets go of it when the process dies, however it dies

The file is in write-ahead mode with `synchronous = NORMAL`: a killed process loses nothing that
was answered, a power cut may lose the last blocks, and neither can tear a block: SQLite drops the
torn end of its log when it opens. Damage that it cannot see is found where it is read: a state node
is named by its hash, every other row carries a checksum, and `chain.devnet.integrity` compares the
head with all that its header promises. Without a directory the same tables live in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, Self

from chain.devnet.errors import DiskFull, StoreBusy, StoreUnreadable
from chain.devnet.records import (
    NO_CHANGE,
    BlockRecord,
    LogFilter,
    LogRecord,
    MinedBlock,
    PoolChange,
    TransactionRecord,
)
from chain.devnet.rows import (
    block_from_row,
    block_to_row,
    log_from_row,
    log_to_row,
    transaction_from_row,
    transaction_to_row,
    waiting_from_row,
    waiting_to_row,
)

FILE_NAME: Final = "chain.sqlite3"
LOCK_NAME: Final = "writer.lock"
WHOLE_CHECK_BYTES: Final = 64 * 2**20
"""Up to this size a file is checked whenever it is opened, indexes included: half a second."""
FORMAT: Final = 2
"""Stored as SQLite's `user_version`; 0 is what a file that is not ours has."""

_SCHEMA: Final = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL);
-- Hash to trie node or contract code. A rowid table: values are appended in order and only the
-- small index is written at random places.
CREATE TABLE nodes (key BLOB PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header BLOB NOT NULL,
    size_bytes INTEGER NOT NULL, checksum INTEGER NOT NULL
);
CREATE TABLE transactions (
    hash BLOB PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL,
    payload BLOB NOT NULL, sender BLOB NOT NULL, status INTEGER NOT NULL,
    gas_used INTEGER NOT NULL, cumulative_gas_used INTEGER NOT NULL, gas_price_wei BLOB NOT NULL,
    contract BLOB, checksum INTEGER NOT NULL, UNIQUE (block, position)
);
CREATE TABLE logs (
    block INTEGER NOT NULL, position INTEGER NOT NULL, transaction_position INTEGER NOT NULL,
    address BLOB NOT NULL, topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
    checksum INTEGER NOT NULL, PRIMARY KEY (block, position)
) WITHOUT ROWID;
CREATE INDEX logs_by_address ON logs (address, block);
-- Acknowledged, not mined yet; in the order of arrival.
CREATE TABLE waiting (
    arrival INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, payload BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
PRAGMA user_version = {FORMAT};
"""


class Store:
    """A context manager over the file; one writer, any number of `read_only` ones.

    Raises `StoreUnreadable` for a missing or damaged file, `StoreBusy` for a second writer and
    `DiskFull` where SQLite says so. Not thread-safe: callers take turns.
    """

    def __init__(self, directory: Path | None, *, read_only: bool) -> None:
        self._subject = "devnet store" if directory is None else f"devnet store {directory}"
        self._is_suspect = directory is not None and _is_small_or_unfinished(directory)
        with ExitStack() as opened:
            if directory is not None and not read_only:
                opened.enter_context(_hold_writer_lock(directory))
            with self._errors():
                self._connection = _connect(directory, read_only=read_only)
                opened.callback(self._connection.close)
                self._prepare(directory, read_only=read_only)
            self._opened = opened.pop_all()

    def _prepare(self, directory: Path | None, *, read_only: bool) -> None:
        execute = self._connection.execute
        (found,) = execute("PRAGMA user_version").fetchone()
        (objects,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        if found == 0 and objects == 0 and not read_only:
            if directory is not None:
                execute("PRAGMA journal_mode = WAL")
            # One transaction, so that a process killed here leaves an empty file to start again.
            self._connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        elif found != FORMAT:
            raise StoreUnreadable(
                self._subject, expected=f"a chain in format {FORMAT}", got=f"format {found}"
            )
        execute("PRAGMA synchronous = NORMAL")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it; closing twice is harmless."""
        self._opened.close()

    def get_facts(self) -> dict[str, bytes]:
        """Return what identifies the chain; empty until the genesis block is written."""
        with self._errors():
            return dict(self._connection.execute("SELECT name, value FROM facts").fetchall())

    def get_node(self, key: bytes) -> bytes | None:
        """Return the trie node or code with this hash."""
        row = self._one("SELECT value FROM nodes WHERE key = ?", (key,))
        return None if row is None else row[0]

    def get_head(self) -> BlockRecord | None:
        """Return the newest block: the moment's truth, also while another process writes."""
        return self._block("ORDER BY number DESC LIMIT 1", ())

    def get_block(self, number: int) -> BlockRecord | None:
        """Return the block with this number."""
        return self._block("WHERE number = ?", (number,)) if number < 2**63 else None

    def get_block_by_hash(self, block_hash: bytes) -> BlockRecord | None:
        """Return the block with this hash."""
        return self._block("WHERE hash = ?", (block_hash,))

    def get_transaction(self, transaction_hash: bytes) -> TransactionRecord | None:
        """Return the mined transaction with this hash."""
        row = self._one("SELECT * FROM transactions WHERE hash = ?", (transaction_hash,))
        return None if row is None else transaction_from_row(row)

    def get_transactions(self, block: int) -> tuple[TransactionRecord, ...]:
        """Return the transactions of a block in order."""
        query = "SELECT * FROM transactions WHERE block = ? ORDER BY position"
        with self._errors():
            return tuple(map(transaction_from_row, self._connection.execute(query, (block,))))

    def get_transaction_hashes(self, block: int) -> tuple[bytes, ...]:
        """Return the hashes of a block's transactions in order."""
        return tuple(record.hash for record in self.get_transactions(block))

    def get_transaction_logs(self, block: int, position: int) -> tuple[LogRecord, ...]:
        """Return the logs of the transaction at `position` of `block`."""
        condition = "block = ? AND transaction_position = ?"
        return tuple(self._logs(condition, (block, position)))

    def iterate_logs(self, wanted: LogFilter) -> Iterator[LogRecord]:
        """Yield the logs that `wanted` admits, in the order of the chain."""
        condition = ["block BETWEEN ? AND ?"]
        values: list[bytes | int] = [wanted.first, wanted.last]
        for column, admitted in _log_columns(wanted):
            condition.append(f"{column} IN ({', '.join('?' * len(admitted))})")
            values.extend(admitted)
        condition.extend(
            f"topic{index} IS NOT NULL"
            for index, admitted in enumerate(wanted.topics)
            if not admitted
        )
        return self._logs(" AND ".join(condition), values)

    def get_waiting(self) -> tuple[bytes, ...]:
        """Return the transactions (EIP-2718) that wait for a block, by arrival."""
        with self._errors():
            rows = self._connection.execute("SELECT * FROM waiting ORDER BY arrival")
            return tuple(map(waiting_from_row, rows))

    def count_blocks(self) -> int:
        """Return how many blocks there are."""
        with self._errors():
            (count,) = self._connection.execute("SELECT count(*) FROM blocks").fetchone()
            return int(count)

    def check_pages(self) -> None:
        """Read the whole file; raises `StoreUnreadable` where it is not a sound one.

        That every index agrees with its table is left out for a large file that was closed in
        order; a killed writer's is checked whatever its size.
        """
        check = "integrity_check" if self._is_suspect else "quick_check"
        with self._errors():
            (found,) = self._connection.execute(f"PRAGMA {check}(1)").fetchone()
        if found != "ok":
            raise StoreUnreadable(self._subject, expected="sound pages", got=found)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold one moment of the chain while another process goes on writing it."""
        with self._errors():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def write(
        self,
        mined: MinedBlock,
        facts: dict[str, bytes] | None = None,
        pool: PoolChange = NO_CHANGE,
    ) -> None:
        """Write a block, its state and what it did to those who wait, in one transaction.

        All of it, or nothing and an error.
        """
        with self._errors(), self._transaction():
            many = self._connection.executemany
            many("INSERT INTO facts VALUES (?, ?)", (facts or {}).items())
            many("INSERT OR IGNORE INTO nodes VALUES (?, ?)", mined.nodes.items())
            many("INSERT INTO blocks VALUES (?, ?, ?, ?, ?)", [block_to_row(mined.block)])
            many(
                "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                map(transaction_to_row, mined.transactions),
            )
            many(
                "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                map(log_to_row, mined.logs),
            )
            self._write_pool(pool)

    def write_pool(self, change: PoolChange) -> None:
        """Write who waits now and who does not any more, in one transaction."""
        with self._errors(), self._transaction():
            self._write_pool(change)

    def revert(self, number: int, pool: PoolChange) -> None:
        """Forget every block after `number` with all that it brought, in one transaction.

        State nodes stay: they are named by their hash, and the next blocks may need them again.
        """
        with self._errors(), self._transaction():
            execute = self._connection.execute
            execute("DELETE FROM logs WHERE block > ?", (number,))
            execute("DELETE FROM transactions WHERE block > ?", (number,))
            execute("DELETE FROM blocks WHERE number > ?", (number,))
            self._write_pool(pool)

    def _write_pool(self, change: PoolChange) -> None:
        many = self._connection.executemany
        many("DELETE FROM waiting WHERE hash = ?", [(each,) for each in change.removed])
        many(
            "INSERT INTO waiting (hash, payload, checksum) VALUES (?, ?, ?)",
            [waiting_to_row(*item) for item in change.added],
        )

    def _one(self, query: str, values: Sequence[bytes | int]) -> tuple[bytes, ...] | None:
        with self._errors():
            row: tuple[bytes, ...] | None = self._connection.execute(query, values).fetchone()
            return row

    def _block(self, clause: str, values: Sequence[bytes | int]) -> BlockRecord | None:
        with self._errors():
            query = f"SELECT * FROM blocks {clause}"
            row = self._connection.execute(query, values).fetchone()
            return None if row is None else block_from_row(row)

    def _logs(self, condition: str, values: Sequence[bytes | int]) -> Iterator[LogRecord]:
        query = f"SELECT * FROM logs WHERE {condition} ORDER BY block, position"
        with self._errors():
            yield from map(log_from_row, self._connection.execute(query, values))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled back by itself already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn SQLite's errors into ours; a programming error stays what it is."""
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            if _is_code(error, sqlite3.SQLITE_FULL):
                raise DiskFull(self._subject, expected="room for a block", got=error) from error
            raise StoreUnreadable(self._subject, expected="a chain's file", got=error) from error


def _connect(directory: Path | None, *, read_only: bool) -> sqlite3.Connection:
    if directory is None:
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    path = (directory / FILE_NAME).absolute()
    if read_only and not path.is_file():
        raise StoreUnreadable(f"devnet store {directory}", expected=f"a file {path}", got="none")
    mode = "ro" if read_only else "rwc"
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )


def _is_small_or_unfinished(directory: Path) -> bool:
    """Whether the file is small, or has a log beside it that nobody folded in."""
    path = directory / FILE_NAME
    if not path.is_file() or path.stat().st_size <= WHOLE_CHECK_BYTES:
        return True
    return path.with_name(f"{FILE_NAME}-wal").exists()


@contextmanager
def _hold_writer_lock(directory: Path) -> Iterator[None]:
    subject = f"devnet store {directory}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(
            directory / LOCK_NAME, timeout=0, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.DatabaseError) as error:
        raise StoreUnreadable(subject, expected="a directory to write to", got=error) from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if _is_code(error, sqlite3.SQLITE_BUSY):
                raise StoreBusy(subject, expected="no other writer", got=error) from error
            raise StoreUnreadable(subject, expected="a lock file", got=error) from error
        yield


def _is_code(error: sqlite3.DatabaseError, code: int) -> bool:
    # The low byte is the primary code, whatever the extended one says.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == code


def _log_columns(wanted: LogFilter) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """The columns that `wanted` restricts to given values."""
    named = (
        ("address", wanted.addresses),
        *((f"topic{i}", t) for i, t in enumerate(wanted.topics)),
    )
    return ((column, admitted) for column, admitted in named if admitted)
