import os
import signal
import sys
from time import monotonic, sleep

import pytest

from localnet.fleet.processes import Processes, find_process, read_born

SLEEPER = (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)")
PARENT = (
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('here', flush=True); time.sleep(600)",
)
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('here', flush=True); time.sleep(600)",
)


@pytest.fixture
def processes(tmp_path):
    opened = Processes(tmp_path)
    yield opened
    opened.stop(opened.names())


def start(processes, name, command):
    processes.start(name, command)
    await_true(lambda: "here" in processes.log_path(name).read_text())


def await_true(is_so):
    ends_at = monotonic() + 30
    while not is_so():
        assert monotonic() < ends_at
        sleep(0.01)


def test_read_born__a_name_with_brackets_and_blanks__is_passed_over():
    words = " ".join(["S", "1", "2", "77", *["0"] * 15, "4242"])
    born = read_born(f"12 (a ) b(c) {words}")
    assert (born.pid, born.session, born.born_at, born.is_dead) == (12, 77, 4242, False)


def test_find__a_program_that_runs__is_the_one_that_was_started(processes):
    start(processes, "one", SLEEPER)
    born = processes.find("one")
    assert born is not None
    assert born.session == born.pid
    assert processes.names() == ["one"]
    assert processes.members("one") == [born.pid]


def test_find__the_number_belongs_to_another_process_by_now__is_none(processes, tmp_path):
    start(processes, "one", SLEEPER)
    me = find_process(os.getpid())
    note = tmp_path / "pids" / "one"
    noted = note.read_text()
    # As it was noted, but of this very process' number: born at another time.
    note.write_text(f"{me.pid} {noted.partition(' ')[2]}")
    assert processes.find("one") is None
    assert processes.members("one") == []
    assert not processes.send("one", signal.SIGKILL)
    note.write_text(noted)


def test_stop__a_program_was_killed__what_it_had_started_ends_too(processes):
    start(processes, "one", PARENT)
    assert len(processes.members("one")) == 2
    assert processes.send("one", signal.SIGKILL)
    await_true(lambda: processes.find("one") is None)
    assert len(processes.members("one")) == 1
    processes.stop(["one"])
    assert processes.members("one") == []
    assert processes.names() == []


def test_start__an_earlier_life_left_something_paused__it_ends(processes):
    start(processes, "one", PARENT)
    assert processes.send("one", signal.SIGSTOP, to_all=True)
    born = processes.find("one")
    (left,) = (pid for pid in processes.members("one") if pid != born.pid)
    assert processes.send("one", signal.SIGKILL)
    await_true(lambda: processes.find("one") is None)
    processes.log_path("one").write_text("")
    start(processes, "one", SLEEPER)
    await_true(lambda: (found := find_process(left)) is None or found.is_dead)
    assert len(processes.members("one")) == 1


@pytest.mark.parametrize("command", [SLEEPER, STUBBORN], ids=["willing", "stubborn"])
@pytest.mark.parametrize("is_paused", [False, True], ids=["running", "paused"])
def test_stop__willing_or_not__nothing_is_left(processes, command, is_paused):
    start(processes, "one", command)
    if is_paused:
        assert processes.send("one", signal.SIGSTOP, to_all=True)
    processes.stop(["one"], seconds=0.5 if command == STUBBORN else 10)
    assert processes.members("one") == []


def test_start__a_program_that_is_none__says_so_in_its_log(processes):
    processes.start("one", ["/nowhere/at/all"])
    await_true(lambda: processes.find("one") is None)
    assert "/nowhere/at/all" in processes.log_path("one").read_text()
