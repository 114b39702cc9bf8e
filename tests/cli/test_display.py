"""A run as it goes, for people."""

from dataclasses import replace

from cli.display import LiveTable, PlainLines
from localnet.report import Progress, RoundEnded

NOW = Progress(round=3, phase="commit", commits=2, votes=0, stake_bps=0, seconds=9.0)
ENDED = RoundEnded(3, True, bytes(32), 4, 4, 10_000, 1.0, 5)


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


def test_live_table__a_round_that_waits__says_for_whom():
    table = LiveTable()
    table._current = NOW
    assert table._draw().caption is None
    table._current = replace(NOW, waits_for=(1, 2))
    assert table._draw().caption == "waits for peers 1, 2"
