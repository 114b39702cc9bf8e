"""Who is not asked, and who is asked last, and for how long."""

from node.blobs.limits import FetchingLimits
from node.blobs.standing import Kind, Standings
from node.blobs.store import Blob

BLOB, OTHER = Blob(bytes(32), 1), Blob(b"\x01" * 32, 1)
LIMITS = FetchingLimits(bad_seconds=60, failed_seconds=2, longest_seconds=100)


def test_note__bad__bars_the_blob_and_puts_the_seat_last():
    standings = Standings(LIMITS)
    standings.note(1, BLOB, Kind.BAD, 0)
    assert standings.is_barred(1, BLOB, 59.9)
    assert not standings.is_barred(1, BLOB, 60)
    assert not standings.is_barred(1, OTHER, 0)
    assert standings.is_last(1, 59.9)
    assert not standings.is_last(2, 0)


def test_note__again__lasts_twice_as_long_up_to_the_longest():
    standings = Standings(LIMITS)
    lasts = []
    for _ in range(8):
        standings.note(1, BLOB, Kind.FAILED, 0)
        lasts.append(next(second for second in range(200) if not standings.is_last(1, second)))
    assert lasts == [2, 4, 8, 16, 32, 64, 100, 100]
    assert not standings.is_barred(1, BLOB, 0)


def test_note__absent__is_no_fault():
    standings = Standings(LIMITS)
    standings.note(1, BLOB, Kind.ABSENT, 0)
    assert not standings.is_last(1, 0)
    assert not standings.is_barred(1, BLOB, 0)


def test_forgive__gave_a_sound_blob__is_last_no_more_but_stays_barred():
    standings = Standings(LIMITS)
    standings.note(1, BLOB, Kind.BAD, 0)
    standings.forgive(1)
    assert not standings.is_last(1, 0)
    assert standings.is_barred(1, BLOB, 0)
