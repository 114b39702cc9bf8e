"""A bell that threads and signals ring."""

import os

import pytest

from node.daemon.bell import Bell


def test_ring__heard_until_it_is_muted():
    bell = Bell()
    bell.ring()
    assert bell.connection.poll()
    bell.mute()
    assert not bell.connection.poll()
    bell.close()


def test_ring__closed__writes_into_nobody_elses_file():
    """The system gives the numbers of closed files to the next ones."""
    bell = Bell()
    numbers = {bell.connection.fileno(), bell._rope}
    bell.close()
    ear, rope = os.pipe()
    assert {ear, rope} == numbers
    os.set_blocking(ear, False)
    bell.ring()
    with pytest.raises(BlockingIOError):
        os.read(ear, 1)
    os.close(ear)
    os.close(rope)
