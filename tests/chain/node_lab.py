"""Nodes to send to and to watch: the embedded chain in process or served, and anvil; each with a
federation of four seats, driven by the methods that they share."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import nodes_lab
from eth_account.signers.local import LocalAccount
from federation_lab import ETHER, PARAMETERS, START, Clock
from web3 import Web3

from chain.connect import connect_devnet, open_endpoint
from chain.deployment import deploy
from chain.devnet.accounts import derive_accounts
from chain.devnet.devnet import Devnet
from chain.federation import Call, Federation
from chain.pending import Pending
from chain.rpc import ask
from chain.sender import Sender
from chain.types import EndpointSet

SERVE = (sys.executable, "-c", "from cli.chain import app; app()", "serve", "--port", "0", "--json")
SEATS = 4
BLOCK_GAS = 30_000_000
BURN = "0xfe"
"""Code that is no instruction: a creation with it uses all the gas that it is given."""


@dataclass
class NodeLab:
    """One node, and a federation on it; seat i belongs to account i."""

    web3: Web3
    url: str | None = None
    accounts: list[LocalAccount] = field(default_factory=lambda: derive_accounts(SEATS + 1))

    def __post_init__(self) -> None:
        deployment = deploy(self.web3, self.sender(0), b"a spec", PARAMETERS)
        self.federation: Federation = deployment.federation
        self.created_at = deployment.block
        for seat in range(SEATS):
            self.sender(seat).send(self.federation.call("join", f"{seat}", [], value_wei=ETHER))
        self.is_anvil = "anvil" in self.rpc("web3_clientVersion")
        self._mark: str | None = None

    def rpc(self, method: str, *params: object) -> Any:
        return ask(self.web3, method, *params)

    def sender(self, account: int, **options: Any) -> Sender:
        return Sender(self.web3, self.accounts[account], timeout_seconds=20, **options)

    def call(self, text: str, seat: int = 0) -> Call:
        """Return the lightest call there is, whose effect shows how often it was done."""
        return self.federation.call("set_endpoint", seat, text)

    def hold(self) -> None:
        self.rpc("evm_setAutomine", False)

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.rpc("evm_mine")

    def told(self, seat: int = 0) -> list[str]:
        """Return every text that a seat ever set, in the chain's order."""
        events = [logged.event for logged in self.federation.get_events(0, 10**9)]
        return [e.endpoint for e in events if isinstance(e, EndpointSet) and e.seat == seat]

    def mark(self) -> None:
        """Before what is to be dropped is sent: the embedded chain can only go back."""
        if not self.is_anvil:
            self._mark = self.rpc("evm_snapshot")

    def drop(self, pending: Pending) -> None:
        """Let the node lose a waiting transaction."""
        name = "0x" + pending.transaction.hex()
        if self.is_anvil:
            self.rpc("anvil_dropTransaction", name)
        else:
            assert self.rpc("evm_revert", self._mark) is True
        assert self.rpc("eth_getTransactionByHash", name) is None

    def fill_blocks(self, count: int) -> None:
        """Let transactions come that fill so many blocks, whatever comes after them."""
        account = self.accounts[SEATS]
        nonce = int(self.rpc("eth_getTransactionCount", account.address, "pending"), 16)
        gas = int(self.rpc("eth_getBlockByNumber", "latest", False)["gasLimit"], 16)
        for number in range(count):
            signed = account.sign_transaction(
                {
                    "data": BURN,
                    "value": 0,
                    "gas": gas,
                    "nonce": nonce + number,
                    "chainId": 31337,
                    "maxFeePerGas": 10**12,
                    "maxPriorityFeePerGas": 10**11,
                }
            )
            self.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())


@contextmanager
def run_embedded() -> Iterator[NodeLab]:
    with Devnet(clock=Clock(START), accounts=SEATS + 1) as devnet:
        yield NodeLab(connect_devnet(devnet))


@contextmanager
def run_anvil() -> Iterator[NodeLab]:
    with nodes_lab.run_anvil("--gas-limit", str(BLOCK_GAS)) as url, _connect(url) as lab:
        yield lab


@contextmanager
def run_served() -> Iterator[NodeLab]:
    with _run([*SERVE, "--accounts", str(SEATS + 1)]) as process:
        assert process.stdout is not None
        with _connect(json.loads(process.stdout.readline())["url"]) as lab:
            yield lab


@contextmanager
def _run(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            # Not killed: what starts anvil ends it only if it is asked to.
            process.terminate()
            process.wait()


@contextmanager
def _connect(url: str) -> Iterator[NodeLab]:
    with open_endpoint(url) as web3:
        yield NodeLab(web3, url)


NODES = {"embedded": run_embedded, "anvil": run_anvil, "served": run_served}
