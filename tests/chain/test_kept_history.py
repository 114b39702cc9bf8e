"""The history on disk: what was read comes back word for word, whatever ended the last life."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from federation_lab import Lab

from chain.errors import HistoryFailed
from chain.history import REMEMBERED_BLOCKS, History
from chain.observer import Observer
from chain.types import Block

CREATION = Block(3, b"creation", b"parent", 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def test_events__every_kind_of_a_lived_life__come_back_as_they_were(lab: Lab, path: Path) -> None:
    for seat in range(3):
        lab.join(seat)
    for seat in range(3):
        lab.commit(seat, 1)
    lab.act("set_endpoint", 0, "0x00", by=0)
    lab.act("leave", 1, by=1)
    with History(path) as history:
        observer = Observer(lab.federation, created_at=lab.created_at, kept=history)
        observer.poll()
        read = observer.history
    assert {type(logged.event).__name__ for logged in read} >= {
        *("Created", "Joined", "Opened", "Committed", "EndpointSet", "Left")
    }
    with History(path) as history:
        assert tuple(history.events()) == read
        again = Observer(lab.federation, created_at=lab.created_at, kept=history)
        assert (again.ledger, again.block) == (observer.ledger, observer.block)
        assert again.poll() == ()


def test_record__process_ends_within__all_of_a_batch_or_nothing(path: Path) -> None:
    blocks = tuple(Block(n, bytes([n]), bytes([n - 1]), n) for n in range(4, 9))
    with History(path) as history:
        history.begin("it", CREATION)
        history.record(3, (), blocks)
    with pytest.raises(AttributeError), History(path) as history:
        history.record(5, (None,), (Block(6, b"other", b"\5", 6),))  # type: ignore[arg-type]
    with History(path) as history:
        assert tuple(history.blocks()) == blocks


def test_blocks__more_than_are_followed_back__the_newest_stay(path: Path) -> None:
    with History(path) as history:
        for number in range(REMEMBERED_BLOCKS + 20):
            history.record(number - 1, (), (Block(number, b"x", b"y", 0),))
        numbers = [block.number for block in history.blocks()]
    assert numbers == list(range(20, REMEMBERED_BLOCKS + 20))


def test_begin__another_federation__nothing_of_the_first_is_left(path: Path) -> None:
    with History(path) as history:
        history.begin("one", CREATION)
        history.record(3, (), (Block(4, b"x", b"y", 0),))
        assert history.find_creation("one") == (3, b"creation")
        history.begin("two", CREATION)
        assert history.find_creation("one") is None
        assert history.blocks() == []


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(200)])
def test_open__a_file_that_is_none__says_that_it_may_be_removed(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(HistoryFailed, match=r"history .*the file may be removed"):
        History(path)


def test_events__an_entry_that_is_no_event__is_told(path: Path) -> None:
    with History(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO events VALUES (1, 1, x'00', 1, 'Joined', '[1]')")
    with History(path) as history, pytest.raises(HistoryFailed, match="no event"):
        history.events()
