"""What becomes of a peer's transaction is not what becomes of the peer."""

import pytest
from peers_lab import Crash, Fuse, Fused, PeersLab, exhaust
from web3.exceptions import ContractLogicError

from chain.errors import Malformed
from chain.pending import decode_pending
from chain.rpc import ask
from chain.types import Committed
from node.round import Phase

LATE = 2


def commitments(lab, seat):
    events = [logged.event for logged in lab.observer.history]
    return [(e.round, e.root) for e in events if isinstance(e, Committed) and e.seat == seat]


def send_and_drop(lab, seat):
    """Let everybody act, `seat` last, and let the node lose what that one sent; return it."""
    lab.observer.poll()
    for other in lab.peers:
        if other != seat:
            exhaust(lab.peers[other])
    moment = ask(lab.web3, "evm_snapshot")
    exhaust(lab.peers[seat])
    assert lab.peers[seat].is_sending
    sent = decode_pending(lab.lives[seat].opened.find_sending())
    assert ask(lab.web3, "evm_revert", moment) is True
    assert ask(lab.web3, "eth_getTransactionByHash", "0x" + sent.transaction.hex()) is None
    lab.mining.mine()
    return sent


def test_step__its_commitment_is_dropped__sends_it_again_and_counts(tmp_path):
    with PeersLab(4, tmp_path) as lab:
        sent = send_and_drop(lab, LATE)
        ledger = lab.play(2)
        assert ask(lab.web3, "eth_getTransactionReceipt", "0x" + sent.transaction.hex())
        assert [number for number, _ in commitments(lab, LATE)][:2] == [1, 2]
        assert [logged.event.round for logged in ledger.agreed] == [1, 2]
        # One act, one transaction: it was not decided a second time.
        acts = [act for act, number, _ in lab.lives[LATE].opened.intentions() if number == 1]
        assert acts.count("commit") == 1


def test_step__dropped_until_its_round_is_over__decides_anew(tmp_path):
    """A simulation refuses what was dropped and is overtaken: nothing is sent, nobody is stuck."""
    with PeersLab(4, tmp_path) as lab:
        lab.senders[LATE]._is_gas_free = False
        send_and_drop(lab, LATE)
        late = lab.peers.pop(LATE)
        lab.play(1)
        lab.peers[LATE] = late
        lab.play(3)
        rounds = [number for number, _ in commitments(lab, LATE)]
        assert 1 not in rounds
        assert 3 in rounds


def test_step__another_transaction_has_its_nonce__decides_anew(tmp_path):
    with PeersLab(4, tmp_path) as lab:
        lab.observer.poll()
        for seat in (0, 1, 3):
            exhaust(lab.peers[seat])
        moment = ask(lab.web3, "evm_snapshot")
        exhaust(lab.peers[LATE])
        assert ask(lab.web3, "evm_revert", moment) is True
        # The owner's own hand, meanwhile.
        lab.senders[LATE].submit(lab.federation.call("set_endpoint", LATE, "elsewhere"))
        lab.mining.mine()
        ledger = lab.play(2)
        assert commitments(lab, LATE)[0][0] == 1
        assert [logged.event.round for logged in ledger.agreed] == [1, 2]


def test_step__a_reorg_takes_its_mined_commitment_away__commits_again(tmp_path):
    with PeersLab(4, tmp_path) as lab:
        lab.observer.poll()
        for seat in (0, 1, 3):
            exhaust(lab.peers[seat])
        moment = ask(lab.web3, "evm_snapshot")
        exhaust(lab.peers[LATE])
        lab.mining.mine()
        lab.observer.poll()
        exhaust(lab.peers[LATE])
        assert commitments(lab, LATE)[0][0] == 1
        assert not lab.peers[LATE].is_sending
        assert ask(lab.web3, "evm_revert", moment) is True
        for _ in range(2):
            lab.mining.mine()
        lab.observer.poll()
        assert commitments(lab, LATE) == []
        ledger = lab.play(1)
        assert commitments(lab, LATE)[0][0] == 1
        assert len(ledger.agreed) == 1


def test_step__a_reorg_forgets_what_was_mined_before__decides_anew(tmp_path):
    """What waits behind a nonce that nobody uses any more is never mined by itself."""
    with PeersLab(4, tmp_path) as lab:
        moment = ask(lab.web3, "evm_snapshot")
        lab.reach(Phase.ATTEST)
        for peer in lab.peers.values():
            exhaust(peer)
        seat = next(seat for seat, peer in lab.peers.items() if peer.is_sending)
        sent = decode_pending(lab.lives[seat].opened.find_sending())
        assert ask(lab.web3, "evm_revert", moment) is True
        ask(lab.web3, "eth_sendRawTransaction", "0x" + sent.newest.raw.hex())
        lab.mining.mine()
        ledger = lab.play(2)
        assert {number for number, _ in commitments(lab, seat)} >= {1, 2}
        assert len(ledger.agreed) == 2


