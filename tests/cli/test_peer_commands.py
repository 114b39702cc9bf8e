"""Three organisations on a chain that is served: real processes, from nothing to a shared model."""

import re
import shutil
import signal

import pytest
from consortium_lab import PLAN, await_lines, end, stop

ETHER = 10**18


@pytest.mark.slow
def test_peer__three_organisations__share_one_model_and_one_is_killed_meanwhile(consortium):
    consortium.init("a", "1/3")
    plan = consortium.directory / "plan.toml"
    plan.write_text(PLAN)
    created = consortium.ask(
        *("federation", "create", str(plan), "--peer", consortium.folder("a"), "--json"),
        *("--password-file", str(consortium.password)),
    )
    assert created["clip"] > 0
    for number, name in enumerate("bc", 2):
        consortium.init(name, f"{number}/3", "--contract", str(created["contract"]))
    for seat, name in enumerate("abc"):
        joined = consortium.act("join", name, "--stake", "1.5")
        assert (joined["seat"], joined["stake_wei"]) == (seat, 3 * ETHER // 2)

    first, second, third = (consortium.run(name, 3) for name in "abc")
    # Two thirds of the stake are two of three: without the third no round closes early, but all
    # that it ever signed and trained is in its folder.
    await_lines(third, "act=fetched")
    third.send_signal(signal.SIGKILL)
    third.communicate()
    again = consortium.run("c", 3)
    for process in (first, second, again):
        log = end(process)
        assert "act=agreed height=2 head=0x" in log
        judged = r"act=judged height=1 loss=\d\.\d{4} accuracy=0\.\d{4} samples=114 weakest='[01]' "
        assert re.search(judged, log)
    states = [consortium.status(name) for name in "abc"]
    assert {state["height"] for state in states} == {states[0]["height"]}
    assert states[0]["height"] >= 2
    assert len({state["head"] for state in states}) == 1
    assert [state["seat"] for state in states] == [0, 1, 2]

    # What became of each one's update, and how good the head is on its own data.
    for seat, name in enumerate("abc"):
        told = consortium.ask("peer", "explain", consortium.folder(name), "1", "--json")
        assert (told["seat"], told["round"], told["missing"]) == (seat, 1, None)
        assert told["is_as_ruled"] is True
        assert told["contribution"] is not None
        told = consortium.ask("peer", "diagnose", consortium.folder(name), "--json")
        assert told["samples"] == 114
        assert len(told["importance"]) == 30
        assert told["importance"][0]["mean"] > 0

    # Whoever has lost its blobs gets them from the others, and recomputes all of it; a checkpoint
    # that the chain does not have is told.
    shutil.rmtree(consortium.directory / "c" / "blobs")
    serving = consortium.run("a", 1000)
    await_lines(serving, "act=ready")
    told = consortium.audit("c")
    assert told.code == 0, told.err
    heights = [line["height"] for line in told.lines if line["event"] == "checked"]
    assert heights == list(range(1, int(states[0]["height"]) + 1))
    assert [line["error"] for line in told.lines if line["event"] == "fetched"].count(None) > 3
    told = consortium.audit("c", "--since", str(states[0]["checkpoint"]))
    assert (told.code, told.lines[-1]["rounds"]) == (0, 0)
    told = consortium.audit("c", "--since", "1:0x" + "11" * 32)
    assert told.code == 1
    assert "expected the checkpoint 1:0x1111" in told.lines[-1]["finding"]["what"]
    stop(serving)

    consortium.act("leave", "c")
    password = ("--password-file", str(consortium.password))
    refused = consortium.here("peer", "leave", consortium.folder("c"), *password)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "holdfast: seats: leaving\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("run", "FOLDER"), 1, "expected a peer's settings, got No such file or directory"),
        (("init", "FOLDER"), 2, "expected --rpc ENDPOINT"),
        (("init", "FOLDER", "--rpc", "URL", "--listen", "x"), 2, "expected HOST:PORT, got 'x'"),
        (("init", "FOLDER", "--rpc", "URL", "--share", "3/2"), 2, "expected I/N such as 2/5"),
        (
            ("init", "FOLDER", "--rpc", "URL", "--learner-path", "nowhere/at/all"),
            2,
            "--learner-path: expected the folder of its module, got nowhere/at/all",
        ),
        (("join", "FOLDER"), 1, "expected a peer's settings"),
    ],
)
def test_peer__misused__one_line_that_says_what_was_expected(
    holdfast, tmp_path, arguments, code, told
):
    given = [str(tmp_path / "none") if a == "FOLDER" else a for a in arguments]
    given = ["http://127.0.0.1:1" if a == "URL" else a for a in given]
    outcome = holdfast("peer", *given)
    assert outcome.code == code
    assert told in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", 1, "password: expected at least one character"),
        (b"\xff\xfe", 2, "expected UTF-8 text, got other bytes"),
    ],
)
def test_init__a_password_file_that_holds_none__is_told_and_nothing_is_made(
    consortium, content, code, told
):
    consortium.password.write_bytes(content)
    password = ("--password-file", str(consortium.password))
    outcome = consortium.here(
        "peer", "init", consortium.folder("x"), "--rpc", consortium.url, *password
    )
    assert outcome.code == code
    assert told in outcome.err
    assert not (consortium.directory / "x" / "keystore.json").exists()


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        ("0x" + "12" * 20, f"chain: expected a federation at 0x{'12' * 20}, got no code there"),
        ("0x12", "chain: expected a federation at 0x12, got no address"),
    ],
)
def test_init__a_contract_that_is_none__is_told_and_nothing_is_made(consortium, contract, told):
    folder, password = consortium.folder("x"), ("--password-file", str(consortium.password))
    given = ("--rpc", consortium.url, "--contract", contract)
    outcome = consortium.here("peer", "init", folder, *given, *password)
    assert (outcome.code, outcome.err) == (1, f"holdfast: {told}\n")
    assert not (consortium.directory / "x").exists()


