"""A watchtower as a program: its opening in this process, and real ones on a served chain."""

import logging

import pytest
from consortium_lab import await_lines, free_port, join_two, stop
from court_lab import plant
from test_metrics import read_metrics

from chain.connect import open_endpoints
from chain.rpc import ask
from chain.wallet import open_wallet
from node.daemon.metrics import Metrics
from node.daemon.watching import open_watch
from node.settings import read_settings

ETHER = 10**18


def watch(consortium, *more):
    """Run a watchtower in the folder `w`, a real process."""
    return consortium.run("w", 10**6, "--watchtower", *more)


def clock():
    """Stand still, at the beginning of time."""
    return 0


def pass_time(trial, seconds):
    """Let a block come so much later; asked for from outside, since the chain serves meanwhile."""
    lab = trial.court.lab
    lab.next_at(lab.now + seconds)
    with open_endpoints((trial.url,)) as web3:
        ask(web3, "evm_mine")


def test_open_watch__nobody_serves_strangers__says_so_and_has_no_seat_and_no_learner(
    consortium, caplog
):
    contract = join_two(consortium)
    consortium.init("w", "1/2", "--contract", contract, "--set", 'data.source="gone.csv"')
    folder = consortium.directory / "w"
    account = open_wallet(folder / "keystore.json", "a password")
    opening = open_watch(folder, read_settings(folder), account, clock=clock, poll_seconds=1)
    with caplog.at_level(logging.INFO, "holdfast"), opening as daemon:
        (warning,) = (r.getMessage() for r in caplog.records if r.levelno == logging.WARNING)
        assert warning.startswith('seat=none act=probe serving=none of=2 error="expected a seat ')
        assert "got seat 0: expected an answer, got " in warning
        assert "; seat 1: " in warning
        assert daemon.peer.seat is None
        port = free_port()
        with Metrics(daemon, account.address, clock, host="127.0.0.1", port=port):
            daemon.watch()
            daemon.run(lambda: True)
            samples, _ = read_metrics(port)
    assert ("holdfast_peer_info", *sorted((contract, "none", account.address))) in samples
    assert samples["holdfast_phase", "ready"] == 1
    assert samples["holdfast_balance_ether",] == 100
    assert samples["holdfast_transactions_sent_total",] == 0
    lines = [record.getMessage() for record in caplog.records]
    assert lines[-2:] == ["seat=none act=ready round=0 height=0", "seat=none act=stop"]


def test_run__a_watchtower_with_the_key_of_a_seat__is_one_line(idle_pair):
    outcome = idle_pair.run_here("a", "--watchtower")
    address = idle_pair.status("a")["address"]
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1] == (
        f"holdfast: watchtower {address}: expected a key without a seat "
        "(the peer of a seat watches anyway), got that of seat 0"
    )


def test_status__no_seat__tells_the_federation_and_what_may_be_done(consortium):
    consortium.init("a", "1/2")
    contract = consortium.found("a")
    consortium.init("w", "1/2", "--contract", contract)
    state = consortium.status("w")
    assert (state["seat"], state["stage"], state["stake_wei"]) == (None, None, 0)
    assert (state["balance_wei"], state["owed_wei"]) == (100 * ETHER, 0)
    assert (state["height"], state["phase"]) == (0, "idle")
    assert state["next"] == "join takes a seat; run --watchtower looks on without one"
    shown = consortium.here("peer", "status", consortium.folder("w")).out
    assert "seat          -\n" in shown


@pytest.mark.slow
def test_run__a_lie_is_agreed__the_watchtower_refutes_and_collects_and_the_head_is_back(
    open_dispute, tmp_path
):
    trial = open_dispute()
    right, lie = trial.court.agree(1), trial.court.agree(2, lie=plant(42))
    trial.serve(lie, 3, tmp_path / "honest")
    trial.keep(right, tmp_path / "honest")
    before = trial.balance()
    process = watch(trial.consortium)
    lines = await_lines(process, "act=collect")
    assert trial.court.lab.head == right.key
    told = "".join(lines)
    assert "seat=none act=probe serving=3 of=4" in told
    assert "seat=none round=1 act=examine found=right" in told
    assert "seat=none round=2 act=examine wrong=42" in told
    assert "seat=none round=2 act=refute" in told
    assert "challenge" not in told
    stop(process)
    assert trial.balance() > before + ETHER // 20
    state = trial.consortium.status("w")
    assert (state["seat"], state["height"], state["owed_wei"]) == (None, 1, 0)


@pytest.mark.slow
def test_run__nobody_shows_what_was_agreed__the_watchtower_voids_it(open_dispute):
    trial = open_dispute()
    trial.court.agree(1)
    process = watch(trial.consortium)
    lines = await_lines(process, "act=probe")
    assert "serving=none of=4" in lines[-1]
    await_lines(process, "act=fetch blob=")
    # Time for others to serve, before it is challenged; and for an answer, before it is closed.
    parameters = trial.court.lab.parameters
    pass_time(trial, parameters.attest_seconds)
    await_lines(process, "act=challenge")
    pass_time(trial, parameters.answer_seconds)
    await_lines(process, "act=close")
    await_lines(process, "act=collect")
    stop(process)
    assert trial.consortium.status("w")["height"] == 0


@pytest.mark.slow
def test_run__two_honest_peers_and_a_watchtower__it_finds_all_right_and_sends_nothing(consortium):
    public = ("--set", "exchange.public=true")
    contract = join_two(consortium, *public)
    consortium.init("w", "1/2", "--contract", contract)
    first, second = (consortium.run(name, 10**6) for name in "ab")
    for process in (first, second):
        await_lines(process, "act=ready")
    tower = watch(consortium)
    lines = await_lines(tower, "act=examine found=right", 2)
    stop(tower)
    assert "seat=none act=probe serving=0,1 of=2" in "".join(lines)
    rounds = [line.split("round=")[1].split()[0] for line in lines if "act=examine" in line]
    assert len(set(rounds)) == 2
    for process in (first, second):
        stop(process)
    state = consortium.status("w")
    assert (state["balance_wei"], state["seat"]) == (100 * ETHER, None)
    assert state["head"] == consortium.status("a")["head"]
