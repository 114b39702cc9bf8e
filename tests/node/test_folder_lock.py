"""One process at a time in a peer's folder."""

import os
import signal
import subprocess
import sys

import pytest

from node.errors import FolderBusy
from node.folder_lock import LOCK, find_holder, is_locked, lock_folder

HOLD = """
import sys
from pathlib import Path
from node.folder_lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder):
    """Return a process that holds a folder, once it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_lock_folder__held_by_another_process__names_it(tmp_path):
    with hold(tmp_path) as process:
        with pytest.raises(FolderBusy) as caught, lock_folder(tmp_path):
            pass
        assert str(caught.value) == (
            f"folder {tmp_path}: expected one command at a time, "
            f"got process {process.pid} at work in it"
        )
        assert is_locked(tmp_path)
        assert find_holder(tmp_path) == f"process {process.pid}"
        process.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_lock_folder__its_holder_died__is_free(tmp_path, how):
    with hold(tmp_path) as process:
        process.send_signal(how)
        process.wait()
        assert (tmp_path / LOCK).read_text() == f"{process.pid}\n"
        assert not is_locked(tmp_path)
        with lock_folder(tmp_path):
            assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"


def test_lock_folder__left_by_an_error__is_free_again(tmp_path):
    with pytest.raises(KeyError), lock_folder(tmp_path):
        raise KeyError
    with lock_folder(tmp_path), pytest.raises(FolderBusy), lock_folder(tmp_path):
        pass


def test_is_locked__nobody_was_ever_there__leaves_no_file(tmp_path):
    assert not is_locked(tmp_path)
    assert not (tmp_path / LOCK).exists()


def test_lock_folder__a_child_of_its_holder_lives_on__is_free(tmp_path):
    with lock_folder(tmp_path):
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
    with child:
        assert not is_locked(tmp_path)
        child.kill()
