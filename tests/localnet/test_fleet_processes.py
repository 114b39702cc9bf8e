import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import pytest

from localnet.fleet.processes import Processes, find_noted, find_process, note_own, read_born

SLEEPER = (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)")
PARENT = (
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('here', flush=True); time.sleep(600)",
)
ORPHAN = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=2)\n"
    "print(child.pid, flush=True)"
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
    boot, stat = noted.splitlines()
    note.write_text(f"{boot}\n{me.pid} {stat.partition(' ')[2]}\n")
    assert processes.find("one") is None
    assert processes.members("one") == []
    assert not processes.send("one", signal.SIGKILL)
    note.write_text(noted)


def test_find__noted_before_the_machine_started_anew__is_none(processes, tmp_path):
    """Number and ticks may both be another process's by then."""
    start(processes, "one", SLEEPER)
    note = tmp_path / "pids" / "one"
    noted = note.read_text()
    note.write_text(noted.replace(noted.splitlines()[0], "another boot"))
    assert processes.find("one") is None
    assert processes.members("one") == []
    note.write_text(noted)


def test_members__a_session_of_the_same_number_that_is_not_ours__is_left_alone(processes, tmp_path):
    """Its leader is dead, like the program that had the number before."""
    start(processes, "one", SLEEPER)
    leader = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with leader:
        orphan = int(leader.stdout.readline())
        leader.wait()
        assert find_process(orphan).session == leader.pid
        note = tmp_path / "pids" / "one"
        noted = note.read_text()
        boot, stat = noted.splitlines()
        note.write_text(f"{boot}\n{leader.pid} {stat.partition(' ')[2]}\n")
        assert processes.members("one") == []
        note.write_text(noted)
        os.kill(orphan, signal.SIGKILL)


def test_note_own__is_found__until_it_is_another_process(tmp_path):
    note_own(tmp_path / "note")
    assert find_noted(tmp_path / "note").pid == os.getpid()


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
