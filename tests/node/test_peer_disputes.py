"""Peers on a real contract, of which some lie or hide what they have."""

from dataclasses import astuple

import pytest
from peers_lab import ETHER, Fuse, PeersLab

from chain.disputes import Leaves
from chain.types import Agreed, Challenged, Closed, Collected, Refuted, Slashed, Voided
from localnet.byzantine import KINDS
from localnet.exchange import OUTSIDE
from node.audit import Audit
from node.refutation import open_case

HONEST = 0
LIARS = {seat: KINDS["lie"](None) for seat in (1, 2, 3)}
HIDERS = {seat: KINDS["hide"](None) for seat in (1, 2, 3)}


def told(lab, kind):
    lab.observer.poll()
    return [logged.event for logged in lab.observer.history if isinstance(logged.event, kind)]


def play_until(lab, kind, on_crash=None, turns=300):
    """Play until an event of a kind was told, and return it."""
    for _ in range(turns):
        if found := told(lab, kind):
            return found[0]
        assert lab.turn(on_crash), f"nothing happens any more, and no {kind.__name__}"
    raise AssertionError(f"never {kind.__name__}")


def play_out(lab, on_crash=None):
    """Play until nothing can happen any more."""
    for _ in range(400):
        if not lab.turn(on_crash):
            return
    raise AssertionError("it goes on and on")


def stakes(lab):
    return [lab.federation.get_seat(seat).stake_wei for seat in range(4)]


def test_act__two_thirds_lie__the_honest_peer_refutes_and_collects():
    with PeersLab(kinds=LIARS) as lab:
        refuted = play_until(lab, Refuted)
        genesis = lab.observer.ledger.genesis
        assert refuted.refuter == lab.senders[HONEST].address.lower()
        assert told(lab, Voided) == [Voided(1, 1)]
        assert lab.federation.get_head()[:2] == (genesis, 0)
        assert stakes(lab) == [ETHER, 0, 0, 0]
        play_out(lab)
        assert told(lab, Collected) == [
            Collected(refuted.refuter, lab.parameters.challenger_cap_wei)
        ]
        assert [call.function for call in lab.lives[HONEST].sent].count("refute") == 1


def test_act__two_thirds_lie_and_a_watchtower__it_is_first():
    with PeersLab(kinds=LIARS) as lab:
        lab.raise_watchtower()
        assert play_until(lab, Refuted).refuter == lab.senders[-1].address.lower()
        play_out(lab)
        assert len(told(lab, Refuted)) == 1
        assert "refute" not in [call.function for call in lab.lives[HONEST].sent]
        assert stakes(lab) == [ETHER, 0, 0, 0]


def test_act__all_lie__the_watchtower_refutes():
    with PeersLab(kinds={seat: KINDS["lie"](None) for seat in range(4)}) as lab:
        lab.raise_watchtower()
        assert play_until(lab, Slashed).divisor == 1
        assert stakes(lab) == [0, 0, 0, 0]
        play_out(lab)


def test_act__two_thirds_hide__are_challenged_and_void():
    with PeersLab(kinds=HIDERS) as lab:
        lab.raise_watchtower()
        asked = play_until(lab, Challenged)
        assert asked.challenger == lab.senders[-1].address.lower()
        closed = play_until(lab, Closed)
        first = told(lab, Voided)[0]
        assert first == Voided(1, 1)
        assert stakes(lab)[HONEST] == ETHER
        assert sum(stakes(lab)[1:]) == 3 * ETHER * 4 // 5
        assert closed.paid_wei == 2 * asked.bond_wei
        play_out(lab)
        assert len(told(lab, Challenged)) == 1
        assert told(lab, Collected)[0].amount_wei == closed.paid_wei


def test_run__a_lie_that_was_refuted__is_no_finding_of_an_audit_any_more():
    with PeersLab(kinds=LIARS) as lab:
        play_until(lab, Agreed)
        assert "attested model" in str(audit(lab))
        play_until(lab, Refuted)
        assert audit(lab) is None


def audit(lab):
    ledger, federation = lab.observer.ledger, lab.federation
    replay = Audit(ledger.genesis, federation.chain_id, federation.address, lab.store)
    list(replay.run(lab.observer.history))
    return replay.finding


def test_act__a_minority_hides__nothing_is_disputed():
    with PeersLab(kinds={3: KINDS["hide"](None)}) as lab:
        lab.raise_watchtower()
        lab.play(3)
        assert not told(lab, Challenged)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lie", "hide"])
def test_step__killed_before_and_after_every_effect_of_a_dispute__sends_nothing_twice(
    kind, tmp_path
):
    """The same dispute again and again, with one more effect done before the watchtower dies."""
    kinds = {seat: KINDS[kind](None) for seat in (1, 2, 3)}
    seen = {"refute"} if kind == "lie" else {"challenge", "close"}
    for at in range(1, 400):
        fuse, directory = Fuse(at), tmp_path / str(at)
        directory.mkdir()
        with PeersLab(directory=directory, kinds=kinds) as lab:
            lab.raise_watchtower(fuse)
            tower = lab.peers[OUTSIDE]

            def revive(seat, lab=lab):
                assert seat == OUTSIDE
                lab.raise_watchtower()
                return lab.peers[OUTSIDE]

            play_until(lab, Collected, revive)
            sent = [call.function for call in lab.lives[-1].sent]
            assert stakes(lab)[HONEST] == ETHER
            assert len(told(lab, Slashed)) == 1
            assert len(told(lab, Collected)) == 1
            nonce = lab.web3.eth.get_transaction_count(lab.senders[-1].address)
            assert nonce == len(seen) + 1, sent
            if lab.peers[OUTSIDE] is tower:
                assert fuse.touches < at
                return
    raise AssertionError("there is no end to its effects")


def test_act__somebody_asks_for_what_honest_peers_approved__they_answer_once_and_collect():
    with PeersLab() as lab:
        lab.play(1)
        key = lab.observer.ledger.head().key
        case = open_case(lab.observer.ledger, lab.contract.naming, key)
        for which, first, count in ((128, 0, 4), (129, 4, 1), (2, 0, 4)):
            leaves = Leaves(case.result.round, which, first, count)
            ask(lab, case, leaves)
        for _ in range(60):
            lab.turn()
            if sum(event.amount_wei for event in told(lab, Collected)) == 3 * (ETHER // 100):
                break
        else:
            raise AssertionError("not all was answered and collected")
        answers = [call for lives in lab.lives for call in lives.sent if call.function == "answer"]
        assert len(answers) == 3
        assert not lab.observer.ledger.disputes.waiting


def ask(lab, case, leaves):
    call = lab.federation.call(
        "challenge", astuple(case.record), *leaves.words, value_wei=ETHER // 100
    )
    lab.senders[-1].submit(call)
    lab.mining.mine()
