"""Watcher and observer: each event once, on the chain that counts, whatever the node does.

Two chains with the same beginning and different ends stand behind one connection; to swap them is a
re-org.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from federation_lab import Lab, open_federation
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chain import watcher as watching
from chain.federation import Federation
from chain.history import REMEMBERED_BLOCKS
from chain.ledger import Ledger
from chain.observer import Observer
from chain.types import Agreed, Committed, Logged
from chain.watcher import Watcher


class Switch(JSONBaseProvider):
    """A node that follows one chain, then another; or lags behind, or changes between requests."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab = lab
        self.limit: int | None = None
        self.before: Callable[[str], None] = lambda method: None

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        self.before(method)
        if method == "eth_getBlockByNumber" and self.limit is not None:
            if params[0] == "latest":
                params = [hex(self.limit), *params[1:]]
            elif int(params[0], 16) > self.limit:
                return {"jsonrpc": "2.0", "id": 1, "result": None}  # type: ignore[typeddict-item]
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.lab.devnet.handle(request)  # type: ignore[return-value]


@dataclass
class Node:
    """Two chains of the same federation behind one connection."""

    one: Lab
    two: Lab
    switch: Switch = field(init=False)
    federation: Federation = field(init=False)

    def __post_init__(self) -> None:
        assert self.one.federation.address == self.two.federation.address
        self.switch = Switch(self.one)
        self.federation = Federation(Web3(self.switch), self.one.federation.address)

    def observe(self) -> Observer:
        return Observer(self.federation, created_at=self.one.created_at)


@pytest.fixture
def node() -> Iterator[Node]:
    one, two = open_federation(4), open_federation(4)
    yield Node(one, two)
    for lab in (one, two):
        lab.devnet.close()


def check_same(observer: Observer, lab: Lab) -> None:
    """The observer is where a fresh fold over the chain's events is, and where the contract is."""
    events = lab.events()
    assert observer.history == tuple(events)
    fresh = Ledger(observer.ledger.genesis)
    for logged in events:
        fresh.apply(logged)
    assert observer.ledger == fresh
    assert observer.ledger.round == lab.federation.get_round()
    assert observer.ledger.head().key == lab.head
    assert observer.block is not None
    assert observer.block.number == lab.web3.eth.block_number


def test_poll__event_by_event__each_once_in_order(node: Node) -> None:
    observer = node.observe()
    seen: list[Logged] = [*observer.poll()]
    for seat in range(4):
        node.one.commit(seat, 1)
        seen += observer.poll()
        assert observer.poll() == ()
    assert seen == node.one.events()
    assert observer.rolled_back_to is None
    check_same(observer, node.one)


def test_poll__blocks_without_events__move_the_block_only(node: Node) -> None:
    observer = node.observe()
    observer.poll()
    node.one.devnet.handle({"id": 1, "method": "evm_mine", "params": []})
    assert observer.poll() == ()
    check_same(observer, node.one)


