"""What a journal promises: the first choice stands, and what it returned from is on disk."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from node.errors import JournalFailed
from node.journal import Journal, Preparation, Trained, read_preparation

ROOT = Path(__file__).parents[2]
PARENT, OTHER, KEY = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
FIRST, SECOND = Trained(b"\x0a" * 32, 20, 3), Trained(b"\x0b" * 32, 30, 4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


@pytest.fixture(params=["memory", "file"])
def journal(request, path):
    with Journal(path if request.param == "file" else None) as opened:
        yield opened


def test_record_trained__a_second_choice__is_the_first(journal):
    assert journal.find_trained(PARENT, 1) is None
    assert journal.record_trained(PARENT, 1, FIRST) == FIRST
    assert journal.record_trained(PARENT, 1, SECOND) == FIRST
    assert journal.find_trained(PARENT, 1) == FIRST


def test_record_trained__another_parent_or_round__is_another_choice(journal):
    journal.record_trained(PARENT, 1, FIRST)
    assert journal.record_trained(PARENT, 2, SECOND) == SECOND
    assert journal.record_trained(OTHER, 1, SECOND) == SECOND
    assert journal.trained() == [(PARENT, 1, FIRST), (PARENT, 2, SECOND), (OTHER, 1, SECOND)]


def test_record_recomputed__twice__is_once(journal):
    assert not journal.has_recomputed(KEY)
    journal.record_recomputed(KEY, 1, FIRST.root)
    journal.record_recomputed(KEY, 1, SECOND.root)
    assert journal.has_recomputed(KEY)
    assert not journal.has_recomputed(OTHER)


def test_record_intention__several__stand_in_order(journal):
    journal.record_intention("commit", 1, FIRST.root)
    journal.record_intention("attest", 1, KEY)
    journal.record_intention("commit", 1, FIRST.root)
    assert journal.intentions() == [
        ("commit", 1, FIRST.root),
        ("attest", 1, KEY),
        ("commit", 1, FIRST.root),
    ]


def test_record_sending__several__keeps_the_last(journal):
    assert journal.find_sending() is None
    journal.record_sending(b"first")
    journal.record_sending(b"second")
    assert journal.find_sending() == b"second"
    journal.forget_sending()
    assert journal.find_sending() is None


def test_journal__reopened__knows_everything(path):
    with Journal(path) as journal:
        journal.record_trained(PARENT, 1, FIRST)
        journal.record_recomputed(KEY, 1, FIRST.root)
        journal.record_intention("attest", 1, KEY)
        journal.record_sending(b"signed")
    with Journal(path) as journal:
        assert journal.find_sending() == b"signed"
        assert journal.record_trained(PARENT, 1, SECOND) == FIRST
        assert journal.has_recomputed(KEY)
        assert journal.intentions() == [("attest", 1, KEY)]


def test_journal__killed_after_an_entry__has_it(path):
    """kill -9: no close, no commit of its own, nothing but what the entry's call did."""
    program = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from node.journal import Journal, Preparation, Trained, read_preparation
journal = Journal(Path({str(path)!r}))
journal.record_trained({PARENT!r}, 1, Trained({FIRST.root!r}, 20, 3))
journal.record_recomputed({KEY!r}, 1, {FIRST.root!r})
journal.record_intention("attest", 1, {KEY!r})
journal.record_sending(b"signed")
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    with Journal(path) as journal:
        assert journal.find_trained(PARENT, 1) == FIRST
        assert journal.has_recomputed(KEY)
        assert journal.intentions() == [("attest", 1, KEY)]
        assert journal.find_sending() == b"signed"


def test_journal__every_entry__is_a_transaction_of_its_own(path):
    """Another connection sees an entry as soon as the call has returned."""
    with Journal(path) as journal, closing(sqlite3.connect(path)) as reader:
        for count in (1, 2, 3):
            journal.record_intention("commit", count, FIRST.root)
            assert reader.execute("SELECT count(*) FROM intentions").fetchone() == (count,)
        journal.record_trained(PARENT, 1, FIRST)
        assert reader.execute("SELECT count(*) FROM trained").fetchone() == (1,)
    reader.close()


@pytest.mark.parametrize(
    "write",
    [
        lambda journal: journal.record_trained(PARENT, 1, FIRST),
        lambda journal: journal.record_recomputed(KEY, 1, FIRST.root),
        lambda journal: journal.record_intention("attest", 1, KEY),
        lambda journal: journal.record_sending(bytes(1000)),
    ],
)
def test_record__no_room__fails_and_nothing_is_entered(path, write):
    with Journal(path) as journal:
        pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
        journal._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalFailed, match="expected room for an entry, got"):
            repeat(write, journal)
    with Journal(path) as journal:
        journal.record_intention("fits", 1, KEY)
        assert journal.intentions()[-1] == ("fits", 1, KEY)


def repeat(write, journal):
    for _ in range(10_000):
        write(journal)
        journal.record_intention("fill", 1, bytes(2000))


def test_journal__read_only_database__fails(path):
    with Journal(path) as journal:
        journal._database.execute("PRAGMA query_only = 1")
        with pytest.raises(JournalFailed, match="expected room for an entry"):
            journal.record_trained(PARENT, 1, FIRST)
        assert journal.find_trained(PARENT, 1) is None


def test_journal__closed__fails_typed(path):
    journal = Journal(path)
    journal.close()
    with pytest.raises(JournalFailed, match="expected readable entries"):
        journal.has_recomputed(KEY)


def test_journal__not_a_database__fails_and_leaves_the_file_alone(path):
    path.write_bytes(b"something else entirely, and long enough to be taken for a header")
    with pytest.raises(JournalFailed, match="expected a database"):
        Journal(path)
    assert path.read_bytes().startswith(b"something else")


def test_journal__no_such_folder__fails(tmp_path):
    with pytest.raises(JournalFailed, match="expected a database"):
        Journal(tmp_path / "none" / "journal.db")
    assert list(tmp_path.iterdir()) == []


def test_read_preparation__another_process_writes_there__reads_what_is_there(tmp_path):
    path = tmp_path / "journal.db"
    parent, trained = b"\x01" * 32, Trained(b"\x02" * 32, 10, 1)
    assert read_preparation(path, parent, 3) is None
    with Journal(path) as journal:
        journal.record_trained(parent, 3, trained)
        assert read_preparation(path, parent, 3) == Preparation(trained, is_announced=False)
        journal.record_intention("attest", 3, parent)
        assert read_preparation(path, parent, 3) == Preparation(trained, is_announced=False)
        journal.record_intention("attest_and_commit", 3, parent)
        assert read_preparation(path, parent, 3) == Preparation(trained, is_announced=True)
        assert read_preparation(path, parent, 4) == Preparation(None, is_announced=False)
    path.write_bytes(b"no database at all, but for some bytes")
    with pytest.raises(JournalFailed, match="expected readable entries"):
        read_preparation(path, parent, 3)
