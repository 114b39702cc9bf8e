"""Peers retire who does nothing, by themselves, and come back by themselves."""

from peers_lab import PeersLab, exhaust

from chain.rpc import ask
from chain.types import Activated, Committed, Retired, Watched
from localnet.byzantine import Byzantine

ABSENT = 3
QUICK = {"max_missed": 2, "retire_seconds": 60}


def events(lab, kind):
    return [logged.event for logged in lab.observer.history if isinstance(logged.event, kind)]


def test_step__a_seat_is_absent__is_watched_then_retired_and_comes_back_with_its_peer():
    with PeersLab(**QUICK) as lab:
        del lab.peers[ABSENT]
        ledger = lab.play(12)
        assert [e.seat for e in events(lab, Watched)] == [ABSENT]
        assert [e.seat for e in events(lab, Retired)] == [ABSENT]
        assert ledger.seats[ABSENT].is_retired
        assert ABSENT not in ledger.active(ledger.round.number)

        lab.peers[ABSENT] = lab.start(ABSENT)
        ledger = lab.play(15)
        assert [e.seat for e in events(lab, Activated)] == [ABSENT]
        back = [e.round for e in events(lab, Committed) if e.seat == ABSENT]
        assert back
        assert ABSENT in ledger.result(ledger.head().key).seats


def test_step__a_seat_that_is_to_play_no_more_rounds__stays_retired():
    with PeersLab(**QUICK) as lab:
        del lab.peers[ABSENT]
        last = lab.play(12).round.number
        lab.peers[ABSENT] = lab.start(ABSENT)
        lab.peers[ABSENT].last_round = last
        assert lab.play(15).seats[ABSENT].is_retired
        assert events(lab, Activated) == []


def test_step__a_seat_withholds_its_updates__is_retired_by_the_results_and_stays_so():
    with PeersLab(kinds={ABSENT: Byzantine("withhold", is_withholding=True)}, **QUICK) as lab:
        ledger = lab.play(8)
        assert events(lab, Watched) == []
        assert [e.seat for e in events(lab, Retired)] == [ABSENT]
        assert ledger.seats[ABSENT].is_retired
        # Its own peer was there all the time: what was wrong with it is for somebody to look at.
        assert events(lab, Activated) == []


def test_step__all_do_their_part__nobody_is_watched():
    with PeersLab(**QUICK) as lab:
        lab.play(8)
        assert events(lab, Watched) == []


def test_step__too_few_for_agreement__the_absent_are_retired_and_the_rest_goes_on():
    """Absent stake of a third or more makes rounds lapse; retirement gives them back their end."""
    with PeersLab(seats=5, min_updates=2, **QUICK) as lab:
        for seat in (3, 4):
            del lab.peers[seat]
        ledger = lab.play(3)
        assert [e.seat for e in events(lab, Retired)] == [3, 4]
        assert ledger.agreed[0].event.round > 2 * QUICK["max_missed"], "rounds lapsed before"


def test_step__its_return_is_taken_back_by_a_reorg__comes_back_again():
    with PeersLab(**QUICK) as lab:
        del lab.peers[ABSENT]
        lab.play(8)
        moment = ask(lab.web3, "evm_snapshot")
        lab.peers[ABSENT] = lab.start(ABSENT)
        while not events(lab, Activated):
            assert lab.turn()
            lab.observer.poll()
        lab.observer.poll()
        exhaust(lab.peers[ABSENT])
        assert ask(lab.web3, "evm_revert", moment) is True
        lab.mining.mine()
        ledger = lab.play(14)
        assert [e.seat for e in events(lab, Activated)] == [ABSENT]
        assert ABSENT in ledger.result(ledger.head().key).seats
