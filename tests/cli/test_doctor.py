"""Faults planted for real in a peer that is well: the doctor finds each, that one alone, and says
what to do."""

import json
import shutil
import socket
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import time
from types import SimpleNamespace

import pytest
from command_lab import run_here
from consortium_lab import PLAN, Consortium, await_lines, free_port, serve_chain, stop

from chain.connect import connect_devnet
from chain.devnet.devnet import Devnet
from node.doctor.case import Case, Fault, Unread
from node.doctor.clock import judge_clock
from node.doctor.doctor import CHECKS, State, examine
from node.doctor.in_folder import check_data
from node.doctor.on_chain import check_clock
from node.folder_lock import lock_folder
from node.settings import read_settings, write_settings


@pytest.fixture(scope="module")
def consortium(tmp_path_factory):
    """Three seats: `a` is well, `b` leaves, `c` has next to nothing left; `d` has no seat."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr("chain.wallet.WORK", 2**10)
        directory = tmp_path_factory.mktemp("consortium")
        opened = Consortium(directory, stack, run_here, serve_chain(stack))
        opened.init("a", "1/3")
        contract = opened.found("a", PLAN)
        for name in "bcd":
            opened.init(name, "2/3", "--contract", contract)
        for name, stake in (("a", "1"), ("b", "1"), ("c", "99.99")):
            opened.act("join", name, "--stake", stake)
        opened.act("leave", "b")
        yield opened


@pytest.fixture
def copy_of(consortium, tmp_path):
    """Return a way to a copy of a peer's folder, to be damaged."""
    return lambda name: Path(shutil.copytree(consortium.folder(name), tmp_path / name))


def examine_folder(folder, consortium, **given):
    """Return the findings about a folder by the names of the checks."""
    usual = {"clock": lambda: int(time()), "rounds": 20, "disk_rounds": 1000}
    password = consortium.password.read_text().strip()
    case = Case(folder, **({"password": lambda: password} | usual | given))
    return {finding.check: finding for finding in examine(case)}


def find_until(folder, consortium, check):
    """Return the findings about a folder up to one of them."""
    password = consortium.password.read_text().strip()
    findings = []
    with ExitStack() as stack:
        case = Case(folder, lambda: password, lambda: int(time()), 20, 1000, opened=stack)
        for finding in examine(case):
            findings.append(finding)
            if finding.check == check:
                break
    return findings


def states(findings, state):
    return [name for name, finding in findings.items() if finding.state is state]


def change(folder, **entries):
    write_settings(folder, replace(read_settings(folder), **entries))


def serve_another(consortium, stack, *arguments):
    """Return the endpoint of another chain, and its process."""
    process = consortium.begin("chain", "serve", "--port", "0", *arguments, "--json")
    stack.callback(process.wait)
    stack.callback(process.kill)
    return json.loads(process.stdout.readline())["url"], process


def break_settings(folder, consortium, stack):
    page = folder / "peer.toml"
    page.write_text(page.read_text().replace("[data]", "[data"))


def stop_the_chain(folder, consortium, stack):
    url, process = serve_another(consortium, stack)
    process.kill()
    process.wait()
    change(folder, rpc=(url,))


def go_to_another_chain(folder, consortium, stack):
    change(folder, rpc=(serve_another(consortium, stack, "--chain-id", "4242")[0],))


def name_no_contract(folder, consortium, stack):
    change(folder, contract="0x" + "12" * 20)


def take_the_port(folder, consortium, stack):
    host, port = read_settings(folder).listen
    taken = stack.enter_context(socket.socket())
    taken.bind((host, port))
    taken.listen()


def listen_elsewhere(folder, consortium, stack):
    change(folder, listen=("127.0.0.1", free_port()))


def move(folder, consortium, stack):
    port = free_port()
    change(folder, listen=("127.0.0.1", port), endpoint=f"http://127.0.0.1:{port}")


def work_without_serving(folder, consortium, stack):
    stack.enter_context(lock_folder(folder))


def want_a_larger_disk(folder, consortium, stack):
    return {"disk_rounds": 10**13}


def forget_the_password(folder, consortium, stack):
    return {"password": lambda: "another password"}


def cut_the_keystore(folder, consortium, stack):
    path = folder / "keystore.json"
    path.write_text(path.read_text()[:100])


def damage_the_journal(folder, consortium, stack):
    (folder / "journal.db").write_bytes(b"no database" * 1000)


def damage_a_blob(folder, consortium, stack):
    path = next(each for each in (folder / "blobs").iterdir() if each.suffix != ".leaves")
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)


def lose_the_data(folder, consortium, stack):
    change(folder, source=str(folder / "gone.csv"))


def lose_the_certificate(folder, consortium, stack):
    change(folder, certificate=("gone.pem", "gone.key"))


def trust_no_file(folder, consortium, stack):
    change(folder, ca=str(folder / "peer.toml"))


