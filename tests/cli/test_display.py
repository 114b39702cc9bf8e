"""What is shown of a run that takes its time, or has no accuracy."""

from cli.display import LiveTable, PlainLines, print_summary
from localnet.report import Progress, RoundEnded, Summary

TRAINING = Progress(3, "commit", 0, 0, 0, 12.0, training="1 of 5 trained: epoch [2] of 9")
ENDED = RoundEnded(3, True, b"\x01" * 32, 5, 5, 10_000, 1.5, 7, None, 0.25)


def test_plain_lines__a_training_takes_long__is_told_now_and_then(capsys, monkeypatch):
    lines = PlainLines()
    lines.show(TRAINING)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("cli.display.TRAINING_SECONDS", 0)
    lines.show(TRAINING)
    assert capsys.readouterr().out == "round    3  1 of 5 trained: epoch [2] of 9\n"


def test_plain_lines__no_accuracy__says_so(capsys):
    PlainLines().show(ENDED)
    assert "accuracy none  loss 0.250" in capsys.readouterr().out


def test_live_table__what_a_learner_said__is_shown_as_it_is():
    with LiveTable() as table:
        table.show(TRAINING)
        # Brackets are no markup there.
        assert table._draw().caption == r"1 of 5 trained: epoch \[2] of 9" or (
            table._draw().caption == "1 of 5 trained: epoch [2] of 9"
        )


def test_print_summary__no_accuracy__tells_the_loss_alone(capsys):
    print_summary(Summary(1, 1, None, 0.25, b"\x01" * 32, 2.0, 1.0, 1.0, None, False))
    assert "agreed 1 of 1 rounds, loss 0.250" in capsys.readouterr().out
