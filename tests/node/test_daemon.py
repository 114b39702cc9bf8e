"""A daemon's own decisions, on a real chain, with its waiting taken out."""

import logging
from dataclasses import replace

import pytest
from peers_lab import PeersLab

from chain.types import Attested, Committed, Joined
from localnet.byzantine import KINDS
from localnet.exchange import OUTSIDE
from node.daemon.daemon import Daemon
from node.daemon.shelves import Shelves
from node.daemon.tallies import Tallies
from node.daemon.waiting import Waiting
from node.errors import KeyUsedElsewhere, PeerRefused
from node.round import Phase
from node.timestamp import write_time

SEAT = 2
STRANGER = "0x" + "77" * 20


class Stepped(Daemon):
    """Looks at the chain once in each `run`."""

    looks = 0

    def _wait(self, until):
        self.looks += 1


def look(daemon):
    wanted = daemon.looks + 1
    daemon.run(lambda: daemon.looks == wanted)


def open_daemon(lab):
    peer = lab.peers[SEAT]
    journal = lab.lives[SEAT].opened
    return Stepped(lab.contract, peer, journal, Shelves(), list, None, Tallies(), clock=lab.clock)


def test_run__its_seat_is_somebody_elses_by_now__stops_and_says_so():
    with PeersLab() as lab:
        daemon, seats = open_daemon(lab), lab.observer.ledger.seats
        look(daemon)
        owner = seats[SEAT].owner
        seats[SEAT] = replace(seats[SEAT], owner=STRANGER)
        with pytest.raises(PeerRefused) as refused:
            look(daemon)
        assert str(refused.value) == (
            f"seat {SEAT}: expected still that of {owner}, "
            f"got that of {STRANGER}, and [] for this key; start again"
        )


def test_run__its_key_has_another_seat_by_now__stops_and_names_it():
    """A re-org took back the joining, and others joined before it came again."""
    with PeersLab() as lab:
        daemon, seats = open_daemon(lab), lab.observer.ledger.seats
        seats[7] = seats.pop(SEAT)
        with pytest.raises(PeerRefused, match=r"got that of None, and \[7\] for this key"):
            look(daemon)


def test_run__its_seat_is_not_there__waits_for_it():
    with PeersLab() as lab:
        daemon, seats = open_daemon(lab), lab.observer.ledger.seats
        del seats[SEAT]
        look(daemon)
        assert daemon.looks == 1


def test_open__the_seat_had_another_owner_who_voted__is_no_concern_of_the_new_one():
    with PeersLab() as lab:
        lab.play(1)
        old = lab.observer.history
        assert any(isinstance(e.event, Attested) and e.event.seat == SEAT for e in old)
        joined = next(e for e in old if isinstance(e.event, Joined) and e.event.seat == SEAT)
        lab.peers[SEAT] = lab.start(SEAT)
        with pytest.raises(KeyUsedElsewhere):
            open_daemon(lab)
        lab.observer._history.append(joined)
        look(open_daemon(lab))


def test_run__a_watchtower_over_a_lie__refutes_it_without_a_seat(caplog):
    with PeersLab(kinds={seat: KINDS["lie"](None) for seat in range(4)}) as lab:
        lab.raise_watchtower()
        journal = lab.lives[-1].opened
        tower = lab.peers[OUTSIDE]
        shelves, tallies = Shelves(), Tallies()
        with caplog.at_level(logging.INFO, "holdfast"):
            daemon = Stepped(
                lab.contract, tower, journal, shelves, list, None, tallies, clock=lab.clock
            )
            del lab.peers[OUTSIDE]
            lab.play(1)
            look(daemon)
        lines = [record.getMessage() for record in caplog.records]
        assert "seat=none act=ready round=2 height=1" in lines
        assert "seat=none round=2 act=refute" in lines
        assert (tallies.commits, tallies.votes) == (0, 0)


def test_end_after__one_more_round__ends_when_its_head_was_judged_and_commits_no_more(caplog):
    with PeersLab() as lab, caplog.at_level(logging.INFO, "holdfast.daemon"):
        lab.play(1)
        daemon, judged = open_daemon(lab), []
        daemon.has_judged = lambda last, is_patient: bool(judged)
        current = lab.observer.ledger.round
        last = current.number if current.commit_ends_at else current.number + 1
        daemon.end_after(1)
        assert lab.peers[SEAT].last_round == last
        look(daemon)
        lab.play(last + 1)
        look(daemon)
        assert daemon.looks == 2  # Its head was not judged yet.
        judged.append(True)
        daemon.run(lambda: False)
        assert daemon.looks == 2
        assert caplog.messages[0] == (
            f"seat={SEAT} act=ready round={current.number} height=1 last_round={last}"
        )
        assert caplog.messages[-1] == f"seat={SEAT} act=stop last_round={last}"
        events = [logged.event for logged in lab.observer.history]
        committed = {(e.seat, e.round) for e in events if isinstance(e, Committed)}
        assert {(SEAT, last), (0, last + 1)} <= committed
        assert (SEAT, last + 1) not in committed


def test_look__nothing_comes_of_others__says_once_a_phase_for_whom_it_waits(caplog):
    with PeersLab() as lab, caplog.at_level(logging.INFO, "holdfast.rounds"):
        waiting = Waiting(lab.peers[SEAT], lab.contract, lab.clock)
        told = []
        for seconds in (0, 9, 1, 1, 300):
            lab.clock.advance_to(lab.clock() + seconds)
            waiting.look()
            told.append(len(caplog.messages))
        assert told == [0, 0, 1, 1, 2]
        assert set(caplog.messages) == {f"seat={SEAT} act=wait round=1 phase=ready for=0,1,2,3"}
        lab.reach(Phase.ATTEST)
        for seconds in (0, 10):
            lab.clock.advance_to(lab.clock() + seconds)
            waiting.look()
        until = write_time(lab.observer.ledger.round.commit_ends_at + 300)
        words = f"act=wait round=1 phase=attest for=0,1,2,3 until={until}"
        assert caplog.messages[2:] == [f"seat={SEAT} {words}"]
        lab.peers[SEAT].last_round = 0
        lab.clock.advance_to(lab.clock() + 299)
        waiting.look()
        assert len(caplog.messages) == 3
