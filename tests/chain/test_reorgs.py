"""Real re-orgs: whatever a node does, and whenever, the watcher ends with exactly the events of the
chain that counts, each once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from node_lab import NODES, SEATS, NodeLab
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chain import watcher as watching
from chain.federation import Federation
from chain.history import History
from chain.ledger import Ledger
from chain.observer import Observer
from chain.rpc import get_block
from chain.types import EndpointSet

DEEPEST = 20


class Watched(JSONBaseProvider):
    """The node as a watcher sees it: a hook before every question, and a lag behind the node.

    A lag that changes from question to question is that of a balancer with several nodes behind it;
    `most_blocks` is the longest range that they give logs of.
    """

    def __init__(self, node: NodeLab) -> None:
        super().__init__()
        self._node = node
        self.before: Callable[[], None] = lambda: None
        self.lag: Callable[[], int] = lambda: 0
        self.most_blocks = 10**9
        self.refused = 0

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        self.before()
        head = int(self._node.rpc("eth_blockNumber"), 16) - self.lag()
        what = params[0] if params else None
        if method == "eth_getBlockByNumber":
            number = head if what == "latest" else int(what, 16)
            return self._answer(method, [hex(number), False]) if number <= head else NOTHING
        if method == "eth_getBlockByHash":
            answer = self._answer(method, params)
            block = answer["result"]
            return answer if block and int(block["number"], 16) <= head else NOTHING
        if method == "eth_getLogs":
            return self._get_logs(what, head)
        return self._answer(method, params)

    def _get_logs(self, what: dict[str, str], head: int) -> RPCResponse:
        if "blockHash" in what:
            block = self._node.rpc("eth_getBlockByHash", what["blockHash"], False)
            if block is None or int(block["number"], 16) > head:
                return _refuse(-32000, "unknown block")
            return self._answer("eth_getLogs", [what])
        first, last = int(what["fromBlock"], 16), int(what["toBlock"], 16)
        if last - first + 1 > self.most_blocks:
            self.refused += 1
            return _refuse(-32005, f"block range exceeds {self.most_blocks}")
        # What a node does not have yet, it leaves out without a word.
        return self._answer("eth_getLogs", [{**what, "toBlock": hex(min(last, head))}])

    def _answer(self, method: str, params: Any) -> RPCResponse:
        return self._node.web3.provider.make_request(RPCEndpoint(method), params)


NOTHING: Any = {"jsonrpc": "2.0", "id": 1, "result": None}


def _refuse(code: int, message: str) -> Any:
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}


class Reorgs:
    """A node driven at random, and what must be known of it: the texts set in each block.

    A consumer follows by what `poll` tells alone: what was taken back, and what is new.
    """

    def __init__(self, node: NodeLab, seed: int, kept: Path | None = None) -> None:
        self.node = node
        self.random = random.Random(seed)
        self.provider = Watched(node)
        federation = Federation(Web3(self.provider), node.federation.address)
        self.federation, self.kept = federation, kept
        self.restarts = -1
        self.restart()
        self.moments: list[str] = []
        self.blocks: list[list[str]] = []
        self.undone: list[str] = []
        self.reorgs = self.within_polls = self.moved = self.checked = 0
        self.depths: set[int] = set()
        self._texts = 0
        node.hold()

    def restart(self) -> None:
        """Begin a new life of the observer, with what the last one has left on disk, if anything.

        It is not told that the last one ends, as after kill -9.
        """
        history = None
        if self.kept is not None:
            history = History(self.kept)
            if history.find_creation("it") is None:
                block = get_block(self.node.web3, self.node.created_at)
                assert block is not None
                history.begin("it", block)
        self.observer = Observer(self.federation, created_at=self.node.created_at, kept=history)
        self.consumed = list(self.observer.history)
        self.restarts += 1

    def mine(self, texts: int) -> None:
        """Mine a block with so many transactions, each from a seat of its own."""
        if not self.node.is_anvil:
            self.moments.append(self.node.rpc("evm_snapshot"))
        block = []
        for seat in self.random.sample(range(SEATS), texts):
            block.append(self._choose_text(seat))
            self._send(seat, block[-1])
        self.node.mine()
        self.blocks.append(block)

    def reorg(self, depth: int, length: int) -> None:
        """Take `depth` blocks away and mine others, the last with a transaction.

        Some of what was undone comes again, the same transactions in other blocks; some is gone.
        """
        self.undone = [text for block in self.blocks[-depth:] for text in block]
        del self.blocks[-depth:]
        if self.node.is_anvil:
            self.node.rpc("anvil_rollback", depth)
        else:
            assert self.node.rpc("evm_revert", self.moments[-depth]) is True
            del self.moments[-depth:]
        for number in range(length):
            self.mine(1 if number == length - 1 else int(self.random.random() < 0.3))
        self.reorgs += 1

    def reorg_at_random(self) -> None:
        most = min(DEEPEST, len(self.blocks))
        depth = min(self.random.randint(1, most), self.random.randint(1, most))
        self.depths.add(depth)
        # Now and then the new chain is shorter.
        self.reorg(depth, max(1, depth + self.random.randint(-1, 2)))

    def poll(self) -> None:
        news = self.observer.poll()
        keep = self.observer.rolled_back_to
        if keep is not None:
            self.consumed = [logged for logged in self.consumed if logged.at.block <= keep]
        self.consumed += news
        latest = self.node.rpc("eth_getBlockByNumber", "latest", False)
        assert self.observer.block is not None
        if "0x" + self.observer.block.hash.hex() == latest["hash"]:
            self.check()

    def poll_amid_reorgs(self) -> None:
        """Poll while the chain changes before one of the poll's questions, or before several."""

        def change() -> None:
            if self.random.random() < 0.3:
                self.within_polls += 1
                self.reorg_at_random()

        self.provider.before = change
        news = self.observer.poll()
        self.provider.before = lambda: None
        keep = self.observer.rolled_back_to
        if keep is not None:
            self.consumed = [logged for logged in self.consumed if logged.at.block <= keep]
        self.consumed += news

    def check(self) -> None:
        """What was told is what was said, in order, each once."""
        told = [e.event.endpoint for e in self.consumed if isinstance(e.event, EndpointSet)]
        assert told == [text for block in self.blocks for text in block]
        self.checked += 1

    def check_end(self) -> None:
        self.mine(1)
        self.poll()
        self.check()
        events = self.node.federation.get_events(0, 10**9)
        assert self.consumed == events
        assert self.observer.history == tuple(events)
        fresh = Ledger(self.observer.ledger.genesis)
        for logged in events:
            fresh.apply(logged)
        assert self.observer.ledger == fresh

    def _choose_text(self, seat: int) -> str:
        """Return what was undone, in the order in which it was said, or something new."""
        own = [text for text in self.undone if text.startswith(f"{seat} ")]
        if own and self.random.random() < 0.7:
            self.undone.remove(own[0])
            self.moved += 1
            return own[0]
        self._texts += 1
        return f"{seat} {self._texts}"

    def _send(self, seat: int, text: str) -> None:
        account = self.node.accounts[seat]
        signed = account.sign_transaction(
            {
                "to": self.node.federation.address,
                "data": self.node.call(text, seat).data,
                "value": 0,
                "gas": 100_000,
                "nonce": int(
                    self.node.rpc("eth_getTransactionCount", account.address, "latest"), 16
                ),
                "chainId": 31337,
                "maxFeePerGas": 3 * 10**9,
                "maxPriorityFeePerGas": 10**9,
            }
        )
        self.node.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())


