"""Data that is asked for on the chain: shown, or the result is void. And disputes in words."""

import pytest
from court_lab import plant

ETHER = 10**18
ANSWER = 900


@pytest.fixture
def trial(open_dispute):
    return open_dispute()


def test_answer__whoever_has_the_leaves__earns_the_deposit(trial):
    case = trial.court.agree(1)
    outcome = trial.dispute("challenge", 1, 2)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("challenged leaf 0 of the update of seat 2 of round 1, block ")
    assert outcome.out.endswith(": deposit 0.01 ether\n")
    assert "leaf 0 of the update of seat 2 of round 1, asked by 0x" in trial.show().out
    assert " (holdfast dispute answer)\n" in trial.show(1).out

    trial.own(3, "d")
    trial.keep(case, trial.blobs.parents[1] / "d" / "blobs")
    answered = trial.dispute("answer", 1, "--json", name="d").summary
    assert (answered["event"], answered["which"], answered["first"]) == ("answered", 2, 0)
    assert answered["earned_wei"] == ETHER // 100
    shown = trial.show(1, "--json").lines
    (asked,) = shown[0]["challenges"]
    assert asked["answerer"].lower() == trial.court.lab.address(3)
    assert list(shown[1]["owed_wei"].values()) == [ETHER // 100]
    before = trial.balance("d")
    collected = trial.dispute("collect", "--json", name="d").summary
    assert collected["amount_wei"] == ETHER // 100
    assert before < trial.balance("d") < before + ETHER // 100
    again = trial.dispute("collect", name="d")
    assert (again.code, again.err) == (1, "holdfast: disputes: nothing to collect\n")
    none = trial.dispute("answer", 1, name="d")
    told = "holdfast: dispute: round 1: expected an open challenge, got none\n"
    assert (none.code, none.err) == (1, told)


def test_close__nobody_answered__the_result_is_void_and_a_fifth_is_gone(trial):
    trial.court.agree(1)
    trial.court.agree(2)
    assert trial.dispute("challenge", 1, "after", "--count", 2).code == 0
    early = trial.dispute("close", 1)
    told = "holdfast: dispute: round 1: expected a challenge whose time is over, got none\n"
    assert (early.code, early.err) == (1, told)
    trial.wait(ANSWER)
    assert "the result can be voided (holdfast dispute close)" in trial.show(1).out
    outcome = trial.dispute("close", 1)
    assert outcome.code == 0, outcome.err
    # As much again as the deposit, out of what the voters lost.
    assert outcome.out.endswith(": paid 0.02 ether\n")
    words = trial.show(1).out
    assert "; it is void\n" in words
    assert "never answered: closed, 0.02 ether to the challenger" in words
    assert "slashed        seats 0, 1, 2 lost a part of their stake: 0.6 ether, of which " in words
    assert "; it is void, as round 1 below it is\n" in trial.show(2).out
    assert trial.court.lab.federation.get_head()[1] == 0
    lines = trial.show("--json").lines
    assert [line["event"] for line in lines] == ["dispute", "disputes"]
    assert (lines[0]["stands"], lines[0]["voided_by"]) == (False, 1)
    assert lines[1]["slashed_wei"] == 6 * ETHER // 10


def test_refute__what_only_answers_have_shown__is_read_from_the_chain(trial):
    """Of a lie nobody serves the model; on the chain it was shown, and is refuted with that."""
    lie = trial.court.agree(1, lie=plant(70))
    trial.keep(lie)
    for path in trial.blobs.glob(f"0x{lie.record.model_root.hex()}*"):
        path.unlink()
    assert "not to be had" in trial.dispute("refute", 1).out
    assert trial.dispute("challenge", 1, "after").code == 0
    trial.court.lab.act(
        "answer",
        tuple(vars(lie.record).values()),
        *(129, 0, 2),
        lie.answer(129, 0, 2),
        by=1,
    )
    outcome = trial.dispute("refute", 1)
    assert outcome.code == 0, outcome.err
    assert "coordinate 70: agreed " in outcome.out
    assert "head: height 0, round 0" in outcome.out
    words = trial.show(1).out
    assert "window         over: it was refuted" in words
    assert "refuted        at coordinate 70 by 0x" in words
    # The deposit was lost to the answer; of the liars' stake it comes back.
    closed = trial.dispute("close", 1, "--json").summary
    assert (closed["event"], closed["paid_wei"]) == ("closed", ETHER // 100)
    assert "; the challenger had 0.01 ether back" in trial.show(1).out


def test_activate__a_slashed_seat__comes_back_with_what_it_lacks(trial):
    trial.keep(trial.court.agree(1, lie=plant(3)))
    assert trial.dispute("refute", 1).code == 0
    trial.own(0, "a")
    folder = trial.consortium.folder("a")
    password = ("--password-file", str(trial.consortium.password))
    short = trial.consortium.here("peer", "activate", folder, *password)
    assert (short.code, short.err) == (1, "holdfast: seats: stake below the minimum\n")
    assert trial.consortium.act("activate", "a", "--add", "1.5")["seat"] == 0
    assert trial.court.lab.read_seat(0)[1] == 3 * ETHER // 2


def test_show__nothing_disputed__says_so_and_of_a_round_its_window(trial):
    trial.court.agree(1)
    assert trial.show().out == "nothing was disputed\n"
    lines = trial.show(1).out.splitlines()
    assert lines[0].startswith("round 1        agreed as height 1, 20")
    assert lines[0].endswith(" UTC; it stands")
    assert lines[1] == "approved by    seats 0, 1, 2, made of seats 0, 1, 2, 3"
    assert lines[2].startswith("window         can be refuted and challenged until 20")
    trial.wait(4000)
    assert trial.show(1).out.splitlines()[2].startswith("window         over, 20")


def test_show__in_a_kept_run_and_a_peers_folder__reads_the_same(holdfast, kept, trial):
    assert holdfast("dispute", "show", "--dir", str(kept)).out == "nothing was disputed\n"
    own = trial.consortium.here("dispute", "show", "--peer", trial.consortium.folder("w"))
    assert (own.code, own.out) == (0, "nothing was disputed\n")


def test_challenge__nothing_that_is_there__is_one_line(trial):
    trial.court.agree(1)
    sent = trial.count_sent()
    for which, more, code, told in (
        ("7", (), 1, "expected seat 0, 1, 2, 3, before or after, got seat 7"),
        ("128", (), 2, "expected a seat, before or after, got '128'"),
        ("later", (), 2, "expected a seat, before or after, got 'later'"),
        ("0", ("--count", "3"), 1, "evidence: no such leaves"),
        ("0", ("--first", "1"), 1, "evidence: no such leaves"),
    ):
        outcome = trial.dispute("challenge", 1, which, *more)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
        assert told in outcome.err
    assert trial.count_sent() == sent
