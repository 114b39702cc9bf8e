"""A run as it goes, for people: whom it waits for, how far its learners are, what came of it."""

from dataclasses import replace

from cli.display import LiveTable, PlainLines, print_summary
from localnet.report import Progress, RoundEnded, Summary

NOW = Progress(round=3, phase="commit", commits=2, votes=0, stake_bps=0, seconds=9.0)
TRAINING = replace(NOW, training="1 of 5 trained: epoch [2] of 9")
ENDED = RoundEnded(3, True, bytes(32), 4, 4, 10_000, 1.0, 5)
UNJUDGED = ENDED.judged(None, 0.25)


def test_plain_lines__a_round_that_waits__says_once_for_whom(capsys):
    with PlainLines() as display:
        for waits_for in ((), (1, 2), (1, 2), (2,), (), (2,)):
            display.show(replace(NOW, waits_for=waits_for))
        display.show(ENDED)
        display.show(replace(NOW, round=4, phase="attest", waits_for=(2,)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "round    3  commit  waits for peers 1, 2",
        "round    3  commit  waits for peer 2",
        "round    3  commit  waits for peer 2",
    ]
    assert lines[3].startswith("round    3  agreed  commits 4")
    assert lines[4:] == ["round    4  attest  waits for peer 2"]


def test_plain_lines__a_training_takes_long__is_told_now_and_then(capsys, monkeypatch):
    lines = PlainLines()
    lines.show(TRAINING)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("cli.display.TRAINING_SECONDS", 0)
    lines.show(TRAINING)
    assert capsys.readouterr().out == "round    3  1 of 5 trained: epoch [2] of 9\n"


def test_plain_lines__no_accuracy__says_so(capsys):
    PlainLines().show(UNJUDGED)
    assert "accuracy none  loss 0.250" in capsys.readouterr().out


def test_live_table__a_round_that_waits__says_for_whom():
    table = LiveTable()
    table._current = NOW
    assert table._draw().caption is None
    table._current = replace(NOW, waits_for=(1, 2))
    assert table._draw().caption == "waits for peers 1, 2"


def test_live_table__what_a_learner_said__is_shown_as_it_is():
    with LiveTable() as table:
        table.show(TRAINING)
        # Brackets are no markup there.
        assert table._draw().caption == r"1 of 5 trained: epoch \[2] of 9" or (
            table._draw().caption == "1 of 5 trained: epoch [2] of 9"
        )


def test_live_table__it_waits_while_others_train__says_both():
    table = LiveTable()
    table._current = replace(NOW, waits_for=(2,), training="1 of 5 trained")
    assert table._draw().caption == "waits for peer 2\n1 of 5 trained"


def test_print_summary__no_accuracy__tells_the_loss_alone(capsys):
    print_summary(Summary(1, 1, None, 0.25, b"\x01" * 32, 2.0, 1.0, 1.0, None, False))
    assert "agreed 1 of 1 rounds, loss 0.250" in capsys.readouterr().out


def test_print_summary__accuracy_by_class__the_worst_come_first(capsys):
    by_class = {f"c{number}": 1 - number / 20 for number in range(13)}
    usual = (1, 1, 0.7, 0.25, b"\x01" * 32, 2.0, 1.0, 1.0, None, False)
    print_summary(Summary(*usual, accuracy_by_class=by_class))
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("class ")]
    assert line.startswith("class  mean 0.700: c12 0.400, c11 0.450, ")
    assert line.endswith("c3 0.850 and 3 that do better")
