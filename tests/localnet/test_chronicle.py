"""When a round has ended, and what is told of it; events are made up, time is set."""

import pytest

from chain.ledger import Ledger
from chain.types import (
    Agreed,
    Attested,
    Committed,
    Created,
    Joined,
    Logged,
    Opened,
    Parameters,
    Position,
    Proposed,
)
from localnet.chronicle import Chronicle, leading_vote
from node.round import Phase
from node.view import find_missing

GENESIS, KEY, ROOT = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
PARAMETERS = Parameters(
    10,
    b"\x04" * 32,
    2,
    14,
    20,
    0,
    0,
    0,
    0,
    0,
    2,
    10,
    8,
    600,
    30,
    300,
    3600,
    900,
    3600,
    10,
    bytes(32),
    0,
    1024,
    10**16,
    10**17,
    0,
)
ENDS = 1600


class Judgement:
    """An answer that comes when told."""

    def __init__(self):
        self.is_done = False

    def result(self):
        return 0.5, 100, {"accuracy": 0.75}


class Scene:
    """A ledger of three seats with 10 wei each, a clock, and the chronicle of both."""

    def __init__(self):
        self.ledger = Ledger(GENESIS)
        self.now = 1000
        self.judgements = []
        self.count = 0
        self.add(Created(b"", PARAMETERS), *(Joined(s, "0x0", 10, 1, "x") for s in range(3)))
        self.chronicle = Chronicle(lambda: self.ledger, self.judge, lambda: 2.0, lambda: self.now)
        self.chronicle.start()

    def add(self, *events):
        for event in events:
            self.count += 1
            self.ledger.apply(Logged(event, Position(self.count, 0, bytes(32)), self.now))

    def judge(self, model_root):
        self.judgements.append(Judgement())
        return self.judgements[-1]

    def open(self, number, parent, seats):
        self.add(Opened(number, parent, 30, 3, ENDS))
        self.add(*(Committed(number, seat, parent, ROOT, 1, 1) for seat in range(seats)))

    def agree(self, number, parent):
        self.add(Proposed(number, KEY, 0, parent, b"", 0b11, 0b11, ROOT, b""))
        self.add(Attested(KEY, 0), Attested(KEY, 2), Agreed(number, KEY, 1, 0))

    def ended(self):
        self.chronicle.note()
        for judgement in self.judgements:
            judgement.is_done = True
        return list(self.chronicle.take())


def test_note__nothing_open__tells_nothing():
    scene = Scene()
    assert scene.ended() == []
    assert scene.chronicle.rounds_ended == 0


@pytest.mark.parametrize(("seats", "end"), [(1, ENDS), (2, ENDS + 300)])
def test_note__both_sides_of_the_deadline__has_lapsed_at_it(seats, end):
    """Too few commitments end a round with its commitments; else the votes have their time."""
    scene = Scene()
    scene.open(1, GENESIS, seats)
    scene.now = end - 1
    assert scene.ended() == []
    scene.now = end
    (report,) = scene.ended()
    assert (report.round, report.is_agreed, report.commits, report.votes) == (1, False, seats, 0)
    assert report.model_root == PARAMETERS.genesis


def test_note__agreed__tells_votes_stake_and_the_judgement_of_its_head():
    scene = Scene()
    scene.open(1, GENESIS, 2)
    scene.agree(1, GENESIS)
    scene.chronicle.add_gas(700)
    (report,) = scene.ended()
    assert (report.is_agreed, report.model_root, report.votes) == (True, ROOT, 2)
    assert (report.stake_bps, report.gas) == (6666, 700)
    assert (report.accuracy, report.loss) == (0.75, 0.5)
    assert leading_vote(scene.ledger, 1) == (2, 6666)


def test_take__judgement_to_come__holds_the_report_back():
    scene = Scene()
    scene.open(1, GENESIS, 2)
    scene.agree(1, GENESIS)
    scene.chronicle.note()
    assert list(scene.chronicle.take()) == []
    assert len(scene.chronicle.pending()) == 2
    scene.judgements[-1].is_done = True
    assert [report.round for report in scene.chronicle.take()] == [1]


def test_note__several_at_once__are_told_in_order():
    scene = Scene()
    scene.open(1, GENESIS, 1)
    scene.now = ENDS
    scene.add(Opened(2, GENESIS, 30, 3, ENDS + 600))
    scene.add(*(Committed(2, seat, GENESIS, ROOT, 1, 1) for seat in range(2)))
    scene.agree(2, GENESIS)
    assert [(r.round, r.is_agreed) for r in scene.ended()] == [(1, False), (2, True)]


def test_chronicle__of_a_run_resumed__does_not_tell_its_past_again():
    scene = Scene()
    scene.open(1, GENESIS, 2)
    scene.agree(1, GENESIS)
    later = Chronicle(lambda: scene.ledger, scene.judge, lambda: 0.0, lambda: scene.now)
    assert later.rounds_ended == 1
    later.note()
    assert list(later.take()) == []


def test_find_missing__each_phase__who_could_do_its_part_and_has_not():
    scene = Scene()
    assert find_missing(scene.ledger, Phase.READY) == (0, 1, 2)
    scene.open(1, GENESIS, 2)
    assert find_missing(scene.ledger, Phase.COMMIT) == (2,)
    assert find_missing(scene.ledger, Phase.ATTEST) == (0, 1, 2)
    scene.add(Proposed(1, KEY, 0, GENESIS, b"", 0b11, 0b11, ROOT, b""), Attested(KEY, 0))
    assert find_missing(scene.ledger, Phase.ATTEST) == (1, 2)
    # The next round's updates come with the votes.
    scene.add(Committed(2, 0, KEY, ROOT, 1, 1), Attested(KEY, 2), Agreed(1, KEY, 1, 0))
    assert find_missing(scene.ledger, Phase.READY) == (1, 2)
