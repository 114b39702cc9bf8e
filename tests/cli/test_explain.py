"""What became of an update, told by commands: of a kept run, and of a peer's own folder."""

from dataclasses import replace
from pathlib import Path

import pytest
from test_rewards import RATE, SETTLES, fund
from up_lab import make_up

from chain.types import Key, Root, RoundId, Seat
from cli.explain import _read_preparation
from localnet.desk import Desk
from node.explanation import Explanation, Fate, Outcome
from node.journal import Journal, Trained


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
    assert told["claims"].endswith(" steps of training, as its learner says")
    assert told["note"].startswith("a contribution is how much nearer an update brought the model")
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
    # No share of nothing, which would look like one still to come.
    assert (told["share_wei"], told["share_state"]) == (None, "none")


def test_explain__a_whole_federation__by_any_command_and_kept_in_any_way_is_the_same(
    holdfast, kept_once, up_once
):
    expected = explain_kept(holdfast, kept_once, "1", "--seat", "2", "--json").lines
    for arguments in (
        ("peer", "explain", str(kept_once), "1", "--seat", "2"),
        ("peer", "explain", str(up_once), "1", "--seat", "2"),
        # Whose folder it is says which seat.
        ("peer", "explain", str(up_once / "peers" / "2"), "1"),
        ("federation", "explain", "1", "--dir", str(up_once), "--seat", "2"),
    ):
        outcome = holdfast(*arguments, "--json")
        assert (outcome.code, outcome.err, outcome.lines) == (0, "", expected)


def test_audit__the_folder_of_an_ended_up__every_round_matches(holdfast, up_once):
    outcome = holdfast("audit", "--dir", str(up_once), "--json")
    assert (outcome.code, outcome.summary["rounds"], outcome.summary["finding"]) == (0, 2, None)


@pytest.mark.parametrize("command", ["explain", "diagnose"])
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("{kept}",), 1, "a whole federation: expected --seat N, one of 0 to 3, got none\n"),
        (("{up}", "--seat", "7"), 1, "expected --seat N, one of 0 to 3, got 7\n"),
        (("--dir", "{kept}"), 2, "expected FOLDER without a flag: holdfast peer {command} {kept}"),
        (("{kept}/blobs",), 1, "expected a peer's settings (peer.toml), a kept run (run.json) or "),
    ],
)
def test_peer__a_whole_federation_asked_for_wrongly__the_right_way_is_named(
    holdfast, kept_once, up_once, command, arguments, code, told
):
    named = {"kept": kept_once, "up": up_once, "command": command}
    outcome = holdfast("peer", command, *(word.format(**named) for word in arguments))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
    assert told.format(**named) in outcome.err


def test_explain_federation__the_other_flag__the_right_one_is_named(holdfast, up_once):
    outcome = holdfast("federation", "explain", "--peer", str(up_once), "--seat", "1")
    assert outcome.code == 2
    assert f"holds a whole federation, for --dir {up_once} " in outcome.err
    outcome = explain_kept(holdfast, up_once / "peers" / "1", "--seat", "1")
    assert outcome.code == 1
    assert outcome.err.endswith("got a peer's, for holdfast peer\n")


def test_explain__an_up_whose_anvil_has_ended__is_one_line(holdfast, kept_once, tmp_path):
    make_up(tmp_path / "up", kept_once, anvil="anvil")
    outcome = holdfast("peer", "explain", str(tmp_path / "up"), "--seat", "1")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "expected one that runs, since anvil keeps nothing, got none (" in outcome.err


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
    desk = Desk(tmp_path / "journal.db", tmp_path)
    told = Explanation(number, Seat(0), Outcome.AGREED, Fate.SILENT, parent=parent)
    assert _read_preparation(desk, told) == (f"it has no journal: {desk.journal}",)
    with Journal(desk.journal) as journal:
        (words,) = _read_preparation(desk, told)
        assert words == "its journal has no update for it: it was not trained here on that model"
        (tmp_path / "learner.traceback").write_text("it raised\n")
        assert _read_preparation(desk, told)[1].startswith("its learner failed last at 20")
        still = replace(told, outcome=Outcome.OPEN)
        words, failed = _read_preparation(desk, still)
        assert words == "its journal has no update for it so far"
        assert failed.endswith(f" UTC: {tmp_path / 'learner.traceback'}")
        journal.record_trained(parent, number, Trained(Root(b"\x02" * 32), 10, 1))
        (words,) = _read_preparation(desk, told)
        assert (
            words == "its journal has it trained: it was ready too late, or nothing could be sent"
        )
        # On another result of the same round.
        journal.record_intention("attest_and_commit", number, b"\x03" * 32)
        assert _read_preparation(desk, told) == (words,)
        assert _read_preparation(desk, still) == ("its journal has it trained so far",)
        journal.record_intention("commit", number, b"\x02" * 32)
        (words,) = _read_preparation(desk, told)
        said = "its journal has it trained and about to be sent: it "
        assert words == said + "did not reach the chain in time"
        assert _read_preparation(desk, still) == (said + "is not on the chain yet",)
    assert _read_preparation(desk, replace(told, fate=Fate.LEFT_OUT)) == ()


FRAIL = """
import numpy as np


class Client:
    def __init__(self, context):
        self.seat, self.data = context.node_id, context.data

    def get_parameters(self, config):
        return [np.zeros(30, np.float32)]

    def fit(self, parameters, config):
        if self.seat == 1 and config["round"] == 2:
            raise RuntimeError("the scanner is on fire")
        return [parameters[0] + 0.01 * self.data.x_train.mean(0)], len(self.data.y_train), {}

    def evaluate(self, parameters, config):
        guesses = (self.data.x_test @ parameters[0] > 0).astype(int)
        hits = guesses == self.data.y_test
        return float(1 - hits.mean()), len(hits), {"accuracy": float(hits.mean())}


def client(context):
    return Client(context)
"""


@pytest.mark.slow
def test_explain__a_learner_that_failed_in_a_kept_run__names_the_file_of_its_traceback(
    holdfast, tmp_path
):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "frail.py").write_text(FRAIL)
    code, kept = ("--learner-path", str(tmp_path / "code")), tmp_path / "run"
    usual = ("--peers", "4", "--rounds", "2", "--dataset", "breast_cancer", "--cores", "1")
    run = ("localnet", "run", *usual, "--learner", "frail:client", *code, "--keep", str(kept))
    assert holdfast(*run).code == 0
    traceback = kept / "learners" / "001" / "learner.traceback"
    assert "the scanner is on fire" in traceback.read_text()
    for told in (
        holdfast("peer", "explain", str(kept), "2", "--seat", "1"),
        explain_kept(holdfast, kept, "2", "--seat", "1"),
    ):
        assert told.code == 0
        assert f" UTC: {traceback}\n" in told.out
        assert "paid           nothing: this federation pays no rewards\n" in told.out
    assert "UTC" not in holdfast("peer", "explain", str(kept), "2", "--seat", "2").out
    first = holdfast("peer", "explain", str(kept), "1", "--seat", "1").out
    assert "samples, steps of training not counted, as its learner says" in first
    diagnosis = holdfast("peer", "diagnose", str(kept), "--seat", "1", "--repeats", "1", *code)
    assert (diagnosis.code, diagnosis.err) == (0, "")
    # Where its module is a run does not say.
    lost = holdfast("peer", "diagnose", str(kept), "--seat", "1")
    assert (lost.code, lost.err.count("\n")) == (1, 1)
    assert "learner frail:client: expected a module 'frail' in " in lost.err