def learn_from_other_data(folder, consortium, stack):
    change(folder, source="digits", share=None)


def bring_words(folder, consortium, stack):
    table = folder / "table.csv"
    table.write_text("age,smoker,ill\n40,yes,0\n50,no,1\n")
    change(folder, source=str(table), share=None)


PLANTED = [
    ("a", break_settings, "settings", "expected TOML", "correct the entry"),
    ("a", stop_the_chain, "chain", "Connection refused", "start the node"),
    ("a", go_to_another_chain, "chain", "chain id 31337, got 4242", "correct chain.rpc"),
    ("a", name_no_contract, "contract", "got no code there", "correct chain.contract"),
    ("c", None, "balance", "too little for 20 rounds", "send "),
    ("a", take_the_port, "endpoint", "expected a free port", "end what listens there"),
    ("a", listen_elsewhere, "endpoint", "Connection refused", "let exchange.endpoint lead"),
    ("a", work_without_serving, "endpoint", "Connection refused", "let exchange.endpoint lead"),
    ("a", move, "registered", "the chain tells the others", "holdfast peer set-endpoint"),
    ("a", lose_the_certificate, "https", "gone.pem, key gone.key: expected two PEM", "correct"),
    ("a", trust_no_file, "https", "peer.toml: expected a PEM file", "correct exchange.cert"),
    ("a", want_a_larger_disk, "disk", "too little for", "make room for"),
    ("a", forget_the_password, "keystore", "the password of this keystore", "give the right"),
    ("a", cut_the_keystore, "keystore", "expected a keystore of version 3", "from a copy"),
    ("a", damage_the_journal, "journal", "file is not a database", "leave with this seat"),
    ("a", damage_a_blob, "blobs", "leaf 0: expected", "put 0x"),
    ("a", lose_the_data, "data", "gone.csv", "correct data.source"),
    ("a", learn_from_other_data, "learner", "model of the learner", "its spec says "),
    ("a", bring_words, "data", "'yes'", "correct that cell"),
    ("b", None, "seat", "seat 1 leaves", "holdfast peer withdraw"),
    ("d", None, "seat", "expected one (holdfast peer join), got none", "holdfast peer join"),
]


@pytest.mark.parametrize(
    ("name", "plant", "check", "found", "remedy"),
    PLANTED,
    ids=[plant.__name__ if plant else f"{check}_of_{name}" for name, plant, check, _, _ in PLANTED],
)
def test_examine__a_planted_fault__that_one_is_found_with_its_remedy(
    consortium, copy_of, name, plant, check, found, remedy
):
    folder = copy_of(name)
    with ExitStack() as stack:
        given = plant(folder, consortium, stack) if plant else None
        findings = examine_folder(folder, consortium, **(given or {}))
    assert states(findings, State.FAULT) == [check], findings
    assert found in findings[check].found
    assert remedy in findings[check].remedy
    # What is not looked at is so because of that one.
    needed = {each.name: each.needs for each in CHECKS}
    for skipped in states(findings, State.SKIPPED):
        assert {check, *states(findings, State.SKIPPED)} & set(needed[skipped])


def test_examine__a_peer_that_is_well__finds_nothing(consortium, copy_of):
    findings = examine_folder(copy_of("a"), consortium)
    assert states(findings, State.OK) == [check.name for check in CHECKS], findings
    assert "the peer is not at work" in findings["endpoint"].found
    assert "20 rounds" in findings["balance"].found
    assert findings["data"].found == (
        f"{consortium.data}: 569 samples, one part in 3 is this peer's"
    )
    # A fifth of 569 is held out, and the rest dealt to three.
    assert findings["learner"].found == "62 coordinates of softmax, on 152 samples"


def test_examine__data_that_only_the_learner_reads__are_not_said_to_be_in_order(
    consortium, copy_of
):
    folder = copy_of("a")
    change(folder, source="clinic:rows", share=None)
    (finding,) = [each for each in find_until(folder, consortium, "data") if each.check == "data"]
    assert finding.state is State.UNREAD
    assert finding.found == "clinic:rows: code, which `learner` runs"


def test_examine__the_endpoint_of_another_seat__is_a_fault_also_before_joining(consortium, copy_of):
    folder = copy_of("d")
    taken = read_settings(Path(consortium.folder("a"))).endpoint
    change(folder, endpoint=f"{taken}/")
    finding = find_until(folder, consortium, "apart")[-1]
    assert finding.state is State.FAULT
    assert finding.found == (
        f"{taken}/ is the endpoint of seat 0 too: one of them cannot be reached"
    )
    assert f"holdfast peer set-endpoint {folder}" in finding.remedy


def test_examine__a_late_block_on_a_chain_that_mines_on_demand__is_no_fault(consortium, copy_of):
    ahead = examine_folder(copy_of("a"), consortium, clock=lambda: int(time()) + 10**6)
    assert states(ahead, State.FAULT) == []
    assert "blocks keep no pace here" in ahead["clock"].found


