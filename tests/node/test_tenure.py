"""Where a seat stands: what it says may be done is what the contract lets its owner do."""

import pytest
from peers_lab import PeersLab

from chain.errors import Reverted
from node.tenure import Stage, judge_tenure
from node.view import build_view

SEAT = 3


class Owner:
    """The owner of a seat of a lab, whose peer is not there."""

    def __init__(self, lab):
        self._lab = lab
        del lab.peers[SEAT]

    def judge(self):
        ledger = self._lab.observer.ledger
        now = max(self._lab.clock(), self._lab.observer.block.timestamp)
        return judge_tenure(ledger, build_view(ledger, SEAT), SEAT, now)

    def do(self, function):
        self._lab.mining.release()
        self._lab.senders[SEAT].send(self._lab.federation.call(function, SEAT))
        self._lab.mining.hold()
        self._lab.observer.poll()

    def refuse(self, function, reason):
        with pytest.raises(Reverted) as caught:
            self.do(function)
        self._lab.mining.hold()
        assert caught.value.got == reason

    def wait_until(self, at):
        self._lab.clock.advance_to(at)
        self._lab.mining.mine()
        self._lab.observer.poll()


def test_judge_tenure__from_joining_to_the_stake_back__is_what_the_contract_permits():
    with PeersLab() as lab:
        owner = Owner(lab)
        assert owner.judge().stage is Stage.JOINING
        lab.play(1)
        assert (owner.judge().stage, owner.judge().next) == (Stage.COUNTS, None)
        owner.do("leave")
        last = lab.observer.ledger.seats[SEAT].until - 1
        tenure = owner.judge()
        assert tenure.stage is Stage.LEAVING
        assert tenure.next == f"withdraw begins the unbonding once round {last} is decided"
        owner.refuse("withdraw", "seats: a round may still count the seat")
        while owner.judge().next != "withdraw begins the unbonding":
            assert lab.turn()
            lab.observer.poll()
        owner.do("withdraw")
        free_at = lab.observer.ledger.seats[SEAT].free_at
        tenure = owner.judge()
        assert tenure.stage is Stage.UNBONDING
        assert tenure.next.startswith("withdraw pays the stake back from 20")
        owner.refuse("withdraw", "seats: still unbonding")
        owner.wait_until(free_at)
        tenure = owner.judge()
        assert (tenure.stage, tenure.next) == (Stage.FREE, "withdraw pays the stake back")
        owner.do("withdraw")
        assert SEAT not in lab.observer.ledger.seats


def test_judge_tenure__left_before_it_counted__may_withdraw_at_once():
    with PeersLab() as lab:
        owner = Owner(lab)
        owner.do("leave")
        assert owner.judge().next == "withdraw begins the unbonding"
        owner.do("withdraw")
        assert owner.judge().stage is Stage.UNBONDING


def test_judge_tenure__silent__is_watched_and_retired_and_may_come_back():
    with PeersLab(max_missed=2, retire_seconds=60) as lab:
        owner = Owner(lab)
        stages = []
        for rounds in range(1, 9):
            lab.play(rounds)
            if owner.judge().stage not in stages:
                stages.append(owner.judge().stage)
        assert stages == [Stage.COUNTS, Stage.WATCHED, Stage.RETIRED]
        assert owner.judge().next.startswith("activate lets it count again; withdraw begins")
        owner.do("activate")
        assert owner.judge().stage is Stage.JOINING