@pytest.fixture
def embedded() -> Iterator[NodeLab]:
    with NODES["embedded"]() as lab:
        yield lab


@pytest.fixture
def anvil() -> Iterator[NodeLab]:
    with NODES["anvil"]() as lab:
        yield lab


def play_at_random(play: Reorgs, reorgs: int) -> None:
    """Mine, poll and re-org at random, also in the midst of polls, until there were so many."""
    while play.reorgs < reorgs:
        match play.random.randrange(4 if play.kept is None else 5):
            case 0:
                play.mine(play.random.randint(0, 2))
            case 1:
                play.reorg_at_random()
            case 2:
                play.poll()
            case 3:
                play.poll_amid_reorgs()
            case 4:
                play.restart()


@pytest.mark.parametrize("reorgs", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_poll__many_reorgs_at_random__exactly_the_canonical_events(
    embedded: NodeLab, reorgs: int
) -> None:
    play = Reorgs(embedded, seed=1)
    for _ in range(DEEPEST):
        play.mine(1)
    play_at_random(play, reorgs)
    assert play.within_polls > reorgs // 5
    assert play.checked > reorgs // 10
    assert play.moved > reorgs
    assert {1, 2, 3, DEEPEST - 2} <= play.depths
    play.check_end()


@pytest.mark.slow
def test_restart__reorgs_before_and_after__exactly_the_canonical_events(
    embedded: NodeLab, tmp_path: Path
) -> None:
    play = Reorgs(embedded, seed=6, kept=tmp_path / "history.db")
    for _ in range(DEEPEST):
        play.mine(1)
    play_at_random(play, 100)
    assert play.restarts > 30
    play.restart()
    play.check_end()


@pytest.mark.slow
def test_poll__reorgs_at_random_on_anvil__exactly_the_canonical_events(anvil: NodeLab) -> None:
    play = Reorgs(anvil, seed=4)
    for _ in range(DEEPEST):
        play.mine(1)
    play_at_random(play, 60)
    assert play.within_polls > 10
    play.check_end()


@pytest.mark.parametrize("near", [watching.NEAR_BLOCKS, 4])
def test_poll__a_balancer_whose_nodes_lag__exactly_the_canonical_events(
    embedded: NodeLab, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    """Every question goes to another node, up to 4 blocks behind; ranges are short, too."""
    monkeypatch.setattr(watching, "NEAR_BLOCKS", near)
    play = Reorgs(embedded, seed=5)
    play.provider.lag = lambda: play.random.choice((0, 0, 1, 4))
    play.provider.most_blocks = 5
    for _ in range(DEEPEST):
        play.mine(1)
    play_at_random(play, 60)
    assert (play.provider.refused > 0) == (near == 4)
    play.provider.lag = lambda: 0
    play.check_end()


@pytest.mark.slow
def test_poll__reorgs_of_every_depth_on_anvil__exactly_the_canonical_events(
    anvil: NodeLab,
) -> None:
    play = Reorgs(anvil, 2)
    for _ in range(DEEPEST):
        play.mine(1)
    play.poll()
    for depth in range(1, DEEPEST + 1):
        checked = play.checked
        play.reorg(depth, depth + play.random.randint(0, 2))
        play.poll()
        assert play.observer.rolled_back_to is not None
        assert play.checked == checked + 1
        play.mine(play.random.randint(0, SEATS))
        play.poll()
    assert play.moved > 20
    play.check_end()


@pytest.mark.parametrize("depth", [2, 20])
def test_poll__anvils_own_reorg__exactly_the_canonical_events(anvil: NodeLab, depth: int) -> None:
    """anvil_reorg takes blocks away and puts as many in their place, with other transactions."""
    play = Reorgs(anvil, 3)
    for _ in range(DEEPEST + 1):
        play.mine(2)
    play.poll()
    before = play.observer.history
    anvil.rpc("anvil_reorg", depth, [])
    news = play.observer.poll()
    assert play.observer.rolled_back_to is not None
    events = anvil.federation.get_events(0, 10**9)
    assert play.observer.history == tuple(events)
    assert len(events) == len(before) - 2 * depth + len(news)