@pytest.mark.slow
def test_doctor__a_peer_at_work__is_well_and_ends_in_peace(consortium):
    process = consortium.run("a", 10**6)
    password = ("--password-file", str(consortium.password))
    await_lines(process, "act=ready")
    outcome = consortium.here("peer", "doctor", consortium.folder("a"), *password, "--json")
    stop(process)
    assert outcome.code == 0, outcome.out
    assert {line["state"] for line in outcome.lines} == {"ok"}
    assert "the peer is at work" in next(
        line["found"] for line in outcome.lines if line["check"] == "endpoint"
    )


def test_doctor__a_fault__is_one_line_with_its_remedy_and_exit_code_1(consortium, copy_of):
    password = ("--password-file", str(consortium.password))
    folder = str(copy_of("d"))
    outcome = consortium.here("peer", "doctor", folder, *password)
    assert outcome.code == 1
    assert outcome.err == ""
    faults = [line for line in outcome.out.splitlines() if line.startswith("FAULT")]
    assert len(faults) == 1
    assert faults[0].endswith(f"-> holdfast peer join {folder}")
    assert len(outcome.out.splitlines()) == len(CHECKS)


START = 1_700_000_000


@pytest.mark.parametrize(("late", "is_fault"), [(0, False), (126, False), (127, True)])
def test_check_clock__a_chain_that_keeps_a_pace__is_late_after_eight_blocks(
    tmp_path, late, is_fault
):
    now = [START]
    with Devnet(clock=lambda: now[0], accounts=1) as devnet:
        web3 = connect_devnet(devnet)
        for _ in range(20):
            now[0] += 12
            web3.provider.make_request("evm_mine", [])
        case = Case(tmp_path, str, lambda: now[0] + late, 1, 1)
        case.web3, case.settings = web3, SimpleNamespace(chain_id=1)
        if is_fault:
            with pytest.raises(Fault, match=r"127 s ago by this clock, where one comes every 12 s"):
                check_clock(case)
        else:
            assert check_clock(case) == f"latest block {late} s ago, one every 12 s"


@pytest.mark.parametrize(("now", "is_fault"), [(START - 30, False), (START - 31, True)])
def test_judge_clock__behind_the_latest_block__is_a_fault_beyond_what_reading_allows(now, is_fault):
    if is_fault:
        with pytest.raises(Fault, match="this clock is 31 s behind the latest block"):
            judge_clock(now, [START])
    else:
        assert judge_clock(now, [START]).startswith("latest block 30 s ahead; ")


def test_judge_clock__behind_the_latest_block__is_a_fault_but_on_a_development_chain():
    with pytest.raises(Fault, match="this clock is 3600 s behind the latest block") as fault:
        judge_clock(0, [3600])
    assert "set the clock" in fault.value.remedy
    assert "as it may be on a development chain" in judge_clock(0, [3600], is_development=True)


SPEC = b"""
holdfast = 1
name = "of a number"
seed = 7
[learner]
name = "module:make"
[data]
source = "clinic.csv"
label = "dose"
partition = "iid"
held_out = 0.2
target = "number"
columns = { age = "number", ward = ["a", "b"], dose = "number" }
[model]
arrays = [{ name = "w", shape = [3], dtype = "float32" }]
"""


@pytest.fixture
def unopened(tmp_path):
    """A peer of a federation that was not looked at, with a table as that one declares."""
    rows = "".join(f"{place / 4},{'ab'[place % 2]},{30 + place}\n" for place in range(20))
    (tmp_path / "own.csv").write_text("dose,ward,age\n" + rows)
    case = Case(tmp_path, str, lambda: 0, 1, 1)
    case.settings = SimpleNamespace(
        source=str(tmp_path / "own.csv"), label=None, share=None, contract="0x12"
    )
    return case


def test_check_data__a_table_as_the_federation_declares__is_read_by_that(unopened):
    unopened.contract = SimpleNamespace(observer=SimpleNamespace(ledger=SimpleNamespace(spec=SPEC)))
    assert check_data(unopened).endswith("own.csv: 20 samples")
    assert unopened.dataset.recipe.label == "dose"
    (unopened.folder / "own.csv").write_text("dose,ward,age\n1,c,30\n2,a,31\n")
    with pytest.raises(Fault, match="line 2, column ward: expected one of a, b, got 'c'"):
        check_data(unopened)


def test_check_data__the_federation_is_not_reached__is_looked_for_alone(unopened):
    told = "there, to be read as a federation declares that is not reached"
    with pytest.raises(Unread, match=told):
        check_data(unopened)
    (unopened.folder / "own.csv").unlink()
    with pytest.raises(Fault, match="expected a file, got none"):
        check_data(unopened)
