"""Sending: refused for nothing where it would revert, in order, and typed when it reverts after
all."""

from typing import Any

import pytest
from federation_lab import ETHER, Lab, make_root
from web3 import Web3

from chain import errors
from chain.errors import AlreadyDone, Lost, NotOwner, Overtaken, Refused, Reverted, SeatRefused
from chain.federation import Call
from chain.mining import Mining
from chain.sender import GAS_LIMITS, Sender


def commit(lab: Lab, seat: int, number: int = 1) -> Call:
    return lab.federation.call("commit", number, seat, lab.head, make_root(seat), 1, 1)


def make_sender(lab: Lab, account: int, **options: Any) -> Sender:
    return Sender(lab.web3, lab.devnet.accounts[account], **options)


def count_sent(lab: Lab, account: int) -> int:
    address = lab.devnet.accounts[account].address
    return lab.web3.eth.get_transaction_count(address, "pending")


def test_send__a_call_that_succeeds__mined_with_its_receipt(lab: Lab) -> None:
    receipt = make_sender(lab, 0).send(commit(lab, 0))
    assert receipt.function == "commit"
    assert receipt.block == lab.web3.eth.block_number
    assert receipt.gas_used == lab.web3.eth.get_block("latest")["gasUsed"]
    assert receipt.contract is None
    assert lab.federation.get_row(lab.head, 1)[1] == 1


@pytest.mark.parametrize(
    ("function", "arguments", "value", "kind"),
    [
        ("leave", (1,), 0, NotOwner),
        ("leave", (200,), 0, NotOwner),
        ("join", ("x", []), 1, SeatRefused),
        ("withdraw", (0,), 0, SeatRefused),
        ("commit", (2, 0, bytes(32), make_root(1), 1, 1), 0, Overtaken),
        ("attest", (0, make_root(1)), 0, Overtaken),
        ("commit", (1, 0, bytes(32), bytes(32), 1, 1), 0, errors.Malformed),
    ],
)
def test_submit__a_call_that_would_revert__typed_error_and_nothing_sent(
    lab: Lab, function: str, arguments: tuple[object, ...], value: int, kind: type[Reverted]
) -> None:
    call = lab.federation.call(function, *arguments, value_wei=value)
    before = count_sent(lab, 0), lab.web3.eth.block_number
    with pytest.raises(kind):
        make_sender(lab, 0).submit(call)
    assert (count_sent(lab, 0), lab.web3.eth.block_number) == before


def test_submit__gas_free__the_chain_is_the_simulation(lab: Lab) -> None:
    sender = make_sender(lab, 0, is_gas_free=True)
    sender.send(commit(lab, 0))
    height = lab.web3.eth.block_number
    pending = sender.submit(commit(lab, 0))
    assert lab.web3.eth.block_number == height + 1
    with pytest.raises(AlreadyDone, match="rounds: already committed"):
        sender.find(pending)
    with pytest.raises(AlreadyDone):
        sender.send(commit(lab, 0))
    # What has no fixed limit is estimated, and so refused for nothing.
    height = lab.web3.eth.block_number
    with pytest.raises(NotOwner):
        sender.submit(lab.federation.call("leave", 1))
    assert lab.web3.eth.block_number == height


def test_submit__several_before_a_block__nonces_in_order(lab: Lab) -> None:
    mining = Mining(lab.web3)
    mining.hold()
    sender = make_sender(lab, 0)
    calls = [
        commit(lab, 0),
        lab.federation.call("set_endpoint", 0, "a"),
        lab.federation.call("set_endpoint", 0, "b"),
    ]
    pending = [sender.submit(call) for call in calls]
    assert [sender.find(each) for each in pending] == [None] * 3
    mining.mine()
    receipts = [sender.find(each) for each in pending]
    assert [r.function for r in receipts if r] == ["commit", "set_endpoint", "set_endpoint"]
    block = lab.web3.eth.get_block("latest")
    assert [bytes(t) for t in block["transactions"]] == [p.transaction for p in pending]


def test_find__chain_moved_before_the_block__typed_error_of_the_revert(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.attest(1, proposal.key)
    mining = Mining(lab.web3)
    mining.hold()
    other = lab.make_proposal(1, model=3)
    p = other
    late = lab.federation.call(
        "propose", 1, 3, p.parent, p.commitments, p.included, p.model_root, p.coefficients
    )
    # Both would succeed now; the vote agrees, and the round is over for the proposal.
    make_sender(lab, 2).submit(lab.federation.call("attest", 2, proposal.key))
    sender = make_sender(lab, 3)
    pending = sender.submit(late)
    mining.mine()
    with pytest.raises(Overtaken, match="rounds: the round is over"):
        sender.find(pending)
    assert lab.head == proposal.key


def test_find__reverted_for_want_of_gas__says_that_it_would_not_now(lab: Lab) -> None:
    sender = make_sender(lab, 0, is_gas_free=True)
    limit = GAS_LIMITS["commit"]
    GAS_LIMITS["commit"] = 60_000
    try:
        pending = sender.submit(commit(lab, 0))
    finally:
        GAS_LIMITS["commit"] = limit
    with pytest.raises(Reverted) as caught:
        sender.find(pending)
    assert "reverted in block" in str(caught.value)


def test_send__never_mined__lost(lab: Lab) -> None:
    Mining(lab.web3).hold()
    with pytest.raises(Lost) as caught:
        make_sender(lab, 0, timeout_seconds=0.1).send(commit(lab, 0))
    assert str(caught.value).startswith("chain: expected a receipt of 0x")


def test_submit__fees__hold_while_the_base_fee_doubles(lab: Lab) -> None:
    pending = make_sender(lab, 0).submit(commit(lab, 0))
    mined = lab.web3.eth.get_transaction(pending.transaction)
    base = lab.web3.eth.get_block(mined["blockNumber"] - 1)["baseFeePerGas"]
    assert mined["maxFeePerGas"] == 2 * base + mined["maxPriorityFeePerGas"]
    assert mined["chainId"] == lab.devnet.chain_id


def test_submit__a_signer_without_ether__error_of_the_chain(lab: Lab) -> None:
    from chain.devnet.accounts import derive_accounts

    poor = derive_accounts(20)[-1]
    web3: Web3 = lab.web3
    with pytest.raises(Refused, match=f"a call of {poor.address} .*insufficient funds"):
        Sender(web3, poor).submit(lab.federation.call("join", "x", [], value_wei=ETHER))
