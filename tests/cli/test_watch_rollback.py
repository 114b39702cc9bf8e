"""A chain that is reorganised while it is watched."""

import json

import pytest

from chain import observer
from chain.types import Block
from chain.watcher import Batch, Watcher

KEEP = 6


class Reorganised(Watcher):
    """Tells the true history; then that what came after block KEEP came a block later."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self._polls = 0

    def poll(self):
        self._polls += 1
        if self._polls == 1:
            self._true = super().poll()
            return self._true
        if self._polls == 3:
            events = tuple(e for e in self._true.events if e.at.block > KEEP)
            number = self._true.blocks[-1].number + 1
            return Batch(KEEP, events, (Block(number, b"other", b"", 0),))
        return None


@pytest.fixture
def _reorganised(monkeypatch):
    monkeypatch.setattr(observer, "Watcher", Reorganised)
    monkeypatch.setattr("cli.watch.POLL_SECONDS", 0)


@pytest.mark.usefixtures("_reorganised")
def test_watch__a_rollback__is_told_before_what_replaces_it(holdfast, kept):
    watch = ("watch", "--dir", str(kept), "--json")
    before = holdfast(*watch, "--once").lines
    last = before[-1]["block"]
    lines = holdfast(*watch, "--until-block", str(last + 1)).lines
    at = lines.index({"event": "rolled_back", "keep": KEEP})
    assert lines[:at] == before
    assert lines[at + 1 :] == [line for line in before if line["block"] > KEEP]


@pytest.mark.usefixtures("_reorganised")
def test_watch__a_rollback__is_a_line_for_people(holdfast, kept):
    watch = ("watch", "--dir", str(kept))
    last = json.loads(holdfast(*watch, "--json", "--once").out.splitlines()[-1])["block"]
    lines = holdfast(*watch, "--until-block", str(last + 1)).out.splitlines()
    assert sum("rolled back" in line for line in lines) == 1
