"""Transactions that do not simply get mined: dropped, too cheap, replaced; on the embedded chain
and on anvil."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from node_lab import NODES, NodeLab

from chain import sender as sending
from chain.acceptance import Acceptance, read_acceptance
from chain.errors import AlreadyDone, Lost, Refused, Replaced
from chain.fees import Market, Offer, compute_higher_offer, compute_offer
from chain.pending import Pending, decode_pending
from chain.sender import PATIENCE_BLOCKS


@pytest.fixture(params=["embedded", "anvil"])
def node(request: pytest.FixtureRequest) -> Iterator[NodeLab]:
    with NODES[request.param]() as lab:
        lab.hold()
        yield lab


def count_waiting(node: NodeLab, pending: Pending) -> int:
    names = ["0x" + signed.hash.hex() for signed in pending.versions]
    return sum(node.rpc("eth_getTransactionByHash", name) is not None for name in names)


def test_submit_and_find__all_goes_well__five_questions(node: NodeLab) -> None:
    """What every vote costs in a simulation of many peers."""
    sender = node.sender(0, is_gas_free=True)
    head = node.federation.get_head()[0]
    asked: list[str] = []
    make_request = node.web3.provider.make_request

    def count(method, params):
        asked.append(method)
        return make_request(method, params)

    node.web3.provider.make_request = count
    pending = sender.submit(node.federation.call("commit", 1, 0, head, b"\x01" * 32, 1, 1))
    node.web3.provider.make_request = make_request
    node.mine()
    node.web3.provider.make_request = count
    assert sender.find(pending) is not None
    assert asked == [
        "eth_getTransactionCount",
        "eth_getBlockByNumber",
        "eth_maxPriorityFeePerGas",
        "eth_sendRawTransaction",
        "eth_getTransactionReceipt",
    ]


def test_renew__waiting__is_left_alone(node: NodeLab) -> None:
    sender = node.sender(0)
    pending = sender.submit(node.call("a"))
    assert sender.find(pending) is None
    noted: list[Pending] = []
    assert sender.renew(pending, noted.append) == pending
    assert noted == []
    node.mine()
    assert sender.find(pending) is not None
    assert node.told() == ["a"]


def test_renew__dropped__the_same_bytes_are_sent_again(node: NodeLab) -> None:
    sender = node.sender(0)
    node.mark()
    pending = sender.submit(node.call("a"))
    node.drop(pending)
    assert sender.find(pending) is None
    noted: list[Pending] = []
    assert sender.renew(pending, noted.append) == pending
    assert noted == [pending]
    node.mine()
    receipt = sender.find(pending)
    assert receipt is not None
    assert receipt.transaction == pending.transaction
    assert node.told() == ["a"]


def test_renew__dropped_and_done_by_now__typed_error_and_nothing_sent(node: NodeLab) -> None:
    sender, other = node.sender(0), node.sender(1)
    head = node.federation.get_head()[0]
    node.mark()
    pending = sender.submit(node.federation.call("commit", 1, 0, head, b"\x01" * 32, 1, 1))
    node.drop(pending)
    # The last of the others commits, and so does this seat, under another transaction.
    other.submit(node.federation.call("commit", 1, 1, head, b"\x02" * 32, 1, 1))
    own = sender.submit(node.federation.call("commit", 1, 0, head, b"\x03" * 32, 1, 1))
    node.mine()
    assert sender.find(own) is not None
    with pytest.raises(Replaced):
        sender.find(pending)
    with pytest.raises(AlreadyDone, match="rounds: already committed"):
        sender.renew(pending)


def test_renew__dropped_while_fees_rose__sent_with_the_same_nonce_and_a_higher_fee(
    node: NodeLab,
) -> None:
    sender = node.sender(0)
    node.mark()
    pending = sender.submit(node.call("a"))
    node.drop(pending)
    node.fill_blocks(12)
    node.mine(12)
    noted: list[Pending] = []
    dearer = sender.renew(pending, noted.append)
    assert noted == [dearer]
    assert len(dearer.versions) == 2
    assert dearer.nonce == pending.nonce
    assert dearer.newest.offer.max_fee_wei > pending.newest.offer.max_fee_wei
    node.mine()
    receipt = sender.find(dearer)
    assert receipt is not None
    assert receipt.transaction == dearer.transaction
    assert node.told() == ["a"]


def test_renew__waits_below_the_base_fee__replaced_after_some_blocks_and_mined(
    node: NodeLab,
) -> None:
    sender = node.sender(0)
    node.fill_blocks(12)
    pending = sender.submit(node.call("a"))
    first = pending
    renewed_in = None
    blocks = 0
    while sender.find(pending) is None:
        node.mine()
        blocks += 1
        assert blocks < 25, "it is stuck"
        if sender.find(pending) is None:
            pending = sender.renew(pending)
            if len(pending.versions) == 2 and renewed_in is None:
                renewed_in = blocks
            assert count_waiting(node, pending) == 1
    assert renewed_in is not None
    assert renewed_in >= PATIENCE_BLOCKS
    old, new = first.newest.offer, pending.newest.offer
    assert new.max_fee_wei * 8 >= old.max_fee_wei * 9
    assert new.tip_wei * 8 >= old.tip_wei * 9
    assert node.told() == ["a"]


def test_renew__fees_beyond_the_limit__waits_until_they_fall(node: NodeLab) -> None:
    limit = 3 * 10**9
    sender = node.sender(0, fee_limit_wei=limit)
    node.fill_blocks(14)
    pending = sender.submit(node.call("a"))
    for _ in range(16):
        node.mine()
        if sender.find(pending) is None:
            pending = sender.renew(pending)
        assert pending.newest.offer.max_fee_wei <= limit
    # Fees fall by an eighth with every empty block.
    for _ in range(40):
        if sender.find(pending) is not None:
            break
        node.mine()
        pending = sender.renew(pending) if sender.find(pending) is None else pending
    assert sender.find(pending) is not None
    assert node.told() == ["a"]


def test_submit__fees_beyond_the_limit_already__sent_when_they_have_fallen(node: NodeLab) -> None:
    node.fill_blocks(8)
    node.mine(8)
    sender = node.sender(0, fee_limit_wei=5 * 10**8)
    pending = sender.submit(node.call("a"))
    assert count_waiting(node, pending) == 0
    blocks = 0
    while sender.find(pending) is None:
        pending = sender.renew(pending)
        node.mine()
        blocks += 1
        assert blocks < 40, "it is stuck"
    assert blocks > 3
    assert pending.newest.offer.max_fee_wei <= 5 * 10**8
    assert node.told() == ["a"]


def test_find__another_took_the_nonce__replaced(node: NodeLab) -> None:
    one, two = node.sender(0), node.sender(0)
    node.mark()
    pending = one.submit(node.call("a"))
    node.drop(pending)
    other = two.submit(node.call("b"))
    assert other.nonce == pending.nonce
    # What waits there stands in its way: nothing is forced, nothing fails.
    assert one.renew(pending) == pending
    node.mine()
    with pytest.raises(Replaced) as caught:
        one.find(pending)
    assert str(caught.value) == (
        f"chain: expected set_endpoint to be mined with nonce {pending.nonce}, "
        "got another transaction"
    )
    assert two.find(other) is not None
    assert node.told() == ["b"]


def test_find__replaced_by_its_own_newer_version__receipt_of_that(node: NodeLab) -> None:
    sender = node.sender(0)
    pending = sender.submit(node.call("a"))
    offer = pending.newest.offer
    higher = Offer(2 * offer.max_fee_wei, 2 * offer.tip_wei)
    signed = sender._sign(pending.call, pending.nonce, pending.gas, higher)
    both = pending.with_version(signed, pending.sent_in)
    assert sender._dispatch(signed) is Acceptance.TAKEN
    node.mine()
    receipt = sender.find(both)
    assert receipt is not None
    assert receipt.transaction == signed.hash
    # A process that knows of the first alone is told that it is over.
    with pytest.raises(Replaced):
        sender.find(pending)


def test_dispatch__what_nodes_answer__is_understood(node: NodeLab) -> None:
    sender = node.sender(0)
    pending = sender.submit(node.call("a"))
    assert sender._dispatch(pending.newest) is Acceptance.KNOWN
    other = sender._sign(node.call("b"), pending.nonce, 100_000, pending.newest.offer)
    assert sender._dispatch(other) is Acceptance.NONCE_TAKEN
    cheap = sender._sign(node.call("b"), pending.nonce + 1, 100_000, Offer(1, 1))
    assert sender._dispatch(cheap) is Acceptance.TOO_CHEAP
    node.mine()
    assert sender._dispatch(pending.newest) is Acceptance.NONCE_USED
    assert sender._dispatch(other) is Acceptance.NONCE_USED
    rich = sender._sign(node.call("b"), pending.nonce + 1, 100_000, Offer(10**25, 1))
    with pytest.raises(Refused, match=r"(?i)insufficient funds for gas"):
        sender._dispatch(rich)


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("already known", Acceptance.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Acceptance.NONCE_USED),
        ("replacement transaction underpriced", Acceptance.NONCE_TAKEN),
        ("transaction underpriced: tip needed 1, tip permitted 0", Acceptance.TOO_CHEAP),
        ("max fee per gas less than block base fee: address 0x1", Acceptance.TOO_CHEAP),
        ("txpool is full", Acceptance.NO_ROOM),
    ],
)
def test_read_acceptance__words_of_geth__are_understood(words: str, meaning: Acceptance) -> None:
    assert read_acceptance(Refused("eth_sendRawTransaction", words)) is meaning


def test_submit__nonce_lost_between_two_questions__a_fresh_one(node: NodeLab) -> None:
    """Another process sends right after this one has asked for its nonce."""
    sender, rival = node.sender(0), node.sender(0)
    signs = sender._sign

    def sign_late(*arguments):
        sender._sign = signs
        rival.submit(node.call("b"))
        return signs(*arguments)

    sender._sign = sign_late
    noted: list[Pending] = []
    pending = sender.submit(node.call("a"), noted.append)
    assert [each.nonce for each in noted] == [pending.nonce - 1, pending.nonce]
    node.mine()
    assert sender.find(pending) is not None
    assert node.told() == ["b", "a"]


def test_submit__nonce_used_between_two_questions__the_call_is_looked_at_anew(
    node: NodeLab,
) -> None:
    """The rival did what this one wants to do, so a second transaction is not even sent."""
    head = node.federation.get_head()[0]
    commit = node.federation.call("commit", 1, 0, head, b"\x01" * 32, 1, 1)
    other = node.federation.call("commit", 1, 0, head, b"\x02" * 32, 1, 1)
    sender, rival = node.sender(0), node.sender(0)
    signs = sender._sign

    def sign_late(*arguments):
        sender._sign = signs
        rival.submit(other)
        node.mine()
        return signs(*arguments)

    sender._sign = sign_late
    before = int(node.rpc("eth_getTransactionCount", sender.address, "pending"), 16)
    with pytest.raises(AlreadyDone, match="rounds: already committed"):
        sender.submit(commit)
    assert int(node.rpc("eth_getTransactionCount", sender.address, "pending"), 16) == before + 1


def test_submit__two_senders_one_call__one_transaction(node: NodeLab) -> None:
    """The same call, nonce and fees are the same bytes: there is nothing to race for."""
    one, two = node.sender(0), node.sender(0)
    first = one.submit(node.call("a"))
    twice = two._sign(first.call, first.nonce, first.gas, first.newest.offer)
    assert twice == first.newest


def test_submit__the_nonce_is_always_gone__refused_after_many_tries(node: NodeLab) -> None:
    sender, rival = node.sender(0), node.sender(0)
    signs = sender._sign

    def sign_late(*arguments):
        rival.submit(node.call("b"))
        return signs(*arguments)

    sender._sign = sign_late
    noted: list[Pending] = []
    with pytest.raises(Refused, match=f"{sending.TRIES} times"):
        sender.submit(node.call("a"), noted.append)
    assert len(noted) == sending.TRIES


def test_send__dropped_while_it_waits__is_sent_again(
    node: NodeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = node.sender(0)
    node.mark()
    renewed: list[Pending] = []
    moments = iter(("drop", "mine"))
    submit = sender.submit

    def submit_and_keep(call):
        renewed.append(submit(call))
        return renewed[0]

    def pass_time(seconds: float) -> None:
        match next(moments, None):
            case "drop":
                node.drop(renewed[0])
            case "mine":
                node.mine()

    monkeypatch.setattr(sending, "sleep", pass_time)
    monkeypatch.setattr(sender, "submit", submit_and_keep)
    assert sender.send(node.call("a")).transaction == renewed[0].transaction
    assert node.told() == ["a"]


def test_send__never_mined__lost(node: NodeLab) -> None:
    sender = node.sender(0)
    sender._timeout_seconds = 0
    with pytest.raises(Lost):
        sender.send(node.call("a"))


def test_decode_pending__encoded__is_the_same_and_can_be_followed(node: NodeLab) -> None:
    sender = node.sender(0)
    node.mark()
    pending = sender.submit(node.call("a"))
    node.drop(pending)
    again = decode_pending(pending.encode())
    assert again == pending
    other = node.sender(0)
    other.renew(again)
    node.mine()
    assert other.find(again) is not None


@pytest.mark.parametrize("base", [0, 1, 7, 10**9, 123_456_789_012])
@pytest.mark.parametrize("tip", [0, 1, 10**9])
def test_compute_higher_offer__any__both_parts_rise_by_an_eighth(base: int, tip: int) -> None:
    last = compute_offer(Market(base, tip), 10**30)
    higher = compute_higher_offer(last, Market(base, tip), 10**30)
    assert higher is not None
    for old, new in (
        (last.max_fee_wei, higher.max_fee_wei),
        (last.tip_wei, higher.tip_wei),
    ):
        assert new > old
        assert new * 8 >= old * 9
    assert higher.tip_wei <= higher.max_fee_wei


def test_compute_higher_offer__at_the_limit__none() -> None:
    last = Offer(max_fee_wei=800, tip_wei=8)
    market = Market(base_wei=2000, tip_wei=1)
    assert compute_higher_offer(last, market, 899) is None
    assert compute_higher_offer(last, market, 900) == Offer(900, 9)