def test_join__a_stake_below_the_minimum__is_told_what_that_is(consortium):
    consortium.init("a", "1/3")
    consortium.found("a", PLAN + "min_stake_wei = 2500000000000000000\n")
    password = ("--password-file", str(consortium.password))
    outcome = consortium.here("peer", "join", consortium.folder("a"), *password, "--stake", "2.4")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "holdfast: stake: expected at least 2.5 ether, the federation's minimum, got 2.4 ether\n"
    )
    assert consortium.act("join", "a", "--stake", "2.5")["seat"] == 0


def test_status__a_seat_that_leaves__says_what_may_be_done_next(consortium):
    consortium.init("a", "1/3")
    consortium.found("a")
    consortium.act("join", "a")
    state = consortium.status("a")
    assert (state["at_work"], state["stage"], state["next"]) == (None, "joining", None)
    assert (state["counts_from"], state["counts_until"], state["free_at"]) == (1, None, None)
    consortium.act("leave", "a")
    shown = consortium.here("peer", "status", consortium.folder("a")).out
    assert "at work       -\n" in shown
    assert "stage         leaving\n" in shown
    assert "next          withdraw begins the unbonding\n" in shown
    consortium.act("withdraw", "a")
    state = consortium.status("a")
    assert state["stage"] == "unbonding"
    assert state["free_at"] > 0


def test_peer__key_without_a_seat__is_told_how_to_get_one(consortium):
    consortium.init("a", "1/3")
    outcome = consortium.here("peer", "status", consortium.folder("a"))
    assert outcome.code == 1
    assert "settings: chain.contract: expected the federation's address" in outcome.err


@pytest.mark.slow
def test_peer__folder_at_work_already__every_command_that_sends_is_refused(consortium):
    consortium.init("a", "1/3")
    consortium.found("a")
    consortium.act("join", "a")
    process = consortium.run("a", 10**6)
    await_lines(process, "act=ready")
    folder, password = consortium.folder("a"), ("--password-file", str(consortium.password))
    told = (
        f"holdfast: folder {folder}: expected one command at a time, "
        f"got process {process.pid} at work in it\n"
    )
    for verb in ("run", "join", "leave", "withdraw", "activate", "set-endpoint"):
        outcome = consortium.here("peer", verb, folder, *password)
        assert (outcome.code, outcome.err) == (1, told), verb
    state = consortium.status("a")
    assert (state["seat"], state["at_work"]) == (0, f"process {process.pid}")
    stop(process)


def test_set_endpoint__settings_changed__the_chain_tells_the_new_one(consortium):
    consortium.init("a", "1/3")
    contract = consortium.found("a")
    consortium.act("join", "a")
    page = consortium.directory / "a" / "peer.toml"
    lines = page.read_text().splitlines()
    changed = ['endpoint = "https://clinic.example"' if "endpoint =" in x else x for x in lines]
    page.write_text("\n".join(changed))
    assert consortium.act("set-endpoint", "a")["endpoint"] == "https://clinic.example"
    shown = consortium.ask(
        "federation", "show", "--rpc", consortium.url, "--contract", contract, "--json"
    )
    assert [seat["endpoint"] for seat in shown["seats"]] == ["https://clinic.example"]
