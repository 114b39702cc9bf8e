"""`peer init` and `federation create`, killed at every point where they have written or sent: the
second call makes it good, with the same key and one federation."""

import json
import subprocess
import sys

import pytest
from consortium_lab import PLAN, WAIT_SECONDS

from chain.connect import open_endpoint, open_federation
from chain.rpc import ask
from chain.wallet import open_wallet
from node.blobs.disk import DiskBlobs
from node.founding import read_plan
from node.seating import create_federation
from node.settings import BLOBS, FOUNDING, SETTINGS, read_settings

DEADLY = """
import json, os, shutil, sys
from pathlib import Path
import chain.wallet
chain.wallet.WORK = 2**10
import node.seating, node.daemon.opening, sklearn.datasets
from chain.sender import Sender
from cli.app import main

left = 0
def step():
    global left
    left -= 1
    if left == 0:
        os._exit(9)

def deadly(function, before=False):
    def call(*given, **named):
        if before:
            step()
        outcome = function(*given, **named)
        step()
        return outcome
    return call

os.link = deadly(os.link)
Path.replace = deadly(Path.replace)
Path.mkdir = deadly(Path.mkdir)
Path.unlink = deadly(Path.unlink)
Sender._dispatch = deadly(Sender._dispatch, before=True)
Sender.find = deadly(Sender.find)

def run(arguments, dies_at=0):
    # The exit code of a command in a process of its own, which dies at the given point.
    global left
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = dies_at
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        os._exit(end.code or 0)
    finally:
        os._exit(1)

prepare, command = json.loads(sys.argv[1]), json.loads(sys.argv[2])
point = 0
while True:
    point += 1
    at = lambda words: [word.replace("POINT", str(point)) for word in words]
    for words in map(at, prepare):
        if words[0] == "FUND":
            address = json.loads((Path(words[1]) / "keystore.json").read_text())["address"]
            words = ["chain", "fund", f"0x{address}", "--rpc", words[2]]
        assert run(words) == 0, words
    code = run(at(command), dies_at=point)
    if code == 0:
        break
    assert code == 9, code
    print(json.dumps(point), flush=True)
    # 2: all was done, but for the last words.
    assert run(at(command)) in (0, 2)
print("lived")
"""


def die_everywhere(prepare, command):
    """Return at how many points a command was killed, each in a folder of its own (FOLDER-1, ...)
    and then called again; after them comes one in which it was not."""
    process = subprocess.run(
        [sys.executable, "-c", DEADLY, json.dumps(prepare), json.dumps(command)],
        capture_output=True,
        text=True,
        timeout=5 * WAIT_SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    *points, last = process.stdout.splitlines()
    assert last == "lived", process.stderr
    return len(points)


@pytest.fixture
def init(consortium):
    return [
        *("peer", "init", consortium.folder("p-POINT"), "--rpc", consortium.url),
        *("--data", "breast_cancer", "--password-file", str(consortium.password)),
    ]


@pytest.mark.slow
def test_init__killed_anywhere_and_called_again__is_a_whole_folder(consortium, init):
    points = die_everywhere([], init)
    assert points >= 3  # the folder, the key, the settings
    for number in range(1, points + 2):
        folder = consortium.directory / f"p-{number}"
        status = consortium.here("peer", "status", str(folder))
        assert "settings: chain.contract" in status.err
        assert (folder / SETTINGS).exists()
        assert len(list(folder.glob("keystore.json"))) == 1


def test_init__a_key_that_is_there__goes_on_with_it_or_refuses_the_password(consortium, tmp_path):
    consortium.init("a", "1/2")
    page = tmp_path / "a" / SETTINGS
    page.unlink()
    before = json.loads((tmp_path / "a" / "keystore.json").read_text())["address"]
    wrong = tmp_path / "wrong"
    wrong.write_text("another\n")
    command = ("peer", "init", consortium.folder("a"), "--rpc", consortium.url, "--json")
    refused = consortium.here(*command, "--password-file", str(wrong))
    assert refused.code == 1
    assert "expected the password of this keystore, got another one" in refused.err
    assert not page.exists()
    told = consortium.ask(*command, "--password-file", str(consortium.password))
    assert (told["address"].lower(), told["is_new"]) == (f"0x{before.lower()}", False)


@pytest.mark.slow
def test_create__killed_anywhere_and_called_again__is_one_federation(consortium, init):
    plan = consortium.directory / "plan.toml"
    # A clip that is named needs no dry round; that is not what is looked at here.
    plan.write_text(PLAN + "[rule]\nclip = 300000\n")
    create = [
        *("federation", "create", str(plan), "--peer", consortium.folder("p-POINT")),
        *("--password-file", str(consortium.password)),
    ]
    fund = ["FUND", consortium.folder("p-POINT"), consortium.url]
    points = die_everywhere([init, fund], create)
    # Two files of the first model; of judge and federation each the note, twice, and sent, before
    # and after, and found; the settings.
    assert points >= 13
    with open_endpoint(consortium.url) as web3:
        for number in range(1, points + 2):
            folder = consortium.directory / f"p-{number}"
            settings = read_settings(folder)
            address = json.loads((folder / "keystore.json").read_text())["address"]
            assert int(ask(web3, "eth_getTransactionCount", f"0x{address}", "latest"), 16) == 2
            parameters = open_federation(web3, settings.contract).get_parameters()
            kept = {blob.root for blob in DiskBlobs(folder / BLOBS).kept()}
            assert kept == {parameters.genesis}
            assert not (folder / FOUNDING).exists()


def test_create__begun_with_another_page__is_told_and_what_was_begun_stays(consortium, init):
    consortium.init("a", "1/2")
    pages = [consortium.directory / name for name in ("one.toml", "other.toml")]
    for clip, page in enumerate(pages, 1):
        page.write_text(PLAN + f"[rule]\nclip = {clip}\n")
    password = ("--password-file", str(consortium.password))
    folder = consortium.directory / "a"
    create = [("federation", "create", str(each), "--peer", str(folder)) for each in pages]
    plan = read_plan(pages[0].read_bytes())
    settings = read_settings(folder)
    account = open_wallet(folder / "keystore.json", "a password")
    create_federation(folder, settings, account, plan)
    begun = (folder / FOUNDING).read_bytes()
    refused = consortium.here(*create[1], *password)
    assert refused.code == 1
    assert "expected the same page as then" in refused.err
    assert (folder / FOUNDING).read_bytes() == begun
    first = consortium.ask(*create[0], *password, "--json")
    assert (first["clip"], read_settings(folder).contract) == (1, first["contract"])
    again = consortium.here(*create[0], *password)
    assert f"takes part in {first['contract']} already" in again.err
