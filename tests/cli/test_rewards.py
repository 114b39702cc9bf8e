"""Rewards from the pool to an owner, and what the record says of each seat's part."""

import pytest
from court_lab import plant

ETHER = 10**18
RATE = 10**15
SETTLES = 3600


def show(trial, *more):
    source = ("--rpc", trial.url, "--contract", trial.address)
    return trial.consortium.here("rewards", *source, *more)


def states_of(trial):
    """Return what `rewards` tells of each height: seat → state."""
    lines = show(trial, "--json").lines
    return [line["states"] for line in lines if line["event"] == "height"]


def claim(trial, name, *more):
    password = ("--password-file", str(trial.consortium.password))
    return trial.consortium.here("peer", "claim", trial.consortium.folder(name), *password, *more)


def fund(trial, amount, *more):
    own = ("--peer", trial.consortium.folder("w"))
    password = ("--password-file", str(trial.consortium.password))
    return trial.consortium.here("federation", "fund", amount, *own, *password, *more)


@pytest.fixture
def paid(open_dispute):
    """A federation with a pool, and two results of a minute and more."""
    trial = open_dispute(reward_wei_per_second=RATE)
    told = fund(trial, "2.5")
    assert (told.code, told.err) == (0, "")
    assert told.out.endswith("; the pool has 2.5 ether\n")
    trial.court.agree(1)
    trial.court.agree(2)
    return trial


def test_claim__settled_results__are_paid_once_and_the_history_says_so(paid):
    voted = {"0": "reserved", "1": "reserved", "2": "reserved"}
    assert states_of(paid) == [voted | {"3": "forgone"}, voted | {"3": "unvoted"}]
    paid.own(0, "a")
    early = claim(paid, "a")
    told = "holdfast: rewards of seat 0: expected a share of a settled result, got none\n"
    assert (early.code, early.out, early.err) == (1, "", told)

    paid.wait(SETTLES)
    assert states_of(paid)[0] == dict.fromkeys(voted, "claimable") | {"3": "forgone"}
    outcome = claim(paid, "a", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    lines = show(paid, "--json").lines
    shares = [line["share_wei"] for line in lines if line["event"] == "height"]
    assert min(shares) > 0
    assert outcome.summary["amount_wei"] == sum(shares)
    assert (outcome.summary["results"], outcome.summary["seat"]) == (2, 0)
    seats = {line["seat"]: line for line in lines if line["event"] == "seat"}
    assert (seats[0]["claimed_wei"], seats[0]["claimable_wei"]) == (sum(shares), 0)
    assert (seats[1]["claimed_wei"], seats[1]["claimable_wei"]) == (0, sum(shares))
    assert claim(paid, "a").err == told
    words = show(paid).out
    assert "  claimed       seat 0\n" in words
    assert "contributions from height 1 on are not measured: no blobs (--blobs DIR)" in words
    assert "settled up to height 2 of 2" in words
    assert "reserved: the seat's, and to be claimed as soon as nobody can dispute " in words


def test_claim__more_waits_than_one_call_notes__settle_goes_first(paid, monkeypatch):
    paid.own(0, "a")
    paid.wait(SETTLES)
    monkeypatch.setattr("node.rewarding.MAX_SETTLED", 0)
    sent = paid.count_sent("a")
    assert claim(paid, "a").code == 0
    assert paid.count_sent("a") == sent + 2


def test_rewards__an_owner_went_without_claiming__it_is_lost_to_the_next_too(paid):
    lab = paid.court.lab
    lab.leave(2)
    lab.withdraw(2)
    paid.wait(SETTLES + 1800)
    assert [states["2"] for states in states_of(paid)] == ["claimable", "claimable"]
    lab.withdraw(2)
    assert [states["2"] for states in states_of(paid)] == ["lost", "lost"]
    lab.join(7)
    assert [states["2"] for states in states_of(paid)] == ["lost", "lost"]
    seats = {line["seat"]: line for line in show(paid, "--json").lines if line["event"] == "seat"}
    assert seats[2]["lost_wei"] == seats[1]["claimable_wei"]


def test_rewards__heights_that_settle__are_those_that_the_contract_notes(paid):
    for _ in range(3):
        told = show(paid, "--json").summary["settled_height"]
        paid.court.lab.act("settle", by=5)
        assert told == paid.court.lab.federation.read("head")[4]
        paid.wait(SETTLES - 250)
    assert told == 2


def test_rewards__a_result_was_refuted__it_has_earned_nothing(paid):
    lie = paid.court.agree(3, lie=plant(3))
    paid.keep(lie)
    assert len(states_of(paid)) == 3
    assert paid.dispute("refute", 3).code == 0
    assert len(states_of(paid)) == 2
    # The votes on a head that came back are over.
    assert states_of(paid)[1]["3"] == "forgone"
    lines = show(paid, "--json").lines
    heights = [line for line in lines if line["event"] == "height"]
    shares = sum(line["share_wei"] * 3 for line in heights)
    assert (lines[-1]["earned_wei"], lines[-1]["pool_wei"]) == (shares, 25 * ETHER // 10 - shares)


def test_fund__none_are_paid_here__is_one_line(open_dispute):
    outcome = fund(open_dispute(), "1")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "holdfast: rewards: none are paid here\n"


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "much", "0.0000000000000000001"])
def test_fund__no_amount__is_one_line(holdfast, amount):
    outcome = holdfast("federation", "fund", "--peer", "none", "--", amount)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert ": ETHER: expected " in outcome.err


