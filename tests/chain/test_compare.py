"""Two nodes read as one: lags and shallow re-orgs are waited for, lies are named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from federation_lab import ACCOUNTS, Clock, Lab, open_federation
from server_lab import serve
from web3 import Web3

from chain.compare import ComparedProvider
from chain.connect import open_endpoints
from chain.connect import open_federation as find_federation
from chain.devnet.devnet import Devnet
from chain.errors import Disagreement, Gone, NoHistory, Refused
from chain.federation import Federation, find_creation
from chain.observer import Observer
from chain.provider import NodeProvider
from chain.rpc import ask, get_block
from chain.types import Committed

CONFIRMATIONS = 3


@dataclass
class Liar:
    """The way to a chain of this process; `alter` has a hand in every answer."""

    devnet: Devnet
    asked: list[str] = field(default_factory=list)
    alter: Callable[[str, Any], Any] = lambda method, answer: answer

    def exchange(self, question: bytes) -> bytes:
        request = json.loads(question)
        self.asked.append(request["method"])
        # By way of JSON: what is altered is the liar's copy.
        answer = json.loads(json.dumps(self.devnet.handle(request)))
        return json.dumps(self.alter(request["method"], answer)).encode()

    def close(self) -> None:
        pass


@dataclass
class Pair:
    """The same federation on two chains, behind one connection that compares them."""

    one: Lab
    two: Lab
    second: Liar

    def __post_init__(self) -> None:
        nodes = (
            NodeProvider("http://one", Liar(self.one.devnet)),
            NodeProvider("http://two", self.second),
        )
        self.web3 = Web3(ComparedProvider(*nodes, confirmations=CONFIRMATIONS))
        self.federation = Federation(self.web3, self.one.federation.address)
        self.observer = Observer(self.federation, created_at=self.one.created_at)

    def poll_seats(self) -> list[int]:
        """Return whose commitments are new."""
        news = self.observer.poll()
        return [each.event.seat for each in news if isinstance(each.event, Committed)]

    def commit_on_both(self, *seats: int) -> None:
        for seat in seats:
            self.one.commit(seat, 1)
            self.two.commit(seat, 1)


def mine(lab: Lab, count: int = 1) -> None:
    for _ in range(count):
        lab.devnet.handle({"id": 1, "method": "evm_mine", "params": []})


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, two = open_federation(4), open_federation(4)
    mine(one, CONFIRMATIONS)
    mine(two, CONFIRMATIONS)
    yield Pair(one, two, Liar(two.devnet))
    one.devnet.close()
    two.devnet.close()


def test_poll__both_tell_the_same__is_as_from_one(pair: Pair) -> None:
    pair.commit_on_both(0, 1, 2)
    pair.observer.poll()
    assert list(pair.observer.history) == pair.one.events()
    assert pair.observer.block == get_block(pair.one.web3, "latest")
    assert {"eth_getLogs", "eth_call", "eth_getBlockByNumber"} <= set(pair.second.asked)
    assert find_creation(pair.federation) == pair.one.created_at


@pytest.mark.parametrize("behind", ["one", "two"])
def test_poll__one_lags_behind__is_waited_for(pair: Pair, behind: str) -> None:
    pair.observer.poll()
    ahead = pair.one if behind == "two" else pair.two
    late = pair.two if behind == "two" else pair.one
    for seat in range(3):
        ahead.commit(seat, 1)
    assert pair.poll_seats() == []
    late.commit(0, 1)
    assert pair.poll_seats() == [0]
    late.commit(1, 1)
    late.commit(2, 1)
    assert pair.poll_seats() == [1, 2]


def test_poll__latest_blocks_differ__is_believed_up_to_what_both_have(pair: Pair) -> None:
    pair.commit_on_both(0)
    mine(pair.one, CONFIRMATIONS)
    mine(pair.two, CONFIRMATIONS)
    pair.observer.poll()
    height = pair.one.web3.eth.block_number
    pair.one.commit(1, 1)
    pair.two.commit(2, 1)
    assert pair.poll_seats() == []
    assert pair.observer.block is not None
    assert pair.observer.block.number == height
    with pytest.raises(Gone):
        pair.federation.get_head(height + 1)


def test_poll__blocks_differ_deep_enough__disagreement_names_both(pair: Pair) -> None:
    pair.observer.poll()
    pair.one.commit(1, 1)
    pair.two.commit(2, 1)
    fork = pair.one.web3.eth.block_number
    mine(pair.one, CONFIRMATIONS - 1)
    mine(pair.two, CONFIRMATIONS - 1)
    assert pair.poll_seats() == []
    mine(pair.one)
    mine(pair.two)
    with pytest.raises(Disagreement) as caught:
        pair.observer.poll()
    hashes = [lab.web3.eth.get_block(fork)["hash"].to_0x_hex() for lab in (pair.one, pair.two)]
    assert hashes[0] != hashes[1]
    assert caught.value.endpoints == ("http://one", "http://two")
    assert caught.value.about == f"block {fork}"
    for part in ("http://one and http://two", f"block {fork}", *hashes):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def leave_out(logs: list[Any]) -> None:
    logs.pop()


def add_one(logs: list[Any]) -> None:
    logs.append(logs[-1])


def change_data(logs: list[Any]) -> None:
    logs[0]["data"] = logs[0]["data"][:-1] + "7"


@pytest.mark.parametrize("alter", [leave_out, add_one, change_data])
def test_poll_and_get_events__second_lies_about_events__disagreement(
    pair: Pair, alter: Callable[[list[Any]], None]
) -> None:
    def lie(method: str, answer: Any) -> Any:
        if method == "eth_getLogs" and answer["result"]:
            alter(answer["result"])
        return answer

    pair.commit_on_both(0)
    pair.second.alter = lie
    with pytest.raises(Disagreement, match="events of block 0x"):
        pair.observer.poll()
    assert pair.observer.history == ()
    block = get_block(pair.one.web3, "latest")
    assert block is not None
    with pytest.raises(Disagreement) as caught:
        pair.federation.get_events(0, block.number)
    assert caught.value.about == f"events up to block {block.number} 0x{block.hash.hex()}"


def test_read__second_lies_about_a_call__disagreement(pair: Pair) -> None:
    def alter(method: str, answer: Any) -> Any:
        return {**answer, "result": "0x" + "11" * 32} if method == "eth_call" else answer

    pair.second.alter = alter
    for at in (None, pair.one.created_at, get_block(pair.one.web3, "latest").hash):  # type: ignore[union-attr]
        with pytest.raises(Disagreement, match="eth_call at block"):
            pair.federation.get_head(at)


def test_read__second_claims_a_revert__disagreement(pair: Pair) -> None:
    def alter(method: str, answer: Any) -> Any:
        error = {"code": 3, "message": "execution reverted"}
        return {"id": 1, "error": error} if method == "eth_call" else answer

    pair.second.alter = alter
    with pytest.raises(Disagreement, match="a revert"):
        pair.federation.get_head()


def test_read__second_lies_about_a_time__disagreement(pair: Pair) -> None:
    def alter(method: str, answer: Any) -> Any:
        if method == "eth_getBlockByNumber" and answer["result"]:
            answer["result"]["timestamp"] = "0x1"
        return answer

    pair.second.alter = alter
    with pytest.raises(Disagreement, match=r"time 1\)"):
        get_block(pair.web3, 1 + pair.one.web3.eth.block_number - CONFIRMATIONS - 1)


@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getCode"])
def test_find_creation__second_has_no_history__says_so(pair: Pair, method: str) -> None:
    def alter(asked: str, answer: Any) -> Any:
        error = {"code": -32000, "message": "missing trie node"}
        return {"id": 1, "error": error} if asked == method else answer

    pair.second.alter = alter
    with pytest.raises(NoHistory, match="missing trie node"):
        find_creation(pair.federation)


def test_ask__of_ones_own_transactions__the_first_alone(pair: Pair) -> None:
    address = pair.one.devnet.accounts[5].address
    before = list(pair.second.asked)
    assert ask(pair.web3, "eth_getTransactionCount", address, "pending") == "0x0"
    with pytest.raises(Refused):
        ask(pair.web3, "eth_sendRawTransaction", "0x12")
    assert pair.second.asked == before


# Through sockets ------------------------------------------------------------------------------


@pytest.fixture
def served(pair: Pair) -> Iterator[list[str]]:
    with ExitStack() as opened:
        hosts = [opened.enter_context(serve(lab.devnet)).host for lab in (pair.one, pair.two)]
        yield [f"http://{hosts[0]}", f"ws://{hosts[1]}"]


def test_open_endpoints__the_same_chain_twice__reads_it(pair: Pair, served: list[str]) -> None:
    with open_endpoints(served) as web3:
        federation = find_federation(web3, pair.one.federation.address)
        observer = Observer(federation, created_at=find_creation(federation))
        observer.poll()
    assert list(observer.history) == pair.one.events()


def test_open_endpoints__another_history__disagreement(pair: Pair, served: list[str]) -> None:
    pair.one.commit(1, 1)
    pair.two.commit(2, 1)
    mine(pair.one, CONFIRMATIONS)
    mine(pair.two, CONFIRMATIONS)
    with (
        pytest.raises(Disagreement) as caught,
        open_endpoints(served, confirmations=CONFIRMATIONS) as web3,
    ):
        find_federation(web3, pair.one.federation.address)
    assert caught.value.endpoints == tuple(served)


def test_open_endpoints__another_chain_id__disagreement(served: list[str]) -> None:
    with (
        Devnet(clock=Clock(), accounts=ACCOUNTS, chain_id=77) as other,
        serve(other) as server,
        pytest.raises(Disagreement) as caught,
        open_endpoints([served[0], f"http://{server.host}"]),
    ):
        pass
    assert caught.value.about == "chain id"
    assert caught.value.got == ("0x7a69", "0x4d")


def test_open_endpoints__another_beginning__disagreement(pair: Pair, served: list[str]) -> None:
    with (
        Devnet(clock=Clock(5), accounts=ACCOUNTS) as other,
        serve(other) as server,
        pytest.raises(Disagreement) as caught,
        open_endpoints([served[0], f"http://{server.host}"]) as web3,
    ):
        find_federation(web3, pair.one.federation.address)
    assert caught.value.about == "block 0"
