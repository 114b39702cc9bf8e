"""How a peer's process ends, and what it has said until then: real processes."""

import re
import shutil
import signal
import socket
from pathlib import Path

import pytest
from consortium_lab import WAIT_SECONDS, await_lines, end, join_two, stop

from chain.wallet import open_wallet

LINE = re.compile(
    r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(info|warning|error) "
    r"room=[a-z.]+ (\w+=('[^']*'|\"[^\"]*\"|\S+)( |$))+"
)
MARK = "MARKED-e5b1"
SOME_CONTRACT = ("--set", f"chain.contract=0x{'12' * 20}")
INTERRUPTED, KEY_USED = 130, 3


def set_password(consortium):
    """Let all folders from here on have a password that can be found again."""
    consortium.password.write_text(f"{MARK}\n")


def name_secrets(consortium, *names):
    """Return what nobody may read anywhere: the password, and the keys as digits."""
    keys = [
        open_wallet(consortium.directory / name / "keystore.json", MARK).key.hex() for name in names
    ]
    return [MARK, *(key.removeprefix("0x") for key in keys)]


def find_children(process):
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [Path(f"/proc/{child}") for child in path.read_text().split()]


@pytest.mark.slow
def test_run__stopped_by_its_supervisor__logs_keys_and_values_and_nothing_secret(
    consortium, monkeypatch
):
    set_password(consortium)
    join_two(consortium)
    secrets = name_secrets(consortium, "a", "b")
    first = consortium.run("a", 10**6)
    monkeypatch.setenv("HOLDFAST_PASSWORD", MARK)
    # By hand, since the other ways name a file.
    second = consortium.begin(
        *("peer", "run", consortium.folder("b"), "--poll-seconds", "0.05"),
        *("--metrics", "127.0.0.1:0"),
    )
    lines = await_lines(first, "act=fetched", 2)
    shown = [Path(f"/proc/{process.pid}/cmdline").read_text() for process in (first, second)]
    children = [child for process in (first, second) for child in find_children(process)]
    assert len(children) == 2
    shown += [(child / "cmdline").read_text() for child in children]
    shown += [(child / "environ").read_text() for child in children]
    lines += stop(first).splitlines(keepends=True) + stop(second).splitlines(keepends=True)
    assert [line for line in lines if not LINE.fullmatch(line.rstrip("\n"))] == []
    assert {"act=ready", "act=stop", "act=commit", "act=fetched"} <= set(" ".join(lines).split())
    assert [secret for secret in secrets for text in (*lines, *shown) if secret in text] == []
    # What must not be found would be found if it were there.
    assert "peer\0run" in shown[0]
    kept = (consortium.directory / "a" / "peer.toml").read_text()
    assert not any(secret in kept for secret in secrets)


def test_run__interrupted__says_so_and_ends_with_130(consortium):
    join_two(consortium)
    process = consortium.run("a", 10**6)
    await_lines(process, "act=ready")
    process.send_signal(signal.SIGINT)
    assert end(process, code=INTERRUPTED).splitlines()[-1] == "holdfast: interrupted"


def test_run__stopped_while_it_waits_for_a_silent_node__ends_with_0(consortium):
    consortium.init("a", "1/2")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(WAIT_SECONDS)
        rpc = f'chain.rpc=["http://127.0.0.1:{silent.getsockname()[1]}"]'
        process = consortium.run("a", 1, "--set", rpc, *SOME_CONTRACT)
        caller, _ = silent.accept()
        with caller:
            caller.settimeout(WAIT_SECONDS)
            asked = b""
            while b"eth_chainId" not in asked:
                piece = caller.recv(4096)
                assert piece, asked
                asked += piece
            stop(process)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 0),
        (signal.SIGINT, INTERRUPTED),
    ],
    ids=["term", "int"],
)
def test_run__told_to_end_until_it_has__ends_as_it_was_told_first(consortium, number, code):
    join_two(consortium)
    process = consortium.run("a", 10**6)
    await_lines(process, "act=ready")
    process.send_signal(number)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
    assert "act=stop" in end(process, code=code)


@pytest.mark.slow
def test_run__its_key_has_voted_without_this_folder__ends_with_3_for_good(consortium):
    join_two(consortium)
    old = consortium.directory / "old"
    shutil.copytree(consortium.directory / "a", old)
    first, second = consortium.run("a", 2), consortium.run("b", 2)
    for process in (first, second):
        end(process)
    for _ in range(2):
        lines = end(consortium.run("old", 3), code=KEY_USED).splitlines()
        assert lines[-1].startswith("holdfast: votes of seat 0: expected only for what")
        assert "another process uses this key, or the folder is an old copy" in lines[-1]
        assert "level=error room=command act=stop" in lines[-2]
    again = consortium.run("a", 10**6)
    await_lines(again, "act=ready")
    stop(again)


@pytest.mark.parametrize(
    "word", ["user:WORD@127.0.0.1:1", "127.0.0.1:1/v3/WORD", "127.0.0.1:1?k=WORD"]
)
def test_run__a_node_behind_a_key__is_told_without_it(consortium, word):
    consortium.init("a", "1/2")
    outcome = consortium.run_here("a", "--set", f'chain.rpc=["http://{word}"]', *SOME_CONTRACT)
    assert outcome.code == 1
    assert "WORD" not in outcome.err + outcome.out
    assert "expected a node at http://127.0.0.1:1" in outcome.err
    assert outcome.err.endswith(", got Connection refused\n")