def test_rewards__a_kept_run__contributions_of_all_heights_but_the_newest(holdfast, kept):
    outcome = holdfast("rewards", "--dir", str(kept), "--json")
    assert (outcome.code, outcome.err) == (0, "")
    heights = [line for line in outcome.lines if line["event"] == "height"]
    assert [line["height"] for line in heights] == [1, 2]
    assert sorted(heights[0]["contributions"]) == ["0", "1", "2", "3"]
    assert heights[1]["contributions"] is None
    seats = [line for line in outcome.lines if line["event"] == "seat"]
    for line in seats:
        assert line["contribution"] == heights[0]["contributions"][str(line["seat"])]
    assert 9990 <= sum(line["contribution_bps"] for line in seats) <= 10_000
    told = holdfast("rewards", "--dir", str(kept))
    assert "contributed   seat 0 " in told.out
    assert "contribution: how much nearer an update brought the model to what " in told.out
    # Nothing of money, and no words about it.
    assert "this federation pays no rewards" in told.out
    assert "ether" not in told.out
    assert "reserved" not in told.out


def test_audit__contributions__are_those_that_rewards_tells(holdfast, kept):
    seats = [
        line
        for line in holdfast("rewards", "--dir", str(kept), "--json").lines
        if line["event"] == "seat"
    ]
    audited = holdfast("audit", "--dir", str(kept), "--json")
    (told,) = (line for line in audited.lines if line["event"] == "contributions")
    assert told["totals"] == {str(line["seat"]): line["contribution"] for line in seats}
    assert told["shares_bps"] == {str(line["seat"]): line["contribution_bps"] for line in seats}
    words = holdfast("audit", "--dir", str(kept)).out
    assert "contributions at heights 1 to 1, by seat: 0 " in words


def test_rewards__an_update_is_lost__the_rest_is_told_and_why(holdfast, kept):
    committed = [
        line
        for line in holdfast("watch", "--dir", str(kept), "--once", "--json").lines
        if line["event"] == "Committed"
    ]
    (kept / "blobs" / committed[0]["root"]).unlink()
    outcome = holdfast("rewards", "--dir", str(kept))
    assert outcome.code == 0
    told = outcome.out.splitlines()[-1]
    assert told.startswith("contributions from height 1 on are not measured: blob 0x")


def test_withdraw__more_waits_than_one_call_notes__settle_goes_first(paid, monkeypatch):
    paid.own(2, "c")
    password = ("--password-file", str(paid.consortium.password))
    withdraw = ("peer", "withdraw", paid.consortium.folder("c"), *password)
    paid.court.lab.leave(2)
    monkeypatch.setattr("node.rewarding.MAX_SETTLED", 0)
    sent = paid.count_sent("c")
    assert paid.consortium.here(*withdraw).code == 0
    assert paid.count_sent("c") == sent + 1
    paid.wait(SETTLES + 1800)
    assert paid.consortium.here(*withdraw).code == 0
    assert paid.count_sent("c") == sent + 3
    assert paid.court.lab.federation.read("head")[4] == 2
