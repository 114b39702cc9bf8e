"""What became of an update, told by commands: of a kept run, and of a peer's own folder."""

from dataclasses import replace
from pathlib import Path

import pytest
from test_rewards import RATE, SETTLES, fund

from chain.types import Key, Root, RoundId, Seat
from cli.explain import _read_preparation
from node.explanation import Explanation, Fate, Outcome
from node.journal import Journal, Trained
from node.settings import JOURNAL


def explain_kept(holdfast, kept, *more):
    return holdfast("federation", "explain", "--dir", str(kept), *more)


def lines_of(outcome):
    """Return what is said by name: the first word or two of a line, and the rest."""
    assert outcome.code == 0, outcome.err
    return {line[:14].strip(): line[15:] for line in outcome.out.splitlines()}


def test_explain__a_kept_run__tells_length_vouching_contribution_vote_and_pay(holdfast, kept):
    told = lines_of(explain_kept(holdfast, kept, "1", "--seat", "2"))
    assert told["round 1"].startswith("agreed as height 1, made of 4 of 4 updates, approved by")
    assert told["seat 2"].endswith(" % of the result's weight")
    assert " units); the median is " in told["length"]
    assert told["vouched for"].startswith("by itself and seat")
    assert told["distances"].startswith("in units, clipped as they were: seat ")
    assert told["contribution"] != "not yet: it is measured by what is agreed next"
    assert told["paid"] == "nothing: this federation pays no rewards"
    assert told["voted"] == "for the result that was agreed on"
    newest = lines_of(explain_kept(holdfast, kept, "--seat", "2"))
    assert newest["contribution"] == "not yet: it is measured by what is agreed next"
    assert "round 2" in newest


def test_explain__as_json__is_one_object_that_agrees_with_rewards(holdfast, kept):
    outcome = explain_kept(holdfast, kept, "1", "--seat", "0", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    (told,) = outcome.lines
    heights = holdfast("rewards", "--dir", str(kept), "--json").lines
    assert told["contribution"] == heights[0]["contributions"]["0"]
    assert (told["round"], told["seat"], told["outcome"]) == (1, 0, "agreed")
    assert (told["fate"], told["is_as_ruled"], told["missing"]) == ("credited", True, None)
    assert told["vouching"]["weight"] == told["weight"] > told["vouching"]["needed"]
    assert told["voted_for"] == [told["agreed"]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("9", "--seat", "0"), "round: expected 1 to 3, got 9"),
        (("1", "--seat", "4"), "seat: expected one of 0, 1, 2, 3, got 4"),
    ],
)
def test_explain__no_such_round_or_seat__is_one_line(holdfast, kept, arguments, told):
    outcome = explain_kept(holdfast, kept, *arguments)
    assert (outcome.code, outcome.out, outcome.err) == (1, "", f"holdfast: {told}\n")


def test_explain__a_blob_is_lost__says_what_the_chain_says_and_fails_in_one_line(holdfast, kept):
    committed = [
        line
        for line in holdfast("watch", "--dir", str(kept), "--once", "--json").lines
        if line["event"] == "Committed"
    ]
    (kept / "blobs" / committed[0]["root"]).unlink()
    outcome = explain_kept(holdfast, kept, "1", "--seat", "2")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert outcome.err.startswith("holdfast: blob 0x")
    assert "included, with " in outcome.out
    assert "distances" not in outcome.out
    assert explain_kept(holdfast, kept, "1", "--seat", "2", "--json").lines[0]["missing"]


def test_explain__own_folder_without_a_round_yet__is_one_line(idle_pair):
    outcome = idle_pair.here("peer", "explain", idle_pair.folder("a"))
    told = "holdfast: round: expected one that was opened, got none so far\n"
    assert (outcome.code, outcome.out, outcome.err) == (1, "", told)


def test_explain__own_folder__who_voted_is_paid_once_it_is_settled(open_dispute):
    trial = open_dispute(reward_wei_per_second=RATE)
    assert fund(trial, "2.5").code == 0
    case = trial.court.agree(1)
    trial.own(0, "a")
    trial.own(3, "d")
    here, folder = trial.consortium.here, trial.consortium.folder

    def explain(name, *more):
        return here("peer", "explain", folder(name), *more)

    # Nothing is in the folder yet: what the chain says, and what is missing.
    alone = explain("a", "1")
    assert alone.code == 1
    assert alone.err.startswith("holdfast: blob 0x")
    for name in "ad":
        trial.keep(case, Path(folder(name)) / "blobs")
    assert "not yet: a share of " in alone.out
    assert "can be claimed once this height is settled, from 20" in alone.out
    trial.wait(SETTLES)
    assert "can be claimed (holdfast peer claim)" in explain("a", "1").out
    password = ("--password-file", str(trial.consortium.password))
    assert here("peer", "claim", folder("a"), *password).code == 0
    (paid,) = [line for line in explain("a", "1").out.splitlines() if line.startswith("paid")]
    assert paid.split()[1:4] == ["a", "share", "of"]
    # Seat 3 has not voted, and the head still takes its vote.
    told = explain("d", "1").out
    assert "once it approves the result" in told
    assert "voted          for nothing" in told
    other = explain("a", "1", "--seat", "3").out
    assert other.splitlines()[0] == told.splitlines()[0]


def test_read_preparation__a_silent_seat__says_how_far_its_own_folder_had_come(tmp_path):
    parent, number = Key(b"\x01" * 32), RoundId(4)
    told = Explanation(number, Seat(0), Outcome.AGREED, Fate.SILENT, parent=parent)
    assert _read_preparation(tmp_path, told) == ("this folder has no journal",)
    with Journal(tmp_path / JOURNAL) as journal:
        (words,) = _read_preparation(tmp_path, told)
        assert words == "its journal has no update for it: it was not trained here on that model"
        (tmp_path / "learner.traceback").write_text("it raised\n")
        assert _read_preparation(tmp_path, told)[1].startswith("its learner failed last at 20")
        journal.record_trained(parent, number, Trained(Root(b"\x02" * 32), 10, 1))
        (words,) = _read_preparation(tmp_path, told)
        assert (
            words == "its journal has it trained: it was ready too late, or nothing could be sent"
        )
        # On another result of the same round.
        journal.record_intention("attest_and_commit", number, b"\x03" * 32)
        assert _read_preparation(tmp_path, told) == (words,)
        still = replace(told, outcome=Outcome.OPEN)
        assert _read_preparation(tmp_path, still) == ("its journal has it trained so far",)
        journal.record_intention("commit", number, b"\x02" * 32)
        (words,) = _read_preparation(tmp_path, told)
        said = "its journal has it trained and about to be sent: it "
        assert words == said + "did not reach the chain in time"
        assert _read_preparation(tmp_path, still) == (said + "is not on the chain yet",)
    assert _read_preparation(tmp_path, replace(told, fate=Fate.LEFT_OUT)) == ()
