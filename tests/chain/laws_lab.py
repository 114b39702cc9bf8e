"""One chain of each kind for all tests of a worker, and a federation on whichever a test asks for.

Those of this process have the same accounts as the real node.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from federation_lab import ETHER, PAIR, PARAMETERS, START, Clock, make_root
from nodes_lab import run_anvil
from server_lab import serve
from web3 import Web3

from chain.connect import connect_devnet, open_endpoint
from chain.deployment import deploy
from chain.devnet.accounts import derive_accounts
from chain.devnet.devnet import Devnet
from chain.federation import Call, Federation
from chain.keys import compute_result_key
from chain.mining import Mining
from chain.observer import Observer
from chain.rpc import ask, get_block
from chain.sender import Receipt, Sender
from chain.types import Key, Logged, Root, RoundId

SEATS = 4
KINDS = ("in_process", "over_http", "over_websocket", "anvil", "anvil_websocket", "anvil_ipc")


@pytest.fixture(scope="session")
def in_process() -> Iterator[Web3]:
    with Devnet(clock=Clock(START), accounts=SEATS) as devnet:
        yield connect_devnet(devnet)


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    with Devnet(clock=Clock(START), accounts=SEATS) as devnet, serve(devnet) as server:
        yield server.host


@pytest.fixture(scope="session")
def over_http(served: str) -> Iterator[Web3]:
    with open_endpoint(f"http://{served}") as web3:
        yield web3


@pytest.fixture(scope="session")
def over_websocket(served: str) -> Iterator[Web3]:
    with open_endpoint(f"ws://{served}") as web3:
        yield web3


@pytest.fixture(scope="session")
def anvil_socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anvil") / "node.ipc"


@pytest.fixture(scope="session")
def anvil_url(anvil_socket: Path) -> Iterator[str]:
    with run_anvil("--ipc", str(anvil_socket)) as url:
        yield url


@pytest.fixture(scope="session")
def anvil(anvil_url: str) -> Iterator[Web3]:
    with open_endpoint(anvil_url) as web3:
        yield web3


@pytest.fixture(scope="session")
def anvil_websocket(anvil_url: str) -> Iterator[Web3]:
    with open_endpoint(anvil_url.replace("http", "ws")) as web3:
        yield web3


@pytest.fixture(scope="session")
def anvil_ipc(anvil_url: str, anvil_socket: Path) -> Iterator[Web3]:
    with open_endpoint(str(anvil_socket)) as web3:
        yield web3


@dataclass
class Lab:
    """A federation with seats 0 to 3, each of an ether, owned by the first accounts."""

    web3: Web3
    senders: list[Sender]
    federation: Federation
    created_at: int
    gas: list[int]

    @property
    def head(self) -> Key:
        return self.federation.get_head()[0]

    def call(self, function: str, *arguments: object, value_wei: int = 0) -> Call:
        return self.federation.call(function, *arguments, value_wei=value_wei)

    def act(self, by: int, function: str, *arguments: object, value_wei: int = 0) -> Receipt:
        return self._send(by, self.call(function, *arguments, value_wei=value_wei))

    def commitment(self, seat: int, number: int = 1) -> Call:
        return self.call("commit", number, seat, self.head, make_root(seat, number), 10, 5)

    def commit(self, seat: int, number: int = 1) -> Receipt:
        return self._send(seat, self.commitment(seat, number))

    def _send(self, by: int, call: Call) -> Receipt:
        receipt = self.senders[by].send(call)
        # Keys differ with the contract's address, and so do the zero bytes among them, which are
        # cheaper: 4 gas instead of 16 (EIP-2028).
        self.gas.append(receipt.gas_used - sum(16 if byte else 4 for byte in call.data))
        return receipt

    def agree(self, number: int = 1) -> Key:
        """Play a whole round: all commit, the first proposes, the others approve."""
        for seat in range(SEATS):
            self.commit(seat, number)
        parent, round_id = self.head, RoundId(number)
        running, included, _ = self.federation.get_row(parent, round_id)
        result = (running, included, Root(make_root(number)), PAIR * SEATS)
        key = compute_result_key(round_id, parent, *result)
        self.act(0, "propose", number, 0, parent, *result)
        for seat in range(1, SEATS):
            if self.head != key:
                self.act(seat, "attest", seat, key)
        return key

    def ask(self, method: str, *params: object) -> Any:
        return ask(self.web3, method, *params)

    @property
    def height(self) -> int:
        return int(self.ask("eth_blockNumber"), 16)

    def events(self) -> list[Logged]:
        return self.federation.get_events(self.created_at, self.height)

    def observe(self) -> Observer:
        return Observer(self.federation, created_at=self.created_at)

    def state(self, account: int) -> tuple[int, ...]:
        """Return what sending would change: both nonces, the balance, and the height."""
        address = self.senders[account].address
        nonces = (self.ask("eth_getTransactionCount", address, t) for t in ("latest", "pending"))
        balance = self.ask("eth_getBalance", address, "latest")
        return (*(int(n, 16) for n in nonces), int(balance, 16), self.height)

    @property
    def now(self) -> int:
        """Time of the latest block."""
        block = get_block(self.web3, "latest")
        assert block is not None
        return block.timestamp

    @contextmanager
    def holding(self) -> Iterator[Mining]:
        """Let transactions wait until `mine`; mined at once again afterwards."""
        mining = Mining(self.web3)
        mining.hold()
        yield mining
        mining.release()


def found(web3: Web3) -> Lab:
    senders = [Sender(web3, account) for account in derive_accounts(SEATS)]
    deployment = deploy(web3, senders[0], b"a spec", PARAMETERS)
    lab = Lab(web3, senders, deployment.federation, deployment.block, [deployment.gas_used])
    for seat in range(SEATS):
        lab.act(seat, "join", f"peer {seat}", [], value_wei=ETHER)
    return lab
