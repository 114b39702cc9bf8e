"""Runs in which seats together lie or hide: what was agreed is void, and nobody asked for it."""

import pytest
from runs_lab import run, small

from chain.types import Agreed, Challenged, Refuted, Slashed, Voided
from localnet.network import Localnet
from localnet.scenario import ETHER


def play(scenario):
    """Return what was told on the chain, the stakes that are left, and the summary."""
    with Localnet(scenario, cores=1) as net:
        for _ in net.run():
            pass
        told = [(logged.at.block, logged.event) for logged in net.setting.observer.history]
        stakes = [
            net.setting.contract.federation.get_seat(seat).stake_wei
            for seat in range(scenario.peers)
        ]
        return told, stakes, net.summary()


def of(told, kind):
    return [(block, event) for block, event in told if isinstance(event, kind)]


def test_run__nine_of_ten_lie_and_a_watchtower__one_transaction_and_their_stake_is_gone():
    told, stakes, summary = play(small(peers=10, byzantine=("9:lie",), watchtower=True))
    ((agreed_in, _),) = of(told, Agreed)
    ((refuted_in, refuted),) = of(told, Refuted)
    # The block in between was made before anybody looked.
    assert refuted_in <= agreed_in + 2
    assert refuted.round == 1
    assert stakes == [ETHER] + [0] * 9
    assert (summary.refuted, summary.voided, summary.slashed_wei) == (1, 1, 9 * ETHER)
    assert (summary.agreed, summary.is_idle) == (0, True)


def test_run__nine_of_ten_lie_and_nobody_looks_on__the_tenth_refutes():
    _, stakes, summary = play(small(peers=10, byzantine=("9:lie",)))
    assert (summary.refuted, summary.agreed) == (1, 0)
    assert stakes == [ETHER] + [0] * 9


def test_run__nine_of_ten_hide_and_a_watchtower__challenged_unanswered_void():
    told, stakes, summary = play(small(peers=10, byzantine=("9:hide",), watchtower=True))
    ((asked_in, _),) = of(told, Challenged)
    ((void_in, void),) = of(told, Voided)
    assert asked_in < void_in
    assert void == Voided(1, 1)
    assert of(told, Slashed)[0][1].divisor == 5
    assert stakes == [ETHER] + [ETHER * 4 // 5] * 9
    assert (summary.refuted, summary.agreed) == (0, 0)
    assert summary.voided >= 1


@pytest.mark.parametrize("kind", ["lie", "hide"])
def test_run__a_minority_that_lies_or_hides__harms_nobody(kind):
    told, stakes, summary = play(small(byzantine=(f"1:{kind}",), watchtower=True))
    assert (summary.agreed, summary.voided, summary.slashed_wei) == (3, 0, 0)
    assert stakes == [ETHER] * 5
    assert not of(told, Challenged)


def test_run__a_watchtower_and_nothing_to_do__changes_nothing():
    ended, summary = run(small())
    watched, same = run(small(watchtower=True))
    assert [each.model_root for each in watched] == [each.model_root for each in ended]
    assert [each.gas for each in watched] == [each.gas for each in ended]
    assert same.head == summary.head
