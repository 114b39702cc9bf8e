"""Files that appear whole: whose they are to read."""

import pytest

from node.whole_file import OWNERS, write_whole


def mode_of(path):
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize(("given", "mode"), [({}, 0o644), ({"mode": OWNERS}, 0o600)])
def test_write_whole__a_new_file__has_the_mode_less_the_mask(tmp_path, given, mode):
    path = tmp_path / "file"
    write_whole(path, b"one", **given)
    assert (mode_of(path), path.read_bytes()) == (mode, b"one")


def test_write_whole__a_file_that_is_there__keeps_its_own(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    path.chmod(0o640)
    write_whole(path, b"two", mode=OWNERS)
    assert (mode_of(path), path.read_bytes()) == (0o640, b"two")
