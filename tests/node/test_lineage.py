"""Where the head of a training stands, as what a peer remembers has to follow it."""

import pytest
from peers_lab import InlineTrainer, PeersLab

from chain.ledger import Ledger
from chain.types import Agreed, Logged, Position
from node.learning.memory import Line
from node.lineage import BELOW, find_line

GENESIS = b"genesis"


def agree(*keys):
    """Return the ledger of a federation that has agreed on these results, in this order."""
    ledger = Ledger(GENESIS)
    for height, key in enumerate(keys, 1):
        # Rounds lapse between.
        ledger.apply(Logged(Agreed(3 * height, key, height, 0), Position(height, 0, 0), 0))
    return ledger


def trained_on(*keys):
    return keys.__contains__


@pytest.mark.parametrize(
    ("agreed", "key", "below"),
    [
        ((), GENESIS, ()),
        ((), b"result", ((GENESIS, 1),)),
        ((b"1", b"2"), b"2", ((b"1", 1), (GENESIS, 2))),
        ((b"1", b"2"), b"result", ((b"2", 1), (b"1", 2), (GENESIS, 3))),
    ],
)
def test_find_line__the_head_or_a_result_on_it__has_what_was_agreed_before_below(
    agreed, key, below
):
    assert find_line(agree(*agreed), key, lambda head: True) == Line(key, below)


def test_find_line__heads_missed_but_the_one_before__are_left_out_and_counted():
    ledger = agree(b"1", b"2", b"3", b"4", b"5")
    found = find_line(ledger, b"5", trained_on(b"1", b"3", b"not agreed"))
    assert found == Line(b"5", ((b"4", 1), (b"3", 2), (b"1", 4)))


def test_find_line__many_heads__names_the_nearest():
    keys = [b"%d" % number for number in range(9)]
    found = find_line(agree(*keys), b"8", lambda head: True)
    assert found.below == tuple((b"%d" % (8 - back), back) for back in range(1, BELOW + 1))


def test_find_line__absent_for_ever__looks_no_further_than_it_may(monkeypatch):
    monkeypatch.setattr("node.lineage.LOOKED_AT", 3)
    asked = []
    keys = [b"%d" % number for number in range(9)]
    found = find_line(agree(*keys), b"8", lambda head: asked.append(head) or head == b"2")
    assert found == Line(b"8", ((b"7", 1),))
    assert asked == [b"6", b"5"]


class Recorder(InlineTrainer):
    """Keeps every job."""

    def __init__(self, parameters, jobs):
        super().__init__(parameters)
        self.jobs = jobs

    def start(self, seat, parent, job):
        self.jobs.append((parent, job))
        super().start(seat, parent, job)


def test_peer__each_training_also_ahead_and_after_a_restart__is_told_where_its_head_stands(
    tmp_path,
):
    jobs = []
    with PeersLab(directory=tmp_path) as lab:
        for rounds in (1, 3):
            lab.peers[1] = lab.start(1, trainer=Recorder(lab.parameters, jobs))
            ledger = lab.play(rounds)
        keys = [ledger.genesis, *(logged.event.key for logged in ledger.agreed)]
    assert len({job.round_id for _, job in jobs}) >= 3
    for parent, job in jobs:
        place = keys.index(parent)
        below = tuple((keys[place - back], back) for back in range(1, min(place, BELOW) + 1))
        assert job.line == Line(parent, below)
