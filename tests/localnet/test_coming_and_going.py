"""Real peers that were away for long, or come to a federation that has long begun."""

import json
import os
import re

import pytest
from fleet_lab import SLEEPY, count_agreed, find_commits, stand_quick, watch_until
from typer.testing import CliRunner

from chain.types import Attested, Seat
from cli.app import app
from localnet.fleet.fleet import Fleet
from localnet.fleet.ports import find_ports
from node.blobs.disk import DiskBlobs
from node.settings import BLOBS

ROUNDS_AWAY = 5
AWAY, LATE = Seat(3), Seat(4)


@pytest.mark.slow
def test_peer__killed_for_five_rounds__takes_part_in_the_next_one(tmp_path):
    with stand_quick(tmp_path / "up") as standing:
        ledger = standing.following.contract.observer.ledger
        watch_until(standing, lambda ledger: find_commits(ledger, AWAY) >= {1})
        standing.fleet.kill(AWAY)
        # Rounds are quick, and some have gone by since the last look.
        standing.following.look()
        before = ledger.round.number
        watch_until(standing, lambda ledger: ledger.round.number > before + ROUNDS_AWAY)
        standing.fleet.start(AWAY)
        watch_until(standing, lambda _: len(find_ready(standing.fleet, AWAY)) == 2)
        back = find_ready(standing.fleet, AWAY)[1]
        watch_until(standing, lambda ledger: ledger.round.number > back + 1)

    committed = find_commits(ledger, AWAY)
    assert not committed & set(range(before + 2, before + ROUNDS_AWAY))
    assert committed & {back, back + 1}


@pytest.mark.slow
@pytest.mark.parametrize("chain", ["embedded", "anvil"])
def test_peers__that_hardly_ever_look__are_woken_by_each_block(tmp_path, chain):
    anvil = None if chain == "embedded" else os.environ.get("HOLDFAST_ANVIL")
    if chain == "anvil" and not anvil:
        pytest.skip("HOLDFAST_ANVIL does not name an anvil")
    with stand_quick(tmp_path / "up", SLEEPY, anvil) as standing:
        watch_until(standing, lambda ledger: count_agreed(ledger) >= 3)


@pytest.mark.slow
def test_peer__of_a_fifth_organisation__joins_in_with_the_commands_of_the_manual(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("chain.wallet.WORK", 2**10)
    with stand_quick(tmp_path / "up") as standing:
        watch_until(standing, lambda ledger: count_agreed(ledger) >= 2)
        folder, rpc = str(standing.fleet.peer_folder(LATE)), ("--rpc", standing.charter.url)
        password = ("--password-file", str(standing.fleet.password))
        made = say(
            *("peer", "init", folder, *rpc, "--contract", standing.charter.contract),
            *("--data", standing.charter.scenario.dataset, "--share", "5/5", *password),
            *("--listen", f"127.0.0.1:{find_ports(1)[0]}", "--json"),
        )
        say("chain", "fund", str(made["address"]), *rpc)
        assert say("peer", "join", folder, "--stake", "1", *password, "--json")["seat"] == LATE
        standing.fleet.start(LATE)
        contract = standing.following.contract

        def has_counted(ledger):
            """Whether the newcomer's update went into an agreed result that it approved."""
            included = any(LATE in ledger.result(each.event.key).seats for each in ledger.agreed)
            events = (logged.event for logged in contract.observer.history)
            votes = any(isinstance(e, Attested) and e.seat == LATE for e in events)
            return included and votes

        watch_until(standing, has_counted)
        head = contract.naming.model_blob(contract.observer.ledger.head().model_root)
        watch_until(
            standing, lambda _: DiskBlobs(standing.fleet.peer_folder(LATE) / BLOBS).has(head)
        )


def find_ready(fleet: Fleet, seat: int) -> list[int]:
    """Return the round in which each life of a peer was ready to take part."""
    log = fleet.log_path(seat).read_text()
    return [int(number) for number in re.findall(r"act=ready round=(\d+)", log)]


def say(*arguments: str) -> dict[str, object]:
    """Give a command, here, and return the object that it prints, if it prints one."""
    outcome = CliRunner().invoke(app, list(arguments), prog_name="holdfast")
    assert outcome.exit_code == 0, outcome.stderr
    answer: dict[str, object] = json.loads(outcome.stdout) if "--json" in arguments else {}
    return answer
