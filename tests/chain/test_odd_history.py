"""What a hostile seat writes, and what a node leaves out or loses: nobody stops for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from federation_lab import Lab

from chain.errors import HistoryFailed, Refused, Unreachable
from chain.history import History
from chain.observer import Observer
from chain.rpc import get_block
from chain.types import EndpointSet, Joined, Logged


@pytest.fixture
def joined(lab: Lab) -> Lab:
    for seat in range(3):
        lab.join(seat)
    return lab


def observe(lab: Lab, kept: History | None = None) -> Observer:
    return Observer(lab.federation, created_at=lab.created_at, kept=kept)


@pytest.mark.parametrize(
    "text", [b"\xff\xfe\x00\x80", b"\xed\xa0\x80!", b"http://x/[/red]\n\x1b[2J"]
)
def test_poll__a_seat_registers_any_bytes__are_read_and_the_rest_too(
    joined: Lab, text: bytes
) -> None:
    call = joined.federation.call("set_endpoint", 1, "?" * len(text))
    joined.send(replace(call, data=call.data.replace(b"?" * len(text), text)), 1)
    joined.act("set_endpoint", 2, "after", by=2)
    observer = observe(joined)
    told = [e.event for e in observer.poll() if isinstance(e.event, EndpointSet)]
    assert [(e.seat, e.endpoint) for e in told] == [
        (1, text.decode(errors="replace")),
        (2, "after"),
    ]


def test_poll__the_last_question_fails__what_was_read_is_told_by_the_next(
    joined: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    observer = observe(joined)
    real, calls = observer._watcher.poll, []

    def flaky() -> Any:
        calls.append(None)
        if len(calls) == 2:
            raise Unreachable("a node", "one lost answer")
        return real()

    monkeypatch.setattr(observer._watcher, "poll", flaky)
    with pytest.raises(Unreachable):
        observer.poll()
    assert observer.poll() == tuple(joined.events())
    assert observer.poll() == ()


def test_poll__a_node_leaves_an_event_out__is_asked_again_and_nothing_wrong_is_kept(
    joined: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined.act("leave", 1, by=1)
    true = joined.federation.get_events_of

    def without_joinings(block: Any) -> list[Logged]:
        return [logged for logged in true(block) if not isinstance(logged.event, Joined)]

    with History(tmp_path / "history.db") as kept:
        block = get_block(joined.web3, joined.created_at)
        assert block is not None
        kept.begin("it", block)
        observer = observe(joined, kept)
        monkeypatch.setattr(joined.federation, "get_events_of", without_joinings)
        for _ in range(2):
            with pytest.raises(Refused, match="that do not fit"):
                observer.poll()
        monkeypatch.setattr(joined.federation, "get_events_of", true)
        assert observer.poll() == tuple(joined.events())
        assert observe(joined, kept).history == tuple(joined.events())


def test_open__kept_events_that_do_not_follow__say_that_the_file_may_go(
    joined: Lab, tmp_path: Path
) -> None:
    events = tuple(joined.events())
    joined.act("leave", 1, by=1)
    last = joined.events()[-1]
    with History(tmp_path / "history.db") as kept:
        block = get_block(joined.web3, last.at.block)
        assert block is not None
        kept.record(0, (events[0], last), (block,))
        with pytest.raises(HistoryFailed, match="the file may be removed"):
            observe(joined, kept)