def test_poll__more_blocks_than_a_range__read_in_ranges(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RANGE_BLOCKS", 3)
    monkeypatch.setattr(watching, "NEAR_BLOCKS", 2)
    node.one.agree(1)
    watcher = Watcher(node.federation, created_at=1)
    batches = []
    while (batch := watcher.poll()) is not None:
        batches.append(batch)
    assert [b.blocks[-1].number for b in batches][:3] == [3, 6, 9]
    assert [b.keep for b in batches][:3] == [0, 3, 6]
    assert [e for b in batches for e in b.events] == node.one.events()
    observer = node.observe()
    assert list(observer.poll()) == node.one.events()


def test_poll__blocks_change__rolls_back_to_the_common_ancestor(node: Node) -> None:
    observer = node.observe()
    observer.poll()
    fork = node.one.web3.eth.block_number
    node.one.commit(0, 1)
    observer.poll()
    node.one.commit(1, 1)
    observer.poll()
    # The other chain saw other commitments in another order.
    for seat in (3, 2, 0):
        node.two.commit(seat, 1)
    node.switch.lab = node.two
    news = observer.poll()
    assert observer.rolled_back_to == fork
    told = [e.event.seat for e in news if isinstance(e.event, Committed)]
    assert told == [3, 2, 0]
    check_same(observer, node.two)


def test_poll__an_agreement_is_undone__head_goes_back(node: Node) -> None:
    observer = node.observe()
    key = node.one.agree(1)
    observer.poll()
    assert observer.ledger.head().key == key
    node.two.commit_all(1, (0, 1))
    node.two.let_lapse()
    for _ in range(20):
        node.two.devnet.handle({"id": 1, "method": "evm_mine", "params": []})
    node.switch.lab = node.two
    observer.poll()
    assert not any(isinstance(e.event, Agreed) for e in observer.history)
    check_same(observer, node.two)


def test_poll__there_and_back_again__the_fold_is_the_same(node: Node) -> None:
    observer = node.observe()
    node.one.agree(1)
    node.two.commit(2, 1)
    observer.poll()
    first = observer.history
    for lab in (node.two, node.one, node.two, node.one):
        # Every re-org is to a longer chain, as re-orgs are.
        top = max(each.web3.eth.block_number for each in (node.one, node.two))
        while lab.web3.eth.block_number <= top:
            lab.devnet.handle({"id": 1, "method": "evm_mine", "params": []})
        node.switch.lab = lab
        observer.poll()
        check_same(observer, lab)
    assert observer.history == first


def test_poll__reorg_deeper_than_is_remembered__reads_again_from_the_creation(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher_blocks = 4
    observer = node.observe()
    monkeypatch.setattr(
        observer._watcher, "_seen", type(observer._watcher._seen)(maxlen=watcher_blocks)
    )
    observer.poll()
    for seat in range(4):
        node.one.commit(seat, 1)
        observer.poll()
    observer.poll()
    for seat in (1, 0, 2):
        node.two.commit(seat, 1)
    for _ in range(5):
        node.two.devnet.handle({"id": 1, "method": "evm_mine", "params": []})
    node.switch.lab = node.two
    news = observer.poll()
    assert observer.rolled_back_to == node.one.created_at - 1
    assert list(news) == node.two.events()
    check_same(observer, node.two)


def test_poll__more_polls_than_are_remembered__reorg_beyond_them_is_still_right(
    node: Node,
) -> None:
    observer = node.observe()
    observer.poll()
    for _ in range(REMEMBERED_BLOCKS + 5):
        node.one.devnet.handle({"id": 1, "method": "evm_mine", "params": []})
        observer.poll()
    node.two.commit(0, 1)
    for _ in range(REMEMBERED_BLOCKS + 10):
        node.two.devnet.handle({"id": 1, "method": "evm_mine", "params": []})
    node.switch.lab = node.two
    assert list(observer.poll()) == node.two.events()
    check_same(observer, node.two)


@pytest.mark.parametrize("behind", [1, 2, 5])
def test_poll__node_lags_behind__waits_and_tells_nothing_twice(node: Node, behind: int) -> None:
    observer = node.observe()
    seen = [*observer.poll()]
    for number in range(3):
        node.one.commit(number, 1)
        node.one.act("set_endpoint", number, "z", by=number)
    seen += observer.poll()
    node.switch.limit = node.one.web3.eth.block_number - behind
    assert observer.poll() == ()
    assert observer.rolled_back_to is None
    node.switch.limit = None
    node.one.commit(3, 1)
    seen += observer.poll()
    assert seen == node.one.events()
    check_same(observer, node.one)


def test_poll__lagging_node_of_another_chain__follows_what_is_proven(node: Node) -> None:
    observer = node.observe()
    observer.poll()
    for seat in range(3):
        node.one.commit(seat, 1)
        observer.poll()
    node.two.commit(3, 1)
    # One block shorter, but a block that was read is no longer there.
    node.two.commit(2, 1)
    node.switch.lab = node.two
    assert len(observer.poll()) > 0
    check_same(observer, node.two)


@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getBlockByNumber"])
def test_poll__blocks_change_while_reading__is_not_believed(node: Node, method: str) -> None:
    observer = node.observe()
    observer.poll()
    node.one.commit(0, 1)
    node.two.commit(1, 1)
    asked: list[str] = []

    def flip(asked_method: str) -> None:
        if asked_method == method:
            asked.append(asked_method)
            if len(asked) == (1 if method == "eth_getLogs" else 2):
                node.switch.lab = node.two

    node.switch.before = flip
    observer.poll()
    node.switch.before = lambda method: None
    observer.poll()
    check_same(observer, node.two)


def test_poll__ranges_while_blocks_change__is_not_believed(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by review: of a range that ends before the latest block, the end was read only after
    the events, so both could be of different chains."""
    monkeypatch.setattr(watching, "RANGE_BLOCKS", 2)
    monkeypatch.setattr(watching, "NEAR_BLOCKS", 1)
    observer = node.observe()
    observer.poll()
    for lab, order in ((node.one, (0, 1, 2)), (node.two, (2, 1, 0))):
        for seat in order:
            lab.commit(seat, 1)
    asked: list[str] = []

    def flip(method: str) -> None:
        if asked:
            node.switch.lab = node.two
        if method == "eth_getLogs":
            asked.append(method)

    node.switch.before = flip
    assert observer.poll() == ()
    observer.poll()
    check_same(observer, node.two)


def test_poll__chain_that_ends_before_the_creation__waits(node: Node) -> None:
    observer = node.observe()
    node.switch.limit = 0
    assert observer.poll() == ()
    assert observer.block is None
    node.switch.limit = None
    observer.poll()
    check_same(observer, node.one)