def test_step__its_joining_is_taken_back_meanwhile__waits_and_goes_on(tmp_path):
    with PeersLab(4, tmp_path) as lab:
        lab.senders[LATE]._is_gas_free = False
        owner, seats = lab.web3.eth.call, lab.federation.address

        def refuse(message, *which):
            if message.get("from") == lab.senders[LATE].address and message["to"] == seats:
                raise ContractLogicError("execution reverted: seats: not the owner")
            return owner(message, *which)

        lab.web3.eth.call = refuse
        lab.observer.poll()
        assert exhaust(lab.peers[LATE]) is None
        assert not lab.peers[LATE].is_sending
        lab.web3.eth.call = owner
        ledger = lab.play(1)
        assert len(ledger.agreed) == 1
        lab.play(2)
        assert commitments(lab, LATE)


@pytest.mark.parametrize("is_dropped", [False, True])
def test_peer__back_while_its_transaction_is_on_its_way__follows_that_one(tmp_path, is_dropped):
    with PeersLab(4, tmp_path) as lab:
        lab.observer.poll()
        moment = ask(lab.web3, "evm_snapshot")
        exhaust(lab.peers[LATE])
        sent = decode_pending(lab.lives[LATE].opened.find_sending())
        if is_dropped:
            ask(lab.web3, "evm_revert", moment)
        lab.peers[LATE] = lab.start(LATE)
        assert lab.peers[LATE].is_sending
        exhaust(lab.peers[LATE])
        address = lab.senders[LATE].address
        name = "0x" + sent.transaction.hex()
        assert ask(lab.web3, "eth_getTransactionByHash", name) is not None
        waiting = int(ask(lab.web3, "eth_getTransactionCount", address, "pending"), 16)
        assert waiting == sent.nonce + 1
        ledger = lab.play(1)
        assert len(lab.lives[LATE].sent) == len({call.data for call in lab.lives[LATE].sent})
        assert commitments(lab, LATE)[0][0] == 1
        assert len(ledger.agreed) == 1


def test_peer__killed_between_journal_and_node__sends_what_it_had_signed(tmp_path):
    with PeersLab(4, tmp_path) as lab:
        lab.observer.poll()
        journal = lab.lives[LATE].opened
        lab.peers[LATE] = lab.start(LATE, journal=Fused(journal, Fuse(2), "record_sending"))
        with pytest.raises(Crash):
            exhaust(lab.peers[LATE])
        sent = journal.find_sending()
        signed = decode_pending(sent)
        name = "0x" + signed.transaction.hex()
        assert ask(lab.web3, "eth_getTransactionByHash", name) is None
        lab.peers[LATE] = lab.start(LATE)
        lab.play(1)
        assert ask(lab.web3, "eth_getTransactionReceipt", name)["status"] == "0x1"


def test_step__the_contract_refuses_for_good__is_told_once_and_not_at_every_start(tmp_path):
    with PeersLab(4, tmp_path) as lab:
        parent = lab.observer.ledger.genesis
        no_root = lab.federation.call("commit", 1, LATE, parent, bytes(32), 10, 1)
        journal = lab.lives[LATE].opened
        lab.senders[LATE].submit(no_root, lambda each: journal.record_sending(each.encode()))
        lab.peers[LATE] = lab.start(LATE)
        lab.mining.mine()
        lab.observer.poll()
        with pytest.raises(Malformed, match="rounds: an empty root"):
            exhaust(lab.peers[LATE])
        lab.peers[LATE] = lab.start(LATE)
        lab.play(1)
        assert commitments(lab, LATE)[0][0] == 1


def test_step__mined_but_not_confirmed_yet__waits_for_its_own_act_and_sends_once():
    with PeersLab(confirmations=2) as lab:
        # One block after another, so that a peer looks while its act has one block on it.
        lab._confirm = lambda: None
        for _ in range(200):
            lab.observer.poll()
            if len(lab.observer.ledger.agreed) == 2:
                break
            lab.turn()
            lab.mining.mine()
        assert len(lab.observer.ledger.agreed) == 2
        latest = int(ask(lab.web3, "eth_blockNumber"), 16)
        assert lab.observer.block.number == latest - 2
        for seat in lab.peers:
            sent = [call.data for call in lab.lives[seat].sent]
            assert len(sent) == len(set(sent))
            assert [number for number, _ in commitments(lab, seat)][:2] == [1, 2]
